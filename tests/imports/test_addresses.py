"""What people paste, and what it means."""

from __future__ import annotations

import pytest

from workspace_api.imports.addresses import AddressError, is_allowed, project_at, read_address


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("https://github.com/owner/name", "https://github.com/owner/name"),
        (" https://GitHub.com:443/owner/name.git/ ", "https://github.com/owner/name"),
        ("github.com/owner/name", "https://github.com/owner/name"),
        ("http://git.lab:8080/a/b/c.git", "http://git.lab:8080/a/b/c"),
        ("https://git.sr.ht/~owner/name", "https://git.sr.ht/~owner/name"),
    ],
)
def test_one_spelling_for_each(text, source):
    address = read_address(text)
    assert address.source == source
    assert address.fetched == source + ".git"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "missing"),
        ("foo", "“foo” names no repository"),
        ("https://github.com", "names no repository"),
        ("https://github.com/", "names no repository"),
        ("https://github.com/owner/-rf", "“-rf” cannot be part"),
        ("https://github.com/-owner/name", "“-owner” cannot be part"),
        ("https://github.com/owner/../name", "cannot be part"),
        ("https://github.com/owner/na%2fme", "cannot be part"),
        ("https://ada:secret@github.com/owner/name", "Leave user name and password out"),
        ("git@github.com:owner/name", "Leave user name and password out"),
        ("ssh://github.com/owner/name", "does not begin with https"),
        ("file:///etc/passwd", "does not begin with https"),
        ("ext::sh -c id", "is no address"),
        ("--upload-pack=x", "is no host"),
        ("https://github.com/owner/name#readme", "leave out what follows"),
        ("https://[::1]/owner/name", "is no host"),
        ("https://[::1/owner", "is no address"),
        ("https://github.com/" + "x" * 600, "is no address"),
        ("https://gïthub.com/owner/name", "is no address"),
    ],
)
def test_what_is_no_address_is_told(text, words):
    with pytest.raises(AddressError, match=words) as refusal:
        read_address(text)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "hosts", "allowed"),
    [
        ("https://github.com/a/b", ("github.com",), True),
        ("http://github.com/a/b", ("github.com",), False),
        ("https://github.com.evil.example/a/b", ("github.com",), False),
        ("http://git.lab:8080/a/b", ("http://git.lab:8080",), True),
        ("https://any.example/a/b", ("*",), True),
        ("http://any.example/a/b", ("*",), False),
        ("https://github.com/a/b", (), False),
    ],
)
def test_hosts(text, hosts, allowed):
    assert is_allowed(read_address(text), hosts) is allowed


@pytest.mark.parametrize(
    ("text", "project"),
    [
        ("https://lab.example/projects/ada/thing", "ada/thing"),
        ("https://lab.example/projects/ada/thing/worksheets/x.ipynb", "ada/thing"),
        ("https://lab.example/git/ada/thing.git", "ada/thing"),
        ("https://github.com/ada/thing", None),
        ("https://lab.example.org/projects/ada/thing", None),
    ],
)
def test_own_projects_are_known(text, project):
    found = project_at(
        read_address(text), public_url="https://lab.example", clone_url="https://lab.example/git"
    )
    assert found == project


def test_projects_on_a_gitlab_of_ones_own_are_known():
    address = read_address("https://gitlab.lab/genomics/alphagenome.git")
    found = project_at(address, public_url="https://lab.example", clone_url="https://gitlab.lab")
    assert found == "genomics/alphagenome"


def test_names_are_such_as_a_forge_takes():
    address = read_address("https://github.com/Some_Lab/My..Notebooks")
    assert address.names[:3] == ["my-notebooks", "some_lab-my-notebooks", "my-notebooks-2"]
