"""Reading a build's log while it grows."""

from __future__ import annotations

import pytest

from workspace_api.environments.log import read_log, tail


def test_a_log_is_read_piece_by_piece(tmp_path):
    log = tmp_path / "log"
    log.write_text("one\n")
    first, offset = read_log(log, 0)
    with log.open("a") as file:
        file.write("two\n")

    assert (first, read_log(log, offset)) == ("one\n", ("two\n", 8))
    assert read_log(log, 8) == ("", 8)


def test_a_log_that_is_not_there_is_empty(tmp_path):
    assert read_log(tmp_path / "none", 7) == ("", 7)
    assert tail(tmp_path / "none") == ""


@pytest.mark.parametrize("text", ["naïve", "日本", "🧬🧬"])
def test_a_character_that_is_half_written_waits_for_its_other_half(tmp_path, text):
    data = text.encode()
    log = tmp_path / "log"
    for cut in range(len(data) + 1):
        log.write_bytes(data[:cut])
        first, offset = read_log(log, 0)
        log.write_bytes(data)
        second, _ = read_log(log, offset)

        assert first + second == text


def test_bytes_that_are_no_text_do_not_stop_the_reading(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"\xff\xfe ok\n")

    assert read_log(log, 0)[0].endswith(" ok\n")


def test_the_tail_begins_with_a_whole_line(tmp_path):
    log = tmp_path / "log"
    log.write_text("".join(f"line number {n}\n" for n in range(5000)))

    lines = tail(log).splitlines()

    assert lines[-1] == "line number 4999"
    assert lines[0].startswith("line number ")
    assert 500 < len(lines) < 5000
