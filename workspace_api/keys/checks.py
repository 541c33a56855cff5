"""Whether a text is the public half of an SSH key that a forge takes."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

KINDS = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
         "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")  # fmt: skip
LEAST_RSA_BITS = 2048
REMEDY = "Paste the one line of a file such as ~/.ssh/id_ed25519.pub."


def refusal(text: str) -> str | None:
    """Return why a key cannot be kept, in words that repeat nothing of it, or None when it can."""
    key = text.strip()
    if not key:
        return f"The key is missing. {REMEDY}"
    if "PRIVATE KEY" in key:
        return (
            "This is the private half of a key, which you must keep to yourself: whoever has it can act as "
            f"you. {REMEDY}"
        )
    words = key.split(maxsplit=2)
    if len(key.splitlines()) > 1 or len(words) < 2:
        return f"A public key is one line: its kind, then the key. {REMEDY}"
    if words[0] not in KINDS:
        return (
            f"“{words[0][:40]}” is no kind of key that is taken here. Those are {', '.join(KINDS)}. {REMEDY}"
        )
    try:
        loaded = load_ssh_public_key(" ".join(words[:2]).encode())
    except (ValueError, UnsupportedAlgorithm):
        return f"The key cannot be read; part of it may be missing. {REMEDY}"
    if isinstance(loaded, RSAPublicKey) and loaded.key_size < LEAST_RSA_BITS:
        return f"The key has {loaded.key_size} bits; {LEAST_RSA_BITS} are the least. Make another one."
    return None
