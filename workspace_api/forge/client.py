"""The forge, through python-gitlab; a GitLab and the embedded forge are the same to it."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gitlab
import requests
from gitlab.exceptions import GitlabAuthenticationError, GitlabError

from hub.processes import CommandError, run
from workspace_api.errors import NotFoundError, TooLargeError, UnavailableError
from workspace_api.forge.views import ForgeProject, TreeEntry, Version
from workspace_api.settings import ForgeSettings

GIT_SECONDS = 300
LINK = "120000"  # git's mode of a symbolic link
CHUNK_BYTES = 65_536
TAKEN = (409, 400)
MISSING = (404, 400)  # not there, and no name of anything that could be
LENIENT = (
    "badTimezone",
    "zeroPaddedFilemode",
    "missingSpaceBeforeDate",
)  # old mistakes that GitLab lets pass
SAFE_GIT = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.allow=never"),
    *("-c", "protocol.http.allow=always", "-c", "protocol.https.allow=always"),
    *("-c", "transfer.fsckObjects=true", "-c", "submodule.recurse=false", "-c", "advice.detachedHead=false"),
    *(part for name in LENIENT for part in ("-c", f"fetch.fsck.{name}=ignore")),
)


class ForgeClient:
    """Reads and writes projects on the forge as its administrator.

    Every method raises UnavailableError when the forge does not answer or refuses our token.
    """

    def __init__(self, settings: ForgeSettings) -> None:
        self._settings = settings
        self._gitlab = gitlab.Gitlab(
            settings.url,
            private_token=settings.token.get_secret_value(),
            timeout=settings.timeout,
            keep_base_url=True,
            retry_transient_errors=False,
        )

    def ask(self, call: Callable[[gitlab.Gitlab], Any]) -> Any:
        """Return what `call` gets from the forge, for the modules beside this one."""
        with self._answering():
            return call(self._gitlab)

    def find(self, call: Callable[[gitlab.Gitlab], Any]) -> Any:
        """Return what `call` finds, None where the forge says that there is no such thing; else as `ask`."""
        return self._find(lambda: call(self._gitlab))

    def alive(self) -> bool:
        """Whether the forge answers and takes our token."""
        try:
            self._gitlab.http_get("/version")
        except (GitlabError, requests.RequestException):
            return False
        return True

    def project(self, path: str) -> ForgeProject | None:
        """Return the project at `path`, or None."""
        found = self._find(lambda: self._gitlab.projects.get(path))
        return None if found is None else as_project(found)

    def member_level(self, path: str, user: str) -> int | None:
        """Return the access level of `user` in a project, through its groups too; None for no member."""
        number = self._user_id(user)
        if number is None:
            return None
        found = self._find(lambda: self._lazy(path).members_all.get(number))
        return None if found is None else int(found.access_level)

    def resolve(self, path: str, ref: str) -> str | None:
        """Return the commit that a tag, branch or sha names, or None."""
        found = self._find(lambda: self._lazy(path).commits.get(ref))
        return None if found is None else str(found.id)

    def tree(self, path: str, commit: str) -> list[TreeEntry]:
        """Return every file of a commit; NotFoundError for a project or a commit that is not there."""
        rows = self._find(
            lambda: self._lazy(path).repository_tree(ref=commit, recursive=True, per_page=100, get_all=True)
        )
        if rows is None:
            raise NotFoundError(f"{path} has no commit {commit[:7]} on the forge.")
        return [
            TreeEntry(row["path"], row["id"], link=row["mode"] == LINK)
            for row in rows
            if row["type"] == "blob"
        ]

    def read(self, path: str, commit: str, file: str, max_bytes: int) -> bytes:
        """Return a file of a commit; NotFoundError for none, TooLargeError past `max_bytes`.

        Of a larger file no more than that is read.
        """
        content = self._find(lambda: self._beginning(path, commit, file, max_bytes + 1))
        if content is None:
            raise NotFoundError(f"{path} has no file {file} at {commit[:7]}.")
        if len(content) > max_bytes:
            raise TooLargeError(f"{file} is larger than {max_bytes // 1000} kB.")
        return bytes(content)

    def _beginning(self, path: str, commit: str, file: str, length: int) -> bytearray:
        """Return at least `length` bytes of a file, or all of it."""
        read = bytearray()
        files = self._lazy(path).files
        with contextlib.closing(
            files.raw(file_path=file, ref=commit, streamed=True, iterator=True, chunk_size=CHUNK_BYTES)
        ) as chunks:
            for chunk in chunks:
                read += chunk
                if len(read) >= length:
                    break
        return read

    def versions(self, path: str) -> list[Version]:
        """Return the tags of a project, newest first; NotFoundError for a project that is not there."""
        tags = self._find(lambda: self._lazy(path).tags.list(get_all=True))
        if tags is None:
            raise NotFoundError(f"There is no project {path} on the forge.")
        return [
            Version(
                tag.name,
                tag.commit["id"],
                tag.message or "",
                dt.datetime.fromisoformat(tag.commit["created_at"]),
            )
            for tag in tags
        ]

    def ensure_group(self, path: str, name: str) -> None:
        """Make a public group unless it is there."""
        if self._find(lambda: self._gitlab.groups.get(path)) is None:
            with self._answering():
                self._gitlab.groups.create({"path": path, "name": name, "visibility": "public"})

    def ensure_user(self, name: str, display_name: str) -> int:
        """Make a user unless they are there, and return their number; nobody knows their password.

        They sign in through the workspace. Two that make the same user at once get the same one.
        """
        known = self._user_id(name)
        if known is not None:
            return known
        wanted = {
            "username": name,
            "name": display_name,
            "email": f"{name}@labfork.invalid",
            "password": secrets.token_urlsafe(24),
            "skip_confirmation": True,
        }
        with self._answering():
            try:
                return int(self._gitlab.users.create(wanted).id)
            except GitlabError as error:
                if error.response_code in TAKEN and (made_meanwhile := self._user_id(name)) is not None:
                    return made_meanwhile
                raise

    def ensure_project(self, namespace: str, name: str, visibility: str, description: str) -> ForgeProject:
        """Make an empty project in a group unless it is there."""
        known = self.project(f"{namespace}/{name}")
        if known is not None:
            return known
        with self._answering():
            group = self._gitlab.groups.get(namespace)
            made = self._gitlab.projects.create(
                {
                    "name": name,
                    "path": name,
                    "namespace_id": group.id,
                    "visibility": visibility,
                    "description": description,
                }
            )
        return as_project(made)

    def checkout(self, path: str, commit: str, folder: Path) -> None:
        """Put the files of a commit into `folder`, which is made; nothing of the repository is executed.

        Raises NotFoundError for a commit that is not there, TooLargeError for one that does not come in time.
        """
        folder.mkdir(parents=True)
        self.git(folder, "init", "--quiet")
        try:
            self.git(folder, "fetch", "--quiet", "--depth=1", "--no-tags", self.address(path), commit)
        except CommandError as error:
            raise self._unfetched(path, commit, error) from None
        self.git(folder, "checkout", "--quiet", "FETCH_HEAD")

    def address(self, path: str) -> str:
        """Return where git finds a project; it holds no credential."""
        return f"{self._settings.url.rstrip('/')}/{path}.git"

    def public_address(self, path: str) -> str:
        """Return where people clone a project from."""
        return f"{(self._settings.public_url or self._settings.url).rstrip('/')}/{path}.git"

    def git(self, folder: Path, *arguments: str) -> str:
        """Run git in `folder` as the forge's administrator; the credential goes through the environment."""
        return run(
            ["git", *SAFE_GIT, *arguments], cwd=folder, timeout=GIT_SECONDS, env=self._environment()
        ).stdout

    def _environment(self) -> dict[str, str]:
        basic = base64.b64encode(f"oauth2:{self._settings.token.get_secret_value()}".encode()).decode()
        return {
            "PATH": os.defpath,
            "HOME": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{self._settings.url.rstrip('/')}/.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        }

    def _unfetched(self, path: str, commit: str, error: CommandError) -> Exception:
        if error.status is None:
            return TooLargeError(f"{path} at {commit[:7]} did not arrive within {GIT_SECONDS} s.")
        if self.alive() and self.resolve(path, commit) is None:
            return NotFoundError(f"{path} has no commit {commit[:7]}.")
        return UnavailableError(f"{path} could not be fetched from the forge: {error}.")

    def _user_id(self, name: str) -> int | None:
        with self._answering():
            found = self._gitlab.users.list(username=name, get_all=False)
        return int(found[0].id) if found else None

    def _lazy(self, path: str) -> Any:
        return self._gitlab.projects.get(path, lazy=True)

    def _find(self, call: Callable[[], Any]) -> Any:
        """Return what `call` finds, None where the forge says that there is no such thing."""
        with self._answering():
            try:
                return call()
            except GitlabError as error:
                if error.response_code in MISSING:
                    return None
                raise

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Turn what goes wrong between us and the forge into words."""
        try:
            yield
        except GitlabAuthenticationError as error:
            raise UnavailableError(
                f"The forge at {self._settings.url} does not take the workspace's token; set a valid one in "
                "[forge] token."
            ) from error
        except GitlabError as error:
            raise UnavailableError(
                f"The forge at {self._settings.url} refused: {error.error_message}"
            ) from error
        except requests.RequestException as error:
            reason = type(error).__name__
            raise UnavailableError(
                f"The forge at {self._settings.url} does not answer ({reason})."
            ) from error


def as_project(found: Any) -> ForgeProject:
    """Return a project as the workspace sees it, from python-gitlab's."""
    return ForgeProject(
        id=int(found.id),
        path=found.path_with_namespace,
        visibility=found.visibility,
        default_branch=found.default_branch or "main",
        description=found.description or "",
    )
