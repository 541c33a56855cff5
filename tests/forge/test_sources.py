"""Which addresses may be imported from."""

from __future__ import annotations

import pytest

from deploy.forge.sources import SourceError, checked_source

HOSTS = ("github.com", "http://git.lab:8080", "https://code.lab:8443")


@pytest.mark.parametrize(
    ("url", "hosts", "named"),
    [
        ("https://github.com/owner/name", HOSTS, True),
        ("https://GitHub.com/owner/name.git", HOSTS, True),
        ("https://github.com:443/owner/name", HOSTS, True),
        ("http://git.lab:8080/a/b/c", HOSTS, True),
        ("https://code.lab:8443/x", HOSTS, True),
        ("https://anything.example/x/y", ("*",), False),
    ],
)
def test_allowed(url, hosts, named):
    assert checked_source(url, hosts).named is named


@pytest.mark.parametrize(
    ("url", "hosts", "words"),
    [
        ("https://github.com/owner/name", (), "allowed here: none"),
        ("https://gitlab.com/owner/name", HOSTS, "allowed here: github.com"),
        ("http://github.com/owner/name", HOSTS, "not at one of the hosts"),
        ("https://github.com:8443/owner/name", HOSTS, "not at one of the hosts"),
        ("https://github.com.evil.example/owner/name", HOSTS, "not at one of the hosts"),
        ("https://git.lab:8080/a/b", HOSTS, "not at one of the hosts"),
        ("https://ada:secret@github.com/owner/name", HOSTS, "without user name"),
        ("https://github.com/owner/name?x=1", HOSTS, "without user name"),
        ("ssh://github.com/owner/name", HOSTS, "https://"),
        ("git@github.com:owner/name", HOSTS, "https://"),
        ("file:///etc/passwd", ("*",), "https://"),
        ("ext::sh -c id", ("*",), "no address"),
        ("--upload-pack=id", ("*",), "https://"),
        ("https://github.com/", HOSTS, "must lead to a repository"),
        ("https://github.com/owner/-rf", HOSTS, "begins with a letter"),
        ("https://github.com/../name", HOSTS, "begins with a letter"),
        ("http://anything.example/x", ("*",), "not at one of the hosts"),
        ("https://169.254.169.254/latest", ("*",), "not at one of the hosts"),
        ("https://2130706433/x", ("*",), "not at one of the hosts"),
        ("https://0x7f.1/x", ("*",), "not at one of the hosts"),
        ("https://[::1]/x", ("*",), "not at one of the hosts"),
        ("https://github.com:99999/x", HOSTS, "https://"),
    ],
)
def test_refused(url, hosts, words):
    with pytest.raises(SourceError, match=words):
        checked_source(url, hosts)


def test_a_name_that_leads_into_the_local_network_is_refused():
    with pytest.raises(SourceError, match="local network"):
        checked_source("https://localhost/x", ("*",)).pinned()


def test_a_host_that_is_listed_may_be_local_and_is_looked_up_once():
    pinned = checked_source("http://localhost:8080/x", ("http://localhost:8080",)).pinned()
    assert pinned in ("localhost:8080:127.0.0.1", "localhost:8080:[::1]")


def test_a_host_that_does_not_exist():
    with pytest.raises(SourceError, match="There is no host"):
        checked_source("https://nowhere.invalid/x", ("*",)).pinned()
