"""SSH public keys, and tokens that administrators make for others."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from gitlab.exceptions import GitlabAuthenticationError, GitlabCreateError, GitlabGetError, GitlabHttpError


def line(private) -> str:
    """Return the line of a `.pub` file."""
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def test_a_person_keeps_their_keys_and_an_administrator_sees_them(forge, root, person):
    user, token = person()
    mine = forge.client(token)
    mine.auth()
    text = f"{line(ed25519.Ed25519PrivateKey.generate())} ada@laptop"
    made = mine.user.keys.create({"title": "Laptop", "key": f"{text}\n"})

    assert (made.title, made.key) == ("Laptop", text)
    assert [key.id for key in root.users.get(user.id).keys.list(get_all=True)] == [made.id]
    mine.user.keys.delete(made.id)
    assert mine.user.keys.list(get_all=True) == []


def test_a_key_belongs_to_one_person(root, person):
    (one, _), (other, _) = person(), person()
    text = line(ed25519.Ed25519PrivateKey.generate())
    root.users.get(one.id).keys.create({"title": "k", "key": text})

    with pytest.raises(GitlabCreateError, match="already been taken"):
        root.users.get(other.id).keys.create({"title": "k", "key": f"{text} again"})


@pytest.mark.parametrize(
    "text",
    [
        "ssh-ed25519 AAAA",
        "ssh-dss AAAAB3NzaC1kc3M=",
        'command="x" ssh-ed25519 AAAA',
        f"{line(ed25519.Ed25519PrivateKey.generate())} a\nssh-ed25519 AAAA b",
        f"ssh-rsa {line(ed25519.Ed25519PrivateKey.generate()).split()[1]}",
        line(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - too short, on purpose
    ],
    ids=["cut off", "an old kind", "an option", "two keys", "another kind than it says", "too short"],
)
def test_what_is_no_sound_key_is_refused(root, person, text):
    user, _ = person()

    with pytest.raises(GitlabCreateError, match="key"):
        root.users.get(user.id).keys.create({"title": "k", "key": text})


def test_a_persons_keys_are_not_for_others(forge, person):
    (user, _), (_, token) = person(), person()

    with pytest.raises(GitlabHttpError):
        forge.client(token).http_list(f"/users/{user.id}/keys", get_all=True)


def test_an_impersonation_token_is_found_and_ended_by_its_user_alone(forge, root, person):
    (user, _), (other, _) = person(), person()
    made = user.impersonationtokens.create(
        {"name": "an hour", "scopes": ["read_api"], "expires_at": "2999-01-01"}
    )

    assert user.impersonationtokens.get(made.id).expires_at == "2999-01-01"
    assert not hasattr(user.impersonationtokens.get(made.id), "token")
    with pytest.raises(GitlabGetError):
        other.impersonationtokens.get(made.id)
    user.impersonationtokens.delete(made.id)
    with pytest.raises(GitlabAuthenticationError):
        forge.client(made.token).projects.list(get_all=False)


def test_impersonation_tokens_that_work_are_listed_apart(person):
    user, _ = person()
    yesterday = (dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)).isoformat()
    wanted = {"works": {}, "ended": {}, "expired": {"expires_at": yesterday}}
    made = {
        name: user.impersonationtokens.create({"name": name, "scopes": ["api"], **more})
        for name, more in wanted.items()
    }
    user.impersonationtokens.delete(made["ended"].id)

    active = user.impersonationtokens.list(state="active", get_all=True)
    assert "works" in {token.name for token in active}
    assert not {"ended", "expired"} & {token.name for token in active}
    assert made.keys() <= {token.name for token in user.impersonationtokens.list(get_all=True)}


def test_nobody_acts_as_somebody_who_is_blocked(root, person):
    user, _ = person()
    user.block()

    with pytest.raises(GitlabCreateError, match="blocked"):
        root.projects.create({"name": "theirs"}, sudo=user.username)
