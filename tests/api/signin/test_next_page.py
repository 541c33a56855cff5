"""Where a browser may be sent after signing in."""

from __future__ import annotations

import pytest

from workspace_api.errors import BadRequestError
from workspace_api.signin.next_page import local_page


@pytest.mark.parametrize(
    "page", ["/", "/runs/abc", "/projects/a/b?tab=files#top", "/x?u=https://evil.example"]
)
def test_a_page_of_the_workspace_is_kept(page):
    assert local_page(page) == page


@pytest.mark.parametrize(
    "elsewhere",
    [
        "",
        "runs/abc",
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        " /runs",
        "/" + "x" * 3000,
        "/rüns",
    ],
)
def test_anything_else_is_refused(elsewhere):
    with pytest.raises(BadRequestError, match="only go to a page of this workspace"):
        local_page(elsewhere)
