"""SSH public keys. They are kept for whoever asks; the forge itself takes git over HTTP alone."""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from sqlalchemy import select

from deploy.forge import presenters
from deploy.forge.calls import Call, Reply, Routes
from deploy.forge.errors import ApiError, not_found
from deploy.forge.lookups import find_user
from deploy.forge.models import Key, User

KINDS = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
         "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")  # fmt: skip
MIN_RSA_BITS = 2048
routes = Routes()


def everything(call: Call) -> Reply:
    """List a user's keys."""
    query = select(Key).where(Key.user_id == _user(call).id).order_by(Key.id)
    return call.page(call.session.scalars(query).all(), presenters.key)


def one(call: Call) -> Reply:
    """Return a key."""
    return Reply(presenters.key(_find(call)))


def create(call: Call) -> Reply:
    """Add a key; each belongs to one user only."""
    user = _user(call)
    text, fingerprint = checked_key(call.params.text("key", limit=20_000))
    if call.session.scalar(select(Key).where(Key.fingerprint == fingerprint)):
        raise ApiError(400, {"message": {"fingerprint_sha256": ["has already been taken"]}})
    made = Key(
        user_id=user.id,
        title=call.params.text("title", limit=255),
        key=text,
        fingerprint=fingerprint,
        expires_at=call.params.date("expires_at"),
    )
    call.session.add(made)
    call.session.flush()
    return Reply(presenters.key(made), 201)


def remove(call: Call) -> Reply:
    """Remove a key."""
    call.session.delete(_find(call))
    return Reply(None, 204)


def checked_key(text: str) -> tuple[str, str]:
    """Return a public key in one line and its SHA256 fingerprint; ApiError for none, or a weak one."""
    words = text.split(maxsplit=2)
    if len(words) < 2 or words[0] not in KINDS or "\n" in text.strip():
        raise _bad("is invalid: give one line as it is in a .pub file")
    try:
        key = load_ssh_public_key(" ".join(words[:2]).encode())
        content = base64.b64decode(words[1], validate=True)
    except (ValueError, UnsupportedAlgorithm):
        raise _bad("is invalid: give one line as it is in a .pub file") from None
    if isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        raise _bad(f"must be at least {MIN_RSA_BITS} bits")
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    return " ".join(words).strip(), digest


def _bad(why: str) -> ApiError:
    return ApiError(400, {"message": {"key": [why]}})


def _user(call: Call) -> User:
    if "id" not in call.args:
        return call.user
    call.require_admin()
    return find_user(call, call.args["id"])


def _find(call: Call) -> Key:
    user, number = _user(call), call.args["key"]
    found = call.session.get(Key, int(number)) if number.isdigit() else None
    if found is None or found.user_id != user.id:
        raise not_found("Key")
    return found


for prefix in ("/user", "/users/:id"):
    routes.add("GET", f"{prefix}/keys", "read_user")(everything)
    routes.add("GET", f"{prefix}/keys/:key", "read_user")(one)
    routes.add("POST", f"{prefix}/keys")(create)
    routes.add("DELETE", f"{prefix}/keys/:key")(remove)
