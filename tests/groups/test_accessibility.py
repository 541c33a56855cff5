"""The pages of groups in a real browser: no WCAG 2.2 AA violation, light or dark, wide or small."""

from __future__ import annotations

import pytest

from tests.accessibility import served, shut_out
from tests.groups.conftest import ADA


@pytest.mark.browser
def test_no_page_of_groups_shuts_anybody_out(app, place, sign_in, browser):
    name = place.make()
    place.groups.set_member(ADA, name, "ben", "writer")
    place.project(name)
    with served(app) as address:
        pages = {"/groups": "Groups", f"/groups/{name}": name}
        assert shut_out(browser, address, sign_in("ada"), pages) == []
