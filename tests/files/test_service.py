"""What a person finds in their home and shares, and what a run's inputs are."""

from __future__ import annotations

import os

import pytest
from pydantic import SecretStr

from auth.identity import ANONYMOUS, Identity, Level
from tests.conftest import free_port
from tests.databases import make_database
from workspace_api.errors import InvalidInputError, NotFoundError
from workspace_api.settings import ForgeSettings, Settings
from workspace_api.worksheets.formats import FormatError
from workspace_api.workspace import open_workspace

ADA = Identity(user="ada", level=Level.END_USER)
BEN = Identity(user="ben", level=Level.END_USER)
SCHEMA = {"properties": {"table": {"type": "string", "format": "file"}}}


@pytest.fixture
def workspace(tmp_path):
    """A workspace whose forge is away: files need none."""
    tmp_path.chmod(0o755)
    settings = Settings(
        home=tmp_path,
        public_url="http://labfork.test",
        database_url=f"sqlite:///{tmp_path / 'database.sqlite'}",
        secret_key=SecretStr("a key for tests"),
        forge=ForgeSettings(url=f"http://127.0.0.1:{free_port()}"),
    )
    make_database(settings.database_url)
    opened = open_workspace(settings)
    for name in ("ada", "ben"):
        opened.people.add(name)
    opened.groups.add("lab", admin="ada")
    yield opened
    opened.close()


@pytest.fixture
def layout(workspace):
    return workspace.layout


@pytest.fixture
def files(workspace):
    return workspace.files


def put(folder, name: str, text: str = "x") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if os.geteuid() == 0:
        owner = folder.stat()
        for each in (path, path.parent):
            os.chown(each, owner.st_uid, owner.st_gid)


def names(folder) -> list[str]:
    return [item.name for item in folder.items]


def test_the_top_holds_the_home_the_shares_and_what_is_public(files):
    assert names(files.browse(ADA, "")) == ["~", "/shared/lab", "/shared/public"]
    assert names(files.browse(BEN, "")) == ["~", "/shared/public"]
    assert names(files.browse(ANONYMOUS, "")) == ["/shared/public"]


def test_folders_come_first_and_others_kinds_are_left_out(files, layout):
    for name in ("data/a.csv", "b.CSV", "c.txt", ".hidden"):
        put(layout.home("ada"), name)
    found = files.browse(ADA, "~", (".csv",))
    assert [(item.path, item.folder) for item in found.items] == [("~/data", True), ("~/b.CSV", False)]
    assert (found.parent, found.whole) == ("", True)
    assert files.browse(ADA, "~/data/").parent == "~"


@pytest.mark.parametrize(
    "path", ["~/nothing", "~/../ben", "/etc", "/shared", "/shared/lab/../x", "~ben", "data"]
)
def test_what_is_no_folder_of_theirs_is_not_found(files, path):
    with pytest.raises(NotFoundError, match="that you may read"):
        files.browse(ADA, path)


def test_shares_of_other_groups_are_not_there(files, layout):
    put(layout.group("lab"), "a.csv")
    files.check(ADA, "/shared/lab/a.csv")
    with pytest.raises(NotFoundError):
        files.browse(BEN, "/shared/lab")
    with pytest.raises(FormatError, match="There is no file “/shared/lab/a"):
        files.check(BEN, "/shared/lab/a.csv")


def test_visitors_use_what_is_public_alone(files, layout):
    put(layout.public, "a.csv")
    files.check(ANONYMOUS, "/shared/public/a.csv")
    with pytest.raises(FormatError, match="Without an account only files below /shared/public"):
        files.check(ANONYMOUS, "~/a.csv")


def test_a_link_is_not_followed(files, layout):
    (layout.home("ada") / "link.csv").symlink_to("/etc/passwd")
    (layout.home("ada") / "folder").symlink_to(layout.home("ben"))
    put(layout.home("ben"), "secret.csv")
    for path in ("~/link.csv", "~/folder/secret.csv"):
        with pytest.raises(FormatError, match="leads through a link"):
            files.check(ADA, path)
    with pytest.raises(NotFoundError):
        files.browse(ADA, "~/folder")


def test_inputs_tell_the_content(files, layout):
    put(layout.home("ada"), "a.csv", "one")
    [before] = files.inputs(ADA, SCHEMA, {"table": "~/a.csv"})
    put(layout.home("ada"), "a.csv", "two")
    [after] = files.inputs(ADA, SCHEMA, {"table": "~/a.csv"})
    put(layout.home("ada"), "a.csv", "one")
    assert before["digest"] != after["digest"]
    assert files.inputs(ADA, SCHEMA, {"table": "~/a.csv"}) == [before]
    assert files.inputs(ADA, SCHEMA, {"table": "example.csv"}) == []


def test_a_missing_file_is_told_beside_its_parameter(files):
    with pytest.raises(InvalidInputError) as refusal:
        files.inputs(ADA, SCHEMA, {"table": "~/nothing.csv"})
    [error] = refusal.value.errors
    assert (error.field, "There is no file" in error.message) == ("table", True)
