"""The `labfork token` command, on a workspace that does not run."""

from __future__ import annotations

from workspace_api.database import now


def test_a_token_is_made_listed_and_revoked(labfork, services):
    made = labfork("token", "make", "ada", "nightly", "--scope", "alphagenome", "--days", "7")

    secret = made.stdout.strip()
    assert made.exit_code == 0
    assert services.tokens.verify(secret, "alphagenome").user == "ada"
    assert services.tokens.verify(secret, "api") is None
    listed = labfork("token", "list", "ada").stdout
    assert "alphagenome" in listed
    assert "nightly" in listed
    assert str(now().year) in listed
    assert secret not in listed

    revoked = labfork("token", "revoke", "ada", listed.split()[0])

    assert revoked.exit_code == 0
    assert services.tokens.identify(secret) is None
    assert labfork("token", "list", "ada").stdout == ""


def test_what_cannot_be_is_refused_in_words(labfork):
    for arguments, words in (
        (("make", "nobody", "x", "--scope", "api"), "no open account called “nobody”"),
        (("make", "ada", "x", "--scope", "all"), "scopes: There is no scope all; choose from"),
        (("make", "ada", " ", "--scope", "api"), "name: Give the token a name"),
        (("revoke", "ada", "999"), "no token with the id 999"),
    ):
        refused = labfork("token", *arguments)
        assert refused.exit_code == 1
        assert words in refused.stderr
