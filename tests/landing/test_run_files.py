"""What a run wrote: listed, previewed, and given to browsers so that nothing of it is executed."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from tests.landing.conftest import png
from tests.landing.reading import HOSTILE, Page

NAME = "\"'><img src=x onerror=alert(1)> 50% #1?.csv"


@pytest.fixture(scope="module")
def finished(house):
    """Somebody's browser, and a run of theirs with results of every kind."""
    identity, browser = house.person()
    run_id = house.bench.ask(identity)
    files = {
        "outputs/scores.csv": b"gene,score\nMYH9,0.5\n" + b"x,1\n" * 20,
        f"outputs/{NAME}": f"{HOSTILE!r}\n<b>,2\n".encode(),
        "outputs/broken.csv": b"\xff\x00",
        "outputs/empty.csv": b"",
        "outputs/figure.png": png(40, 20),
        "outputs/damaged.png": b"\x89PNG\r\n\x1a\n",
        "outputs/deep/er/about.json": b'{"model": "offline"}',
        "outputs/page.html": b"<script>alert(1)</script>",
        "outputs/drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "report.html": b"<!doctype html><script>alert(1)</script>",
    }
    house.bench.finish(run_id, identity.user, files)
    return browser, run_id


def test_each_output_is_listed_with_its_size_and_can_be_opened(finished):
    browser, run_id = finished
    html = browser.get(f"/runs/{run_id}").text
    page = Page(html)
    links = {link["href"] for link in page.all("a") if "/files/outputs/" in link["href"]}

    assert page.active() == []
    assert len(links) == 9
    assert all(browser.get(link).status_code == 200 for link in links)
    assert NAME in page.text
    assert "outputs/scores.csv" not in page.text
    assert "20 bytes" in page.text


def test_the_folder_that_all_outputs_share_is_told_once(house):
    identity, browser = house.person()
    run_id = house.bench.ask(identity)
    house.bench.finish(
        run_id, identity.user, {f"outputs/results/x/{name}": b"1" for name in ("a.txt", "b.txt")}
    )
    page = Page(browser.get(f"/runs/{run_id}").text)

    assert "All of them are in results/x/." in page.text
    assert [link["href"] for link in page.all("a", **{"aria-label": "Save a.txt"})] == [
        f"/api/v1/runs/{run_id}/files/outputs/results/x/a.txt"
    ]
    assert "results/x/a.txt" not in page.text


def test_tables_and_pictures_have_a_preview_and_damaged_ones_none(finished):
    browser, run_id = finished
    page = Page(browser.get(f"/runs/{run_id}").text)
    regions = {each["aria-label"] for each in page.all("div", role="region")}

    assert {"First rows of scores.csv", f"First rows of {NAME}"} <= regions
    assert "First rows of empty.csv" not in regions
    assert "There are more rows in the file." in page.text
    assert HOSTILE.replace("'", "") in page.text.replace("'", "").replace("\\", "")
    assert [each["alt"] for each in page.all("img", **{"class": "preview"})] == ["damaged.png", "figure.png"]


def test_the_first_rows_are_those_of_the_file(finished):
    browser, run_id = finished
    page = Page(browser.get(f"/runs/{run_id}").text)

    assert "gene score MYH9 0.5" in " ".join(piece.strip() for piece in page.pieces if piece.strip())


def test_of_very_many_outputs_the_first_are_listed_and_the_rest_counted(house):
    identity, browser = house.person()
    run_id = house.bench.ask(identity)
    house.bench.finish(run_id, identity.user, {f"outputs/{n:03}.csv": b"a\n1\n" for n in range(210)})
    page = Page(browser.get(f"/runs/{run_id}").text)

    assert len(page.all("a", download="")) == 200 + 2
    assert len(page.all("table", **{"class": "data"})) == 6
    assert "10 more files are in the download." in page.text


