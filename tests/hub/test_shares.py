"""The link by which JupyterLab's file browser leads from the home to what groups share."""

from __future__ import annotations

from hub.lab_panel.shares import lead_to


def test_a_home_gets_a_link_once_and_only_where_something_is_shared(tmp_path):
    home, shared = tmp_path / "home", tmp_path / "shared"
    home.mkdir()
    lead_to(shared, home)
    assert list(home.iterdir()) == []

    shared.mkdir()
    for _ in range(2):
        lead_to(shared, home)
    assert (home / "shared").resolve() == shared


def test_what_is_called_so_already_stays(tmp_path):
    home, shared = tmp_path / "home", tmp_path / "shared"
    (home / "shared" / "mine").mkdir(parents=True)
    shared.mkdir()
    lead_to(shared, home)

    assert (home / "shared" / "mine").is_dir()
    assert not (home / "shared").is_symlink()
