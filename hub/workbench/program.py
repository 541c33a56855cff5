"""The program that carries out one operation, started by `START` with its folder, a request and an answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .git import GitError, Refused
from .operations import OPERATIONS

START = (
    "import importlib, pathlib, sys; folder = pathlib.Path(sys.argv.pop(1)); "
    "sys.path.insert(0, str(folder.parent)); importlib.import_module(folder.name + '.program').main()"
)


def main() -> None:
    """Read the request, do what it says, write the answer; `error` in it says what went wrong."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        answer = OPERATIONS[request["operation"]](request)
    except Refused as error:
        answer = {"error": str(error)}
    except GitError as error:
        answer = {"error": f"git refused: {error}"}
    except subprocess.TimeoutExpired:
        answer = {"error": "git was not done in time and was stopped. Try again."}
    except OSError as error:
        answer = {
            "error": f"{error.strerror}: {error.filename}. Make room, or correct its permissions; try again."
        }
    told = json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogateescape")  # names are any bytes
    Path(sys.argv[2]).write_text(told.decode("utf-8", "replace"), encoding="utf-8")
