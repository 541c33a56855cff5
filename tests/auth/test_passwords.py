"""Which passwords are accepted, and how they are kept."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from auth.passwords import Passwords, refusal


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    """Hashing with the real algorithm at its lowest cost."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "needs at least 8"),
        ("", "has 0 characters"),
        ("x" * 201, "200 is the most"),
        ("Charlotte", "same as the name"),
    ],
)
def test_a_bad_password_is_refused_in_words(password, words):
    assert words in refusal("charlotte", password)


@pytest.mark.parametrize("password", ["8 chars!", "x" * 200, "correct horse", "пароль123"])
def test_a_good_password_is_accepted(password):
    assert refusal("charlotte", password) is None


def test_a_password_is_kept_as_a_salted_argon2_hash(passwords):
    stored = passwords.hash("correct horse")

    assert stored.startswith("$argon2id$")
    assert "correct" not in stored
    assert passwords.hash("correct horse") != stored
    assert passwords.check(stored, "correct horse")
    assert not passwords.check(stored, "wrong horse")


@pytest.mark.parametrize("stored", [None, "", "not a hash"])
def test_without_a_usable_hash_nobody_signs_in(passwords, stored):
    assert not passwords.check(stored, "nobody has this password")


def test_an_endless_password_is_refused_without_hashing_it(passwords):
    endless = "x" * 1_000_000

    assert not passwords.check(passwords.hash(endless), endless)
