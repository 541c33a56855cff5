"""Opening public repositories from elsewhere: one copy for each person, made once by the forge."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from auth.identity import Identity
from auth.permissions import Action, ImportFacts, RunFacts, may
from workspace_api.database import Database, now
from workspace_api.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from workspace_api.forge.client import ForgeClient
from workspace_api.forge.imports import ForgeImport, ForgeImports
from workspace_api.guard import require
from workspace_api.imports.addresses import Address, AddressError, is_allowed, project_at, read_address
from workspace_api.imports.models import Import
from workspace_api.imports.views import STATES, ImportView, Plan, Source
from workspace_api.people.models import User
from workspace_api.projects.service import ProjectService
from workspace_api.settings import Settings

OFF = (
    "This workspace opens no repositories from elsewhere. An administrator switches it on by naming "
    "the hosts, such as github.com, in the setting [repositories] hosts."
)


class ImportService:
    """What people do with repositories from elsewhere.

    Which repository a project is a copy of is written down before the forge is asked to make it, and how far
    it is is the forge's to say: whoever is killed in between finds the same project when asked again.
    """

    def __init__(
        self, database: Database, projects: ProjectService, forge: ForgeClient, settings: Settings
    ) -> None:
        self._database = database
        self._projects = projects
        self._forge = forge
        self._imports = ForgeImports(forge)
        self._settings = settings

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts whose repositories may be opened; none: it is switched off."""
        return self._settings.repositories.hosts

    def offered_to(self, identity: Identity) -> bool:
        """Whether somebody may open repositories of any host at all."""
        return bool(self.hosts) and may(identity, Action.IMPORT_REPOSITORY, self._facts())

    def plan(self, identity: Identity, repository: str, ref: str = "", path: str = "") -> Plan:
        """Say what would happen if the caller opened an address; changes nothing.

        Raises InvalidInputError for what is no address, and for a ref or path that can be none.
        """
        address = _address(repository)
        _check_place(ref, path)
        own = self._own(address)
        if own is not None:
            return Plan(address.source, address.host, project=own)
        known = self._find(Import.source == address.source, User.name == identity.user)
        view = self._view(known, self._imports.find(known.project)) if known is not None else None
        return Plan(address.source, address.host, known=view, refusal=self._refusal(identity, address))

    def request(
        self,
        identity: Identity,
        repository: str,
        *,
        ref: str = "",
        path: str = "",
        visibility: str = "private",
    ) -> ImportView:
        """Have a repository copied into the caller's namespace, unless their copy of it is there already.

        A copy that failed or was removed is made anew. Raises InvalidInputError for an address that cannot be
        opened here, with words for its field.
        """
        address = _address(repository)
        if self._own(address) is not None:
            words = f"{address.source} is a project of this workspace. Open it from its page."
            raise InvalidInputError("The repository was not opened.", [FieldError("repository", words)])
        _check_place(ref, path)
        require(identity, Action.IMPORT_REPOSITORY, self._facts(), "open repositories from elsewhere")
        if refusal := self._refusal(identity, address):
            raise InvalidInputError("The repository was not opened.", [FieldError("repository", refusal)])
        row = self._placed(self._written_down(identity, address, ref, path, visibility), address)
        return self._view(row, self._made(row))

    def get(self, identity: Identity, import_id: str) -> ImportView:
        """Return how far one of the caller's is; NotFoundError where there is none of theirs."""
        row = self._find(Import.id == import_id)
        if row is None or not may(identity, Action.READ_IMPORT, RunFacts(row.owner.name)):
            raise NotFoundError(f"There is no import {import_id[:24]}, or it is not yours.")
        found = self._imports.find(row.project)
        if found is not None and STATES.get(found.status) == "ready" and not row.settled:
            found = self._settle(row, found)
        return self._view(row, found)

    def source_of(self, path: str) -> str | None:
        """Return the address that a project is a copy of, or None."""
        with self._database.read() as session:
            return session.scalar(select(Import.source).where(Import.project == path))

    def source(self, identity: Identity, path: str) -> Source | None:
        """Return what a project is a copy of, and whether the caller may have that fetched; None for none."""
        row = self._find(Import.project == path)
        if row is None:
            return None
        return Source(row.source, row.fetched, self._refusal(identity, read_address(row.source)))

    @property
    def longest_seconds(self) -> float:
        """How long the embedded forge fetches at most."""
        return self._settings.repositories.minutes * 60

    def _facts(self) -> ImportFacts:
        return ImportFacts(frozenset(self._settings.repositories.levels))

    def _refusal(self, identity: Identity, address: Address) -> str:
        """Return why this caller cannot open an address, in words, or nothing."""
        if not self.hosts:
            return OFF
        if is_allowed(replace(address, scheme="https"), self.hosts) and not is_allowed(address, self.hosts):
            return f"{address.host} is asked over an encrypted connection alone: begin with https:// instead."
        if not is_allowed(address, self.hosts):
            return (
                f"Repositories at {address.host} are not opened here; those at {', '.join(self.hosts)} are."
            )
        if identity.signed_in and not may(identity, Action.IMPORT_REPOSITORY, self._facts()):
            levels = " or ".join(self._settings.repositories.levels)
            return f"Opening repositories from elsewhere needs the level {levels}. Ask an administrator."
        return ""

    def _own(self, address: Address) -> str | None:
        settings = self._settings
        return project_at(
            address,
            public_url=settings.public_url,
            clone_url=settings.forge.public_url or settings.forge.url,
        )

    def _written_down(
        self, identity: Identity, address: Address, ref: str, path: str, visibility: str
    ) -> Import:
        """Return the row of the caller's copy, with what is asked for now."""
        mine = (Import.source == address.source, User.name == identity.user)
        if self._find(*mine) is None:
            name = self._free_name(identity.user or "", address)
            with suppress(IntegrityError):  # another page of theirs has just asked for the same
                self._add(identity, address, name, visibility)
        with self._database.write() as session:
            owner = select(User.id).where(User.name == identity.user).scalar_subquery()
            asked = update(Import).where(Import.source == address.source, Import.owner_id == owner)
            session.execute(asked.values(ref=ref, path=path))
        row = self._find(*mine)
        if row is None:
            raise ConflictError("The repository was removed while it was being opened. Try again.")
        return row

    def _add(self, identity: Identity, address: Address, name: str, visibility: str) -> None:
        with self._database.write() as session:
            owner = session.scalars(select(User).where(User.name == identity.user)).one()
            session.add(
                Import(
                    id=secrets.token_hex(8),
                    owner=owner,
                    source=address.source,
                    fetched=address.fetched,
                    project=f"{owner.name}/{name}",
                    forge_id=None,
                    visibility=visibility,
                    ref="",
                    path="",
                    settled=False,
                    requested_at=now(),
                )
            )

    def _free_name(self, user: str, address: Address) -> str:
        for name in address.names:
            path = f"{user}/{name}"
            if self._find(Import.project == path) is None and self._imports.find(path) is None:
                return name
        raise ConflictError(
            f"You have projects called {', '.join(address.names)} already. Rename one, then try again."
        )

    def _made(self, row: Import) -> ForgeImport:
        """Return the copy on the forge, made unless it is there; one that failed is made anew."""
        mark = _mark(row)
        found = self._imports.find(row.project)
        if found is not None and found.status == "failed":
            self._imports.remove(found.id)
            found = None
        if found is None:
            self._forge.ensure_user(row.owner.name, row.owner.display_name)
            name = row.project.partition("/")[2]
            found = self._created(row, name, mark)
            self._note(row, settled=False)
        self._note(row, forge_id=found.id)
        return found

    def _placed(self, row: Import, address: Address) -> Import:
        """Return the row, under another name where its own is by now another project's."""
        found = self._imports.find(row.project)
        if found is None or found.id == row.forge_id or found.description == _mark(row):
            return row
        name = self._free_name(row.owner.name, address)
        self._note(row, project=f"{row.owner.name}/{name}", forge_id=None, settled=False)
        return self._find(Import.id == row.id) or row

    def _created(self, row: Import, name: str, mark: str) -> ForgeImport:
        try:
            return self._imports.create(row.owner.name, name, row.fetched, row.visibility, mark)
        except ConflictError:
            found = self._imports.find(row.project)
            if found is None or found.description != mark:  # no other page of theirs made it just now
                raise
            return found

    def _settle(self, row: Import, found: ForgeImport) -> ForgeImport:
        """Begin the copy at the ref that it was asked for with, once."""
        if row.ref:
            self._imports.begin_at(row.project, row.ref)
        self._projects.refresh(row.project)
        self._note(row, settled=True)
        return self._imports.find(row.project) or found

    def _note(self, row: Import, **values: object) -> None:
        with self._database.write() as session:
            session.execute(update(Import).where(Import.id == row.id).values(**values))

    def _find(self, *conditions: object) -> Import | None:
        query = select(Import).join(Import.owner).where(*conditions)  # type: ignore[arg-type]
        with self._database.read() as session:
            found: Import | None = session.scalar(query.options(selectinload(Import.owner)))
            return found

    def _view(self, row: Import, found: ForgeImport | None) -> ImportView:
        return ImportView(
            id=row.id,
            owner=row.owner.name,
            source=row.source,
            ref=row.ref,
            path=row.path,
            project=row.project,
            visibility=row.visibility,
            state="gone" if found is None else STATES.get(found.status, "fetching"),
            error=found.error if found is not None else "",
            default_branch=found.default_branch if found is not None else "",
        )


def _mark(row: Import) -> str:
    """Return what tells a copy of ours on the forge from any other project of its name."""
    return f"A copy of {row.source}"


def _address(repository: str) -> Address:
    try:
        return read_address(repository)
    except AddressError as error:
        raise InvalidInputError(
            "The repository was not opened.", [FieldError("repository", str(error))]
        ) from None


def _check_place(ref: str, path: str) -> None:
    """Refuse a ref or a path that could be taken for something else."""
    errors = []
    if ref.startswith("-") or not ref.isprintable() or " " in ref:
        errors.append(FieldError("ref", f"“{ref[:80]}” cannot be a branch, tag or commit."))
    steps = path.split("/")
    if path and (path.startswith("/") or ".." in steps or not path.isprintable()):
        errors.append(
            FieldError(
                "path",
                f"“{path[:80]}” is no file of a repository: write its path there, without / first and "
                "without any step upwards (..).",
            )
        )
    if errors:
        raise InvalidInputError("The repository was not opened.", errors)
