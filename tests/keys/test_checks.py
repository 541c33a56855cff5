"""Which texts are public keys."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from workspace_api.keys.checks import refusal

PRIVATE = ed25519.Ed25519PrivateKey.generate()
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def test_a_public_key_with_its_comment():
    assert refusal(f" {PUBLIC} ada@laptop\n") is None


def test_a_private_key_is_not_repeated():
    text = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    said = refusal(text)
    assert "private half" in said
    assert text.splitlines()[1] not in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "missing"),
        ("hello", "one line"),
        (f"{PUBLIC}\n{PUBLIC}", "one line"),
        ("ssh-dss AAAA", "no kind of key"),
        (PUBLIC[:40], "cannot be read"),
        ("ssh-ed25519 not-base64", "cannot be read"),
    ],
    ids=["nothing", "no key", "two keys", "an old kind", "cut off", "no base64"],
)
def test_what_is_none_is_told(text, words):
    assert words in refusal(text)


def test_a_weak_key():
    weak = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 - that is the point
    assert "1024 bits; 2048 are the least" in refusal(
        weak.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    )
