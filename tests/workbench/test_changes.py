"""What changed since the last version, and between any two; notebooks by their cells."""

from __future__ import annotations

import base64
import json
import struct
import zlib

import pytest

from tests.workbench.conftest import notebook_text


@pytest.fixture
def ada(person, fork, origin):
    """Ada has opened her fork."""
    made = person("ada")
    made.open(fork, origin)
    return made


def png() -> str:
    """Return the smallest picture as base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()


def files(answer: dict) -> dict[str, dict]:
    return {each["path"]: each for each in answer["files"]}


def test_with_nothing_changed_there_is_nothing_to_show(ada):
    answer = ada.ask("changes")

    assert (answer["files"], answer["more"]) == ([], 0)


def test_changed_new_and_removed_files_are_shown_and_nothing_is_touched(ada):
    (ada.checkout / "notes.txt").write_text("one\nTWO\nthree\n")
    (ada.checkout / "new.txt").write_text("new\n")
    (ada.checkout / "a.ipynb").unlink()
    ada.git("add", "new.txt")
    before = ada.git("status", "--porcelain")
    found = files(ada.ask("changes"))

    assert {path: each["kind"] for path, each in found.items()} == {
        "notes.txt": "changed",
        "new.txt": "added",
        "a.ipynb": "removed",
    }
    assert "-two\n+TWO" in found["notes.txt"]["patch"]
    assert "+new" in found["new.txt"]["patch"]
    assert ada.git("status", "--porcelain") == before


def test_a_notebook_is_compared_by_its_cells_with_pictures_and_without_anybodys_html(ada):
    notebook = json.loads(notebook_text("1 + 1", "2 + 2", "'mine'"))
    notebook["cells"][1]["outputs"] = [
        {
            "output_type": "display_data",
            "data": {"image/png": png(), "text/html": "<script>alert(1)</script>"},
            "metadata": {},
        }
    ]
    (ada.checkout / "a.ipynb").write_text(json.dumps(notebook))
    [found] = ada.ask("changes")["files"]

    assert [(cell["kind"], cell["number"]) for cell in found["cells"]] == [("changed", 2), ("changed", 3)]
    picture, source = found["cells"]
    assert (picture["outputs"], picture["pictures_after"]) == ("outputs are new", [png()])
    assert source["lines"][-2:] == ["-3 + 3", "+'mine'"]
    assert "script" not in json.dumps(found)


def test_cells_have_the_numbers_at_which_one_finds_them(ada):
    one, two, _ = json.loads(notebook_text("1 + 1", "2 + 2", "3 + 3"))["cells"]
    cells = [{**one, "id": "new", "source": "'new'"}, one, {**two, "source": "2 + 2\n'mine'"}]
    (ada.checkout / "a.ipynb").write_text(json.dumps({**json.loads(notebook_text()), "cells": cells}))
    found = files(ada.ask("changes"))["a.ipynb"]["cells"]

    assert [(cell["kind"], cell["number"]) for cell in found] == [
        ("added", 1),
        ("changed", 3),
        ("removed", 3),
    ]


def test_a_new_notebook_has_cells_in_their_order_and_no_settings_that_changed(ada):
    (ada.checkout / "b.ipynb").write_text(
        json.dumps({**json.loads(notebook_text("'first'", "'second'")), "metadata": {"kernel": "any"}})
    )
    found = files(ada.ask("changes"))["b.ipynb"]["cells"]

    assert [(cell["kind"], cell["number"], cell["lines"][-1]) for cell in found] == [
        ("added", 1, "+'first'"),
        ("added", 2, "+'second'"),
    ]


def test_a_renamed_file_is_one_change_with_what_differs_in_it(ada):
    (ada.checkout / "notes.txt").write_text("".join(f"line {number}\n" for number in range(20)))
    ada.ask("save", message="Long enough to be known again")
    text = (ada.checkout / "notes.txt").read_text()
    (ada.checkout / "notes.txt").unlink()
    (ada.checkout / "-notes of ümläut.txt").write_text(text + "one more\n")
    (ada.checkout / "a.ipynb").rename(ada.checkout / "b.ipynb")
    found = files(ada.ask("changes"))

    assert {path: (each["kind"], each["old_path"], each["same"]) for path, each in found.items()} == {
        "-notes of ümläut.txt": ("renamed", "notes.txt", False),
        "b.ipynb": ("renamed", "a.ipynb", True),
    }
    assert [line for line in found["-notes of ümläut.txt"]["patch"].splitlines() if line[0] in "+-"] == [
        "+one more"
    ]
    assert found["b.ipynb"]["cells"] == []


def test_after_a_conflict_what_changed_shows_ones_own_text_and_theirs_beside_it(ada, person, origin):
    ben = person("ben")
    ben.open(origin)
    (ben.checkout / "notes.txt").write_text("one\ntheirs\nthree\n")
    ben.ask("save", message="Theirs")
    (ada.checkout / "notes.txt").write_text("one\nmine\nthree\n")
    before = ada.git("rev-parse", "HEAD").strip()
    [kept] = ada.ask("update", upstream_branch="main")["both_kept"]
    found = files(ada.ask("changes", before=before))
    mine = files(ada.ask("changes", before="upstream/main"))

    assert set(found) == {"notes.txt", kept["other"]}
    assert "-two\n+mine" in found["notes.txt"]["patch"]
    assert "+theirs" in found[kept["other"]]["patch"]
    assert "-theirs\n+mine" in mine["notes.txt"]["patch"]
    assert ada.ask("changes")["files"] == []


def test_two_versions_are_compared_whatever_lies_in_the_files_now(ada):
    first = ada.git("rev-parse", "HEAD").strip()
    (ada.checkout / "notes.txt").write_text("second\n")
    ada.ask("save", message="Second", tag="v2")
    (ada.checkout / "notes.txt").write_text("third\n")
    between = files(ada.ask("changes", before=first, after="v2"))
    since = files(ada.ask("changes", before=first))

    assert "+second" in between["notes.txt"]["patch"]
    assert "+third" in since["notes.txt"]["patch"]
    assert "There is no version “--output=x”" in ada.ask("changes", before="--output=x")["error"]


def test_much_that_changed_is_cut_and_counted(ada):
    for number in range(230):
        (ada.checkout / f"{number:03}.txt").write_text(f"{number}\n" * 2_000)
    with (ada.checkout / "huge.bam").open("wb") as file:
        file.truncate(300_000_000)
    (ada.checkout / "binary.bin").write_bytes(bytes(range(256)) * 4)
    answer = ada.ask("changes")

    assert (len(answer["files"]), answer["more"]) == (200, 32)
    assert answer["files"][0]["path"] == "huge.bam"
    assert "300 MB" in answer["files"][0]["reason"]
    assert answer["files"][-1]["cut"]
    assert len(json.dumps(answer)) < 900_000


def test_what_is_no_notebook_is_compared_as_text(ada):
    (ada.checkout / "a.ipynb").write_text("{ broken")
    [found] = ada.ask("changes")["files"]

    assert "+{ broken" in found["patch"]


def test_the_history_names_versions_and_who_saved_them(ada):
    (ada.checkout / "notes.txt").write_text("second\n")
    saved = ada.ask("save", message="Second, with \x1f and “quotes”", tag="v2")
    newest, first = ada.ask("history")["versions"]

    assert (newest["commit"], newest["names"], newest["author"]) == (saved["commit"], ["v2"], "ada")
    assert newest["message"].startswith("Second, with")
    assert first["message"] == "First"