def test_the_report_may_load_and_execute_nothing_even_outside_its_frame(finished):
    browser, run_id = finished
    answer = browser.get(f"/api/v1/runs/{run_id}/report")
    policy = answer.headers["content-security-policy"]

    assert policy.startswith("sandbox; default-src 'none'; ")
    assert "script" not in policy
    assert "allow-" not in policy
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "media_type", "disposition"),
    [
        ("outputs/scores.csv", "text/plain; charset=utf-8", "inline"),
        ("outputs/figure.png", "image/png", "inline"),
        ("outputs/deep/er/about.json", "application/json", "inline"),
        ("notebook.ipynb", "application/json", "inline"),
        ("outputs/page.html", "application/octet-stream", "attachment"),
        ("outputs/drawing.svg", "application/octet-stream", "attachment"),
        ("report.html", "application/octet-stream", "attachment"),
    ],
)
def test_a_file_is_given_as_a_type_that_no_browser_executes(finished, path, media_type, disposition):
    browser, run_id = finished
    answer = browser.get(f"/api/v1/runs/{run_id}/files/{path}")

    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"].startswith(f"{disposition}; filename*=UTF-8''")
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


def test_a_file_whose_name_is_no_header_is_saved_under_that_name(finished):
    browser, run_id = finished
    page = Page(browser.get(f"/runs/{run_id}").text)
    link = next(link["href"] for link in page.all("a") if "onerror" in link["href"])
    disposition = browser.get(link).headers["content-disposition"]

    assert disposition == (
        "inline; filename*=UTF-8''%22%27%3E%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E%2050%25%20%231%3F.csv"
    )


@pytest.mark.parametrize(
    "path",
    ["../notebook.ipynb", "%2e%2e/%2e%2e/x", "/etc/passwd", "outputs", "outputs/none.csv", "a%00b"],
)
def test_what_is_no_file_of_the_run_is_not_given(finished, path):
    browser, run_id = finished

    assert browser.get(f"/api/v1/runs/{run_id}/files/{path}").status_code == 404


def test_a_link_out_of_the_results_is_neither_listed_nor_given(house):
    identity, browser = house.person()
    run_id = house.bench.ask(identity)
    house.bench.finish(run_id, identity.user, {"outputs/plain.csv": b"a\n1\n"})
    outputs = house.workspace.layout.home(identity.user) / "runs" / run_id / "outputs"
    (outputs / "secret.csv").symlink_to("/etc/passwd")
    (outputs / "folder").symlink_to("/etc")

    assert "secret.csv" not in browser.get(f"/runs/{run_id}").text
    for path in ("outputs/secret.csv", "outputs/folder/passwd"):
        assert browser.get(f"/api/v1/runs/{run_id}/files/{path}").status_code == 404


def test_everything_can_be_taken_along(finished):
    browser, run_id = finished
    answer = browser.get(f"/api/v1/runs/{run_id}/crate")
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()

    assert answer.headers["content-disposition"] == f'attachment; filename="run-{run_id[:6]}.crate.zip"'
    assert {"ro-crate-metadata.json", "report.html", "notebook.ipynb", "outputs/scores.csv"} <= set(names)


def test_a_run_whose_picture_is_hostile_has_no_thumbnail(house):
    identity, browser = house.person()
    for picture in ("PHN2Zz4=", "iVBORw0KGgo=", "no base64", ["iVBORw0K", "Ggo="], None):
        run_id = house.bench.ask(identity)
        output = {"output_type": "display_data", "data": {"image/png": picture}}
        text = json.dumps({"cells": [{"cell_type": "code", "outputs": [output]}]})
        house.bench.finish(run_id, identity.user, {"notebook.ipynb": text.encode()})

        assert browser.get(f"/runs/{run_id}/thumbnail.webp").status_code == 404


def test_a_thumbnail_is_kept_by_the_browser_that_may_see_it(finished):
    browser, run_id = finished
    answer = browser.get(f"/runs/{run_id}/thumbnail.webp")

    assert answer.headers["cache-control"] == "private, max-age=86400"
    assert answer.content[8:12] == b"WEBP"
