"""Bare repositories: reading trees, files and commits, writing commits, branches and tags."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.forge.git.command import GitError, git

ZERO = "0" * 40
FORK_TRIES = 3
SHA = re.compile(r"[0-9a-f]{40}")
FIELDS = "%H%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
CONFIGURATION = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[receive]
\tfsckObjects = true
\tdenyDeletes = false
\tautogc = false
[gc]
\tauto = 0
[http]
\treceivepack = true
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = false
\tallowReachableSHA1InWant = true
"""


@dataclass(frozen=True)
class Commit:
    """A commit as git tells it; times are ISO 8601 with their zone."""

    sha: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored_date: str
    committer_name: str
    committer_email: str
    committed_date: str
    message: str


@dataclass(frozen=True)
class Entry:
    """One entry of a tree."""

    mode: str
    type: str
    sha: str
    path: str


@dataclass(frozen=True)
class Change:
    """One file as a new commit shall have it; `content` None removes it."""

    path: str
    content: bytes | None
    executable: bool = False


@dataclass(frozen=True)
class Tag:
    """A tag; `message` is empty for one without."""

    name: str
    commit: str
    message: str
    target: str


class Repository:
    """One bare repository; it can borrow the objects of another for a while."""

    def __init__(self, folder: Path, lender: Path | None = None) -> None:
        self.folder = folder
        self._env = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": quoted(str(lender / "objects"))} if lender else {}

    def borrowing(self, other: Repository) -> Repository:
        """Return this repository as one that also reads the objects of `other`."""
        return Repository(self.folder, other.folder)

    def git(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None,
            ok: Sequence[int] = (0,)) -> bytes:  # fmt: skip
        """Run git here and return what it wrote; GitError on a status that is not in `ok`."""
        return git(self.folder, *arguments, stdin=stdin, env={**self._env, **(env or {})}, ok=ok)

    def exists(self) -> bool:
        """Whether the folder is there."""
        return self.folder.is_dir()

    def refs(self) -> dict[str, str]:
        """Return every branch and tag by its full name, with the object that it names."""
        text = self.git("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")
        pairs = (line.split(" ", 1) for line in text.decode(errors="replace").splitlines())
        return {ref: sha for sha, ref in pairs}

    def ref(self, ref: str) -> str | None:
        """Return the commit that a full ref name stands for, or None."""
        found = self.git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", ok=(0, 1)
        )
        return found.decode().strip() or None

    def branch(self, name: str) -> str | None:
        """Return the commit of a branch, or None; unlike `resolve` it takes no tag and no sha."""
        return self.ref(f"refs/heads/{name}")

    def head_to(self, branch: str) -> None:
        """Make `branch` what a clone checks out."""
        self.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")

    def bring(self, source: Repository, branch: str, ref: str = "") -> None:
        """Fetch a branch of another repository of this forge, into `ref` where one is given."""
        self.git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance",
                 str(source.folder), f"+refs/heads/{branch}:{ref}" if ref else f"refs/heads/{branch}",
                 env={"GIT_ALLOW_PROTOCOL": "file"})  # fmt: skip

    def resolve(self, ref: str) -> str | None:
        """Return the commit that a branch, tag or sha names, or None."""
        for candidate in _named(ref):
            try:
                found = self.git("rev-parse", "--verify", "--quiet", "--end-of-options",
                                 f"{candidate}^{{commit}}", ok=(0, 1))  # fmt: skip
            except GitError:
                continue
            if found.strip():
                return found.decode().strip()
        return None

    def newest(self, ref: str) -> Commit | None:
        """Return what `resolve` returns with all that a commit says, by one command of git."""
        for candidate in _named(ref):
            try:
                check_ref(candidate)  # as git would read a range or an ancestor in it
                return self.commits(candidate, limit=1)[0]
            except (GitError, IndexError):
                continue
        return None

    def is_empty(self) -> bool:
        """Whether there is no branch yet; told from git's files, as every answer about a project says it."""
        loose = (name for _, _, names in os.walk(self.folder / "refs" / "heads") for name in names)
        if any(not name.endswith(".lock") for name in loose):
            return False
        try:
            packed = (self.folder / "packed-refs").read_bytes()
        except FileNotFoundError:
            return True
        return b" refs/heads/" not in packed

    def tree(self, commit: str, path: str = "", *, recursive: bool = False) -> list[Entry]:
        """Return the entries below `path`; GitError where that is no folder."""
        arguments = ["ls-tree", "-z", *(["-r", "-t"] if recursive else []), f"{commit}:{path}"]
        entries = []
        for line in self.git(*arguments).decode(errors="surrogateescape").split("\0")[:-1]:
            head, _, name = line.partition("\t")
            mode, kind, sha = head.split()
            entries.append(Entry(mode, kind, sha, f"{path}/{name}" if path else name))
        return entries

    def blob(self, commit: str, path: str) -> Entry | None:
        """Return the file at `path`, or None."""
        found = self.git("ls-tree", "-z", commit, "--", path).decode(errors="surrogateescape")
        if not found:
            return None
        mode, kind, sha = found.split("\t")[0].split()
        return Entry(mode, kind, sha, path) if kind == "blob" else None

    def size(self, sha: str) -> int:
        """Return the bytes of an object."""
        return int(self.git("cat-file", "-s", sha))

    def read(self, sha: str) -> bytes:
        """Return the content of a blob."""
        return self.git("cat-file", "blob", sha)

    def commits(
        self, start: str, *, path: str = "", limit: int = 0, skip: int = 0, without: str | None = None
    ) -> list[Commit]:
        """Return commits from `start` backwards, those that touch `path` and that `without` does not have."""
        arguments = ["log", "-z", f"--format={FIELDS}", f"--skip={skip}"]
        arguments += [f"--max-count={limit}"] if limit else []
        arguments += [start, *([f"^{without}"] if without else []), "--", *([path] if path else [])]
        text = self.git(*arguments).decode(errors="replace")
        parts = text.removesuffix("\0").split("\0") if text else []
        return [_commit(parts[i : i + 9]) for i in range(0, len(parts) - 8, 9)]

    def branches(self) -> list[tuple[str, str]]:
        """Return the branches with their commits."""
        return self._refs("refs/heads", "%(refname:lstrip=2)%00%(objectname)", 2)  # type: ignore[return-value]

    def tags(self) -> list[Tag]:
        """Return the tags, newest first."""
        form = "%(refname:lstrip=2)%00%(objectname)%00%(*objectname)%00%(contents:subject)%00%(objecttype)"
        rows = self._refs("refs/tags", form, 5, "--sort=-creatordate")
        return [
            Tag(name, peeled or target, message if kind == "tag" else "", target)
            for name, target, peeled, message, kind in rows
        ]

    def _refs(self, prefix: str, form: str, width: int, *more: str) -> list[tuple[str, ...]]:
        text = self.git("for-each-ref", f"--format={form}", *more, prefix).decode(errors="replace")
        return [tuple(line.split("\0", width - 1)) for line in text.splitlines()]

    def set_ref(self, ref: str, new: str, old: str | None = None) -> None:
        """Move `ref` to `new`, if it is still at `old` (ZERO: does not exist yet); GitError otherwise."""
        check_ref(ref)
        self.git("update-ref", ref, new, *([old] if old is not None else []))

    def delete_ref(self, ref: str, old: str | None = None) -> None:
        """Remove a ref, if it is still at `old` where that is given; GitError otherwise."""
        check_ref(ref)
        self.git("update-ref", "-d", ref, *([old] if old is not None else []))

    def annotated_tag(self, name: str, commit: str, message: str, tagger: str) -> None:
        """Make a tag with a message; GitError when there is one of this name."""
        check_ref(f"refs/tags/{name}")
        text = f"object {commit}\ntype commit\ntag {name}\ntagger {tagger}\n\n{message}\n"
        sha = self.git("mktag", stdin=text.encode()).decode().strip()
        self.set_ref(f"refs/tags/{name}", sha, ZERO)

    def write(
        self,
        branch: str,
        parent: str | None,
        changes: Sequence[Change],
        *,
        message: str,
        author: tuple[str, str],
        moment: str,
    ) -> str:
        """Commit `changes` on top of `parent` and move `branch` there, in one step; return the new commit.

        `moment` is `seconds +0000`. GitError when the branch moved meanwhile.
        """
        ref = f"refs/heads/{branch}"
        check_ref(ref)
        name, email = (re.sub(r"[<>\n\0]", "", part) for part in author)
        text = message.encode()
        lines = [
            f"commit {ref}\ncommitter {name} <{email}> {moment}\ndata {len(text)}\n".encode() + text + b"\n"
        ]
        if parent is not None:
            lines.append(f"from {parent}\n".encode())
        for change in changes:
            if change.content is None:
                lines.append(f"D {quoted(change.path)}\n".encode())
                continue
            mode = "100755" if change.executable else "100644"
            head = f"M {mode} inline {quoted(change.path)}\ndata {len(change.content)}\n"
            lines.append(head.encode() + change.content + b"\n")
        self.git("fast-import", "--quiet", "--date-format=raw", stdin=b"".join(lines) + b"done\n")
        written = self.resolve(branch)
        if written is None:
            raise GitError("the commit was not written")
        return written


