"""Whether somebody has agreed to AlphaGenome's terms, and with which key they ask."""

from __future__ import annotations

import asyncio

import grpc
from sqlalchemy import bindparam, select

from auth.seals import Seal
from workspace_api.alphagenome.agreements import shares
from workspace_api.alphagenome.backends import CallRefused
from workspace_api.alphagenome.callers import Admitted, Caller
from workspace_api.alphagenome.models import AlphaGenomeKey, AlphaGenomeTerms
from workspace_api.alphagenome.terms import VERSION
from workspace_api.database import Database
from workspace_api.people.models import User

AGREED = (  # made once: it is asked for every call
    select(AlphaGenomeTerms.version, AlphaGenomeKey.sealed)
    .select_from(User)
    .outerjoin(AlphaGenomeTerms, AlphaGenomeTerms.user_id == User.id)
    .outerjoin(AlphaGenomeKey, AlphaGenomeKey.user_id == User.id)
    .where(User.name == bindparam("user"))
)
PAGE = "the page My work, AlphaGenome"


class StoredAdmission:
    """Knows the database's terms, keys and confirmations; `shared` says whether the workspace has a key."""

    def __init__(self, database: Database, seal: Seal, *, shared: bool) -> None:
        self._database = database
        self._seal = seal
        self._shared = shared

    async def admit(self, caller: Caller) -> Admitted:
        """Return the caller's own key if they keep one, else leave to ask with the workspace's.

        Refuses with PERMISSION_DENIED who has not accepted the terms, and who has no key of their own while
        nobody confirmed that theirs may be shared with them.
        """
        return await asyncio.to_thread(self._admit, caller)

    def _admit(self, caller: Caller) -> Admitted:
        with self._database.engine.connect() as connection:
            if not caller.system:
                version, sealed = connection.execute(AGREED, {"user": caller.name}).one()
                _check_terms(version)
                if sealed is not None:
                    return Admitted(f"user {caller.name}", self._opened(sealed))
            if self._shared and shares(connection, caller.name, visitor=caller.system):
                return Admitted()
        raise _not_shared(shared=self._shared, visitor=caller.system)

    def _opened(self, sealed: str) -> str:
        values = self._seal.open(sealed)
        if values is None:
            raise CallRefused(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"Your own key cannot be read any more. Put it in again on {PAGE}.",
                personal=True,
            )
        return values["key"]


def _check_terms(version: str | None) -> None:
    """Refuse who has not accepted the terms in their present version."""
    if version != VERSION:
        raise CallRefused(
            grpc.StatusCode.PERMISSION_DENIED,
            f"AlphaGenome's terms: accept them first, once, on {PAGE} (/me/alphagenome).",
            personal=True,
        )


def _not_shared(*, shared: bool, visitor: bool) -> CallRefused:
    if visitor:
        words = "AlphaGenome is not open to visitors here. Sign in to use it."
    elif shared:
        words = (
            "No administrator has confirmed that the workspace's key may be shared with you. Ask one to do "
            f"so, or put in a key of your own on {PAGE} (/me/alphagenome)."
        )
    else:
        words = f"This workspace has no key to share. Put in one of your own on {PAGE} (/me/alphagenome)."
    return CallRefused(grpc.StatusCode.PERMISSION_DENIED, words, personal=True)
