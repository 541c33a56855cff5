"""Who has agreed to what, with which key people ask, and how much they may use."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import PLATFORM, Action
from auth.seals import Seal
from workspace_api.alphagenome.agreements import EVERYBODY, is_key, shares
from workspace_api.alphagenome.bookkeeping import read_quotas
from workspace_api.alphagenome.models import (
    AlphaGenomeKey,
    AlphaGenomeQuota,
    AlphaGenomeSharing,
    AlphaGenomeTerms,
)
from workspace_api.alphagenome.quotas import Kind, Measure, Quota, Window
from workspace_api.alphagenome.terms import VERSION
from workspace_api.alphagenome.views import Agreement, Sharing
from workspace_api.database import Database, now
from workspace_api.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from workspace_api.groups.models import Group
from workspace_api.guard import require
from workspace_api.people.models import User
from workspace_api.settings import AlphaGenomeSettings

SHORTEST_KEY, LONGEST_KEY = 16, 300
LARGEST_AMOUNT = 10**15
NAMED = (Kind.PERSON, Kind.GROUP)


class AlphaGenomeService:
    """Terms, people's own keys, the sharing of the workspace's, and quotas."""

    def __init__(self, database: Database, seal: Seal, settings: AlphaGenomeSettings) -> None:
        self._database = database
        self._seal = seal
        self._settings = settings

    def agreement(self, identity: Identity) -> Agreement:
        """Return how the caller stands with the terms, and with which key they ask."""
        require(identity, Action.READ_OWN_USAGE, PLATFORM, "see how you stand with AlphaGenome")
        with self._database.read() as session:
            user = _account(session, identity.user or "")
            terms = session.get(AlphaGenomeTerms, user.id)
            key = session.get(AlphaGenomeKey, user.id)
            shared = self._settings.shared_key and shares(session, user.name)
        accepted = terms is not None and terms.version == VERSION
        offline = self._settings.backend == "offline"
        asks_with = "offline" if offline else "own" if key else "shared" if shared else "nothing"
        return Agreement(
            version=VERSION,
            accepted_at=terms.accepted_at if terms is not None and accepted else None,
            asks_with=asks_with,
            hindrance=self._hindrance(asks_with, accepted=accepted),
            key_ending=key.ending if key else None,
            key_kept_at=key.kept_at if key else None,
        )

    def accept_terms(self, identity: Identity) -> None:
        """Take it that the caller accepts the terms as they are shown now; again is no harm."""
        require(identity, Action.AGREE_TO_TERMS, PLATFORM, "accept AlphaGenome's terms")
        with self._database.write() as session:
            user = _account(session, identity.user or "")
            row = session.get(AlphaGenomeTerms, user.id)
            if row is None:
                session.add(AlphaGenomeTerms(user_id=user.id, version=VERSION, accepted_at=now()))
            elif row.version != VERSION:
                row.version, row.accepted_at = VERSION, now()

    def keep_key(self, identity: Identity, key: str) -> None:
        """Keep a key of the caller's own, sealed; their answers are then theirs alone.

        Raises InvalidInputError for what can be no key. Nothing ever returns it.
        """
        require(identity, Action.AGREE_TO_TERMS, PLATFORM, "keep a key")
        text = key.strip()
        if not (is_key(text) and SHORTEST_KEY <= len(text) <= LONGEST_KEY):
            words = (
                f"A key is one word of {SHORTEST_KEY} to {LONGEST_KEY} letters, digits and signs; this has "
                f"{len(text)} characters. Copy it whole from the page where you got it."
            )
            raise InvalidInputError("The key was not kept.", [FieldError("key", words)])
        with self._database.write() as session:
            user = _account(session, identity.user or "")
            session.merge(
                AlphaGenomeKey(
                    user_id=user.id, sealed=self._seal.seal({"key": text}), ending=text[-4:], kept_at=now()
                )
            )

    def forget_key(self, identity: Identity) -> None:
        """Forget the caller's own key; NotFoundError where there is none."""
        require(identity, Action.AGREE_TO_TERMS, PLATFORM, "forget your key")
        with self._database.write() as session:
            key = session.get(AlphaGenomeKey, _account(session, identity.user or "").id)
            if key is None:
                raise NotFoundError("You keep no key of your own here.")
            session.delete(key)

    def sharing(self, identity: Identity) -> Sequence[Sharing]:
        """Return whose sharing of the key was confirmed, by name."""
        require(identity, Action.READ_GATEWAY, PLATFORM, "see who shares the key")
        with self._database.read() as session:
            rows = session.scalars(select(AlphaGenomeSharing).order_by(AlphaGenomeSharing.group)).all()
            return [Sharing(row.group, row.visitors, row.confirmed_by, row.confirmed_at) for row in rows]

    def confirm_sharing(self, identity: Identity, group: str, *, visitors: bool = False) -> None:
        """Confirm that a group's people (empty: everybody) may share the workspace's key and the answers.

        `visitors` lets people without an account too, and goes with everybody alone. Raises
        InvalidInputError for an unknown group.
        """
        require(identity, Action.GOVERN_GATEWAY, PLATFORM, "confirm who shares the key")
        with self._database.write() as session:
            _check_group(session, group, "group")
            if visitors and group != EVERYBODY:
                words = "Visitors are in no group. Confirm it for everybody, or leave visitors out."
                raise InvalidInputError("Nothing was confirmed.", [FieldError("visitors", words)])
            session.merge(
                AlphaGenomeSharing(
                    group=group,
                    visitors=visitors,
                    confirmed_by=identity.user or "",
                    confirmed_at=now(),
                    version=VERSION,
                )
            )

    def withdraw_sharing(self, identity: Identity, group: str) -> None:
        """Take a confirmation back; NotFoundError where there is none."""
        require(identity, Action.GOVERN_GATEWAY, PLATFORM, "withdraw who shares the key")
        with self._database.write() as session:
            row = session.get(AlphaGenomeSharing, group)
            if row is None:
                raise NotFoundError(f"Nobody confirmed it for {group[:64] or 'everybody'}.")
            session.delete(row)

    def quotas(self, identity: Identity) -> Sequence[Quota]:
        """Return every quota that is set."""
        require(identity, Action.READ_GATEWAY, PLATFORM, "see everybody's quotas")
        with self._database.read() as session:
            return read_quotas(session)

    def set_quota(
        self, identity: Identity, kind: Kind, name: str, measure: Measure, window: Window, amount: int
    ) -> Quota:
        """Set a quota, or another amount of it; it counts from the next call on.

        Raises InvalidInputError for a person or a group that there is not, and for an amount that cannot be.
        """
        require(identity, Action.GOVERN_GATEWAY, PLATFORM, "set a quota")
        errors = []
        if not 0 <= amount <= LARGEST_AMOUNT:
            errors.append(FieldError("amount", f"{amount} cannot be; give 0 to {LARGEST_AMOUNT:,}."))
        if (kind in NAMED) != bool(name):
            words = "Give the name of the person or group; none for each person and the workspace."
            errors.append(FieldError("name", words))
        if errors:
            raise InvalidInputError("The quota was not set.", errors)
        with self._database.write() as session:
            if kind is Kind.GROUP:
                _check_group(session, name, "name")
            if kind is Kind.PERSON:
                _check_person(session, name)
            session.merge(
                AlphaGenomeQuota(kind=kind, name=name, measure=measure, period=window, amount=amount)
            )
        return Quota(kind, name, measure, window, amount)

    def remove_quota(
        self, identity: Identity, kind: Kind, name: str, measure: Measure, window: Window
    ) -> None:
        """Remove a quota; NotFoundError where there is none."""
        require(identity, Action.GOVERN_GATEWAY, PLATFORM, "remove a quota")
        table = AlphaGenomeQuota
        with self._database.write() as session:
            gone = session.execute(
                delete(table)
                .where(table.kind == kind, table.name == name)
                .where(table.measure == measure, table.period == window)
                .returning(table.kind)
            ).all()
        if not gone:
            raise NotFoundError(f"There is no such quota of {measure} a {window} for {kind} {name[:64]}.")

    def _hindrance(self, asks_with: str, *, accepted: bool) -> str:
        if asks_with == "offline":
            return ""
        if not accepted:
            return "Accept AlphaGenome's terms first."
        if asks_with == "nothing":
            if self._settings.shared_key:
                return "No administrator has confirmed that the workspace's key may be shared with you."
            return "This workspace has no key to share: put in one of your own."
        return ""


def _account(session: Session, name: str) -> User:
    row = session.scalar(select(User).where(User.name == name))
    if row is None:
        raise ConflictError(f"The account {name[:64]} is not one of this workspace's own.")
    return row


def _check_group(session: Session, name: str, field: str) -> None:
    known = name == EVERYBODY or session.scalar(
        select(Group.id).where(Group.name == name, Group.removing.is_(False))
    )
    if not known:
        words = f"There is no group called “{name[:64]}”."
        raise InvalidInputError("Nothing was changed.", [FieldError(field, words)])


def _check_person(session: Session, name: str) -> None:
    if session.scalar(select(User.id).where(User.name == name)) is None:
        words = f"There is no account called “{name[:64]}”."
        raise InvalidInputError("Nothing was changed.", [FieldError("name", words)])