def _named(ref: str) -> list[str]:
    """Return what git may know a branch, tag or sha as, in the order in which it is looked for."""
    if "\0" in ref:
        return []
    return [f"refs/heads/{ref}", f"refs/tags/{ref}", *([ref] if SHA.fullmatch(ref) else [])]


def check_ref(ref: str) -> None:
    """Raise GitError for a name that git does not take for a ref."""
    bad = re.search(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/$|\.lock(/|$)|(^|/)\.|\.$", ref)
    if bad or ref.rsplit("/", 1)[-1].startswith("-"):
        raise GitError(f"invalid reference name '{ref[:200]}'")


def check_path(path: str) -> None:
    """Raise GitError for a path that cannot be a file of a repository."""
    parts = path.split("/")
    if path.startswith("/") or "\0" in path or any(p.lower() in ("", ".", "..", ".git") for p in parts):
        raise GitError(f"invalid path '{path[:200]}'")


def quoted(path: str) -> str:
    """Return a path as fast-import reads it."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _commit(parts: list[str]) -> Commit:
    return Commit(
        parts[0], tuple(parts[1].split()), parts[2], parts[3], parts[4], parts[5], parts[6], parts[7],
        parts[8].rstrip("\n"),
    )  # fmt: skip


class Repositories:
    """The bare repositories of a forge, in folders named by project id."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def of(self, project_id: int) -> Repository:
        """Return a project's repository."""
        return Repository(self._root / f"{project_id}.git")

    def create(self, project_id: int, default_branch: str) -> None:
        """Make an empty repository; one that a cut-off creation left behind is replaced."""
        folder = self._root / f"{project_id}.git"
        shutil.rmtree(folder, ignore_errors=True)
        self._root.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        git(folder, "init", "--quiet", "--bare", f"--initial-branch={default_branch}", str(folder))
        self.configure(folder)

    def configure(self, folder: Path) -> None:
        """Give a bare repository that nobody knows yet the settings of all, and no others."""
        (folder / "config").write_text(CONFIGURATION, encoding="utf-8")

    def fork(self, origin_id: int, project_id: int, default_branch: str) -> None:
        """Copy a repository: its objects by hard links, so that nothing done to either harms the other."""
        origin, folder = self.of(origin_id).folder, self._root / f"{project_id}.git"
        for tries_left in reversed(range(FORK_TRIES)):
            shutil.rmtree(folder, ignore_errors=True)
            try:
                git(origin, "clone", "--quiet", "--bare", "--local", "--template=", str(origin), str(folder),
                    env={"GIT_ALLOW_PROTOCOL": "file"})  # fmt: skip
                break
            except GitError:  # a push to the origin moved files about while they were linked
                if not tries_left:
                    raise
        for leftover in (*folder.glob("objects/tmp_objdir-*"), *folder.glob("objects/incoming-*")):
            shutil.rmtree(leftover)
        self.configure(folder)
        if (folder / "HEAD").read_bytes() != b"ref: refs/heads/%s\n" % default_branch.encode():
            self.of(project_id).head_to(default_branch)

    def remove(self, project_id: int) -> None:
        """Remove a project's repository."""
        shutil.rmtree(self._root / f"{project_id}.git", ignore_errors=True)
