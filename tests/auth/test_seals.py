"""What a browser keeps for us."""

from __future__ import annotations

import pytest

from auth.seals import Seal
from auth.secrets import new_token, token_hash

KEY = "0123456789abcdef"


def test_what_was_sealed_opens_again():
    seal = Seal(KEY, "session", 60)

    assert seal.open(seal.seal({"user": "ana"})) == {"user": "ana"}


def test_a_seal_hides_what_is_in_it():
    assert "ana" not in Seal(KEY, "session", 60).seal({"user": "ana"})


@pytest.mark.parametrize("other", [Seal("another key", "session", 60), Seal(KEY, "sign-in", 60)])
def test_another_workspace_or_another_purpose_opens_nothing(other):
    assert other.open(Seal(KEY, "session", 60).seal({"user": "ana"})) is None


def test_a_seal_ends_when_its_time_is_over():
    sealed = Seal(KEY, "session", 60).seal({"user": "ana"})

    assert Seal(KEY, "session", -1).open(sealed) is None


@pytest.mark.parametrize("junk", ["", "junk", "ü", "gAAAAA=="])
def test_junk_opens_nothing(junk):
    assert Seal(KEY, "session", 60).open(junk) is None


def test_a_changed_seal_opens_nothing():
    sealed = Seal(KEY, "session", 60).seal({"user": "ana"})
    changed = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]

    assert Seal(KEY, "session", 60).open(changed) is None


def test_tokens_are_long_distinct_and_recognisable():
    tokens = {new_token() for _ in range(100)}

    assert len(tokens) == 100
    assert all(token.startswith("lf_") and len(token) == 46 for token in tokens)


def test_a_tokens_hash_is_sha256():
    assert token_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
