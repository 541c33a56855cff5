"""What the forge needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ForgeSettings:
    """Folder, address and first token of a forge.

    `external_url` is the address that clients use, with the path under which the forge answers
    (`http://127.0.0.1:8000/git`). `root_token` is the administrator's; another one at the next start
    replaces it. `import_hosts` are what `sources.checked_source` allows to import from; none: no imports.
    """

    home: Path
    external_url: str
    root_token: str
    max_body_bytes: int = 100_000_000
    max_push_bytes: int = 2_000_000_000
    git_seconds: float = 600
    import_hosts: tuple[str, ...] = ()
    import_max_bytes: int = 500 * 1024**2
    import_seconds: float = 600

    @property
    def repositories(self) -> Path:
        """Where the bare repositories are, one folder for each project id."""
        return self.home / "repositories"

    @property
    def imports(self) -> Path:
        """Where repositories are while they are being fetched."""
        return self.home / "imports"

    @property
    def database_url(self) -> str:
        """The forge's own database."""
        return f"sqlite:///{self.home / 'forge.sqlite'}"
