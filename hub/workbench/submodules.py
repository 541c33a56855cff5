"""Other repositories inside a project: they are named, and never fetched by themselves."""

from __future__ import annotations

from pathlib import Path

from .git import GitError, lines

MOST = 20


def notes(folder: Path) -> list[str]:
    """Return a sentence for each submodule whose files are not there."""
    if not (folder / ".gitmodules").is_file():
        return []
    asked = ("config", "--file", ".gitmodules", "-z", "--get-regexp", r"^submodule\..*\.(path|url)$")
    try:
        found = dict(line.split("\n", 1) for line in lines(folder, *asked) if "\n" in line)
    except GitError:  # git cannot read the file, or it names none
        return []
    said = []
    for key, path in found.items():
        if key.endswith(".path") and not (folder / path / ".git").exists():
            address = found.get(f"{key.removesuffix('.path')}.url", "an address that is not said")
            said.append(
                f"The folder {path} is another repository, {address}. It is not fetched with this one; in a "
                f"terminal, git submodule update --init does it where its host can be reached."
            )
    return [words[:1000] for words in said[:MOST]]
