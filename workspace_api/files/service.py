"""Files of homes and shares: listing folders, and what is in a file, each as far as the caller may read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auth.identity import Identity
from nfs import beneath
from nfs.layout import StorageLayout
from nfs.mounts import HOME, SHARED
from nfs.reading import Reader, descend, listing, open_for
from workspace_api.errors import FieldError, InvalidInputError, NotFoundError
from workspace_api.files.kinds import chosen_files
from workspace_api.files.views import Folder, Shown
from workspace_api.groups.service import GroupService
from workspace_api.people.service import PeopleService
from workspace_api.worksheets.formats import FormatError, shown

HOME_SIGN, PUBLIC = "~", f"{SHARED}/public"
MOST_LISTED = 500
HASHED_WHOLE = 2 * 1024**3
KEPT_DIGESTS = 2_000
REFUSALS = (OSError, ValueError)


@dataclass(frozen=True)
class Place:
    """A share as one person sees it: its folder on this machine, and how they write its path."""

    folder: Path
    written: str


class FileService:
    """What the caller may read: their home, their groups' storage, and what is public.

    Links are never followed: a file that somebody else may change could lead anywhere.
    """

    def __init__(self, layout: StorageLayout, groups: GroupService, people: PeopleService) -> None:
        self._layout = layout
        self._groups = groups
        self._people = people
        self._digests: dict[tuple[int, int, int, int], str] = {}

    def browse(self, identity: Identity, path: str, endings: tuple[str, ...] = ()) -> Folder:
        """Return what is in a folder, files only with one of `endings` where there are some.

        The empty path is the top. Raises NotFoundError for what is no folder that the caller may read.
        """
        written = path.strip().rstrip("/")
        if not written:
            places = [Shown(place.written, place.written, True, None) for place in self._places(identity)]
            return Folder("", None, tuple(places))
        try:
            with self._beneath(identity, written) as (at, inside):
                below = descend(at, inside, self._reader(identity))
                try:
                    found, whole = listing(below, self._reader(identity), MOST_LISTED)
                finally:
                    os.close(below)
        except REFUSALS:
            raise NotFoundError(f"There is no folder {shown(written)} that you may read.") from None
        items = [
            Shown(seen.name, f"{written}/{seen.name}", seen.folder, None if seen.folder else seen.size)
            for seen in found
            if seen.folder or not endings or seen.name.lower().endswith(endings)
        ]
        top = written in (HOME_SIGN, *(place.written for place in self._places(identity)))
        return Folder(written, "" if top else written.rpartition("/")[0], tuple(items), whole)

    def check(self, identity: Identity, path: str) -> None:
        """Return when the caller may read the file; raises FormatError with words for whoever chose it."""
        os.close(self._open(identity, path))

    def read(self, identity: Identity, path: str, most: int) -> bytes:
        """Return what is in a file that the caller may read; raises FormatError, also above `most` bytes."""
        with os.fdopen(self._open(identity, path), "rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise FormatError(f"{shown(path)} has more than {most / 1e6:g} MB. Choose a smaller file.")
        return data

    def inputs(
        self, identity: Identity, schema: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> list[dict[str, str]]:
        """Return what is in each file among the values: its parameter, its path and its digest.

        Raises InvalidInputError naming each parameter whose file the caller may not read.
        """
        found, errors = [], []
        for name, path in chosen_files(schema, parameters):
            try:
                found.append({"parameter": name, "path": path, "digest": self.digest(identity, path)})
            except FormatError as error:
                errors.append(FieldError(name, str(error)))
        if errors:
            raise InvalidInputError("Some files cannot be used; see each.", errors)
        return found

    def digest(self, identity: Identity, path: str) -> str:
        """Return what tells a file's content from every other: its SHA-256.

        A file above 2 GiB is told by its size and the time of its last change instead. Raises FormatError.
        """
        with os.fdopen(self._open(identity, path), "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size > HASHED_WHOLE:
                return f"size {status.st_size} changed {status.st_mtime_ns}"
            mark = (status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns)
            if mark not in self._digests:
                if len(self._digests) >= KEPT_DIGESTS:
                    self._digests.clear()
                self._digests[mark] = hashlib.file_digest(file, "sha256").hexdigest()
            return self._digests[mark]

    def _open(self, identity: Identity, path: str) -> int:
        try:
            with self._beneath(identity, path) as (at, inside):
                return open_for(at, "/".join(inside), self._reader(identity))
        except beneath.UnsafePathError:
            raise FormatError(
                f"{shown(path)} is a folder, or leads through a link. Choose a file where it really lies."
            ) from None
        except PermissionError:
            raise FormatError(f"You may not read {shown(path)}. Ask whoever put it there.") from None
        except REFUSALS:
            raise FormatError(self._missing(identity, path)) from None

    @contextmanager
    def _beneath(self, identity: Identity, path: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Open the share that a path is in, and give it with the path's names below it."""
        for place in self._places(identity):
            if path == place.written or path.startswith(place.written + "/"):
                rest = path[len(place.written) :].strip("/")
                names = beneath.parts_of(rest) if rest else ()
                with beneath.folder(place.folder) as at:
                    yield at, names
                return
        raise FileNotFoundError(path)

    def _places(self, identity: Identity) -> list[Place]:
        if identity.user is None:
            return [Place(self._layout.public, PUBLIC)]
        groups = [
            Place(share.folder, f"{SHARED}/{share.name}") for share in self._groups.shares(identity.user)
        ]
        home = Place(self._layout.home(identity.user), HOME_SIGN)
        return [home, *groups, Place(self._layout.public, PUBLIC)]

    def _reader(self, identity: Identity) -> Reader:
        if identity.user is None:
            return Reader(-1, frozenset())
        uid = self._people.get(identity.user).uid
        return Reader(uid, frozenset({uid, *self._groups.gids(identity.user)}))

    def _missing(self, identity: Identity, path: str) -> str:
        if identity.user is None and not path.startswith(PUBLIC):
            return f"Without an account only files below {PUBLIC} can be used. Sign in to use {shown(path)}."
        return f"There is no file {shown(path)} that you may read. Choose one, or correct the path."


def inside(path: str, home: str = str(HOME)) -> str:
    """Return where a run finds a file: below its home for `~/`, a path of /shared as it is."""
    return f"{home}/{path[2:]}" if path.startswith("~/") else path


def with_paths(
    schema: Mapping[str, Any], parameters: Mapping[str, Any], found_at: Mapping[str, str]
) -> dict[str, Any]:
    """Return the values with each file's path as `found_at` has it."""
    files = {name for name, _ in chosen_files(schema, parameters)}

    def put(value: Any) -> Any:
        if isinstance(value, list):
            return [put(item) for item in value]
        return found_at.get(value, value) if isinstance(value, str) else value

    return {name: put(value) if name in files else value for name, value in parameters.items()}
