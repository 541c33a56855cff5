"""Carries out operations on people's checkouts, each in its person's own sandbox or container."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hub.jobs import Launcher
from nfs import beneath
from workspace_api.errors import ConflictError
from workspace_api.people.views import Person
from workspace_api.sessions.surroundings import Place, Surroundings

LOOK_SECONDS = 0.03
LONGEST_ANSWER = 1_000_000
LONGEST_SETTINGS = 100_000
LOG_TAIL = 1_000


def holds_checkout(home: Path, folder: str, origin: str) -> bool:
    """Whether `folder` below `home` is a checkout of `origin`, as git itself wrote that down.

    Read as a plain file: git is never run on somebody's folder outside their sandbox. False where it cannot
    be told so simply; the operation that opens a checkout then finds out.
    """
    try:
        with beneath.folder(home) as at:
            settings = beneath.read_plain(at, f"{folder}/.git/config", LONGEST_SETTINGS)
    except OSError:
        return False
    section = re.search(rb'^\[remote "origin"\]\n((?:[ \t].*\n)*)', settings, re.MULTILINE)
    return section is not None and f"\turl = {origin}\n".encode() in section[1]


class Checkouts:
    """Starts git's jobs and reads their answers, which are somebody else's words and checked as such."""

    def __init__(self, surroundings: Surroundings, launcher: Launcher) -> None:
        self._surroundings = surroundings
        self._launcher = launcher

    def go_on(
        self,
        place: Place,
        person: Person,
        request: Mapping[str, Any],
        environment_key: str,
        token: Callable[[], str],
    ) -> dict[str, Any] | None:
        """Start the operation of `place`, or look at it: its answer, or None while it is under way.

        Raises ConflictError in git's words when it could not be done; asked again, it begins anew.
        """
        launched = self._launcher.adopt(place.control)
        if launched is None:
            self._start(place, person, request, environment_key, token())
            return None
        outcome = launched.outcome()
        if outcome is None:
            return None
        try:
            return self._answer(place, outcome.reason)
        finally:
            shutil.rmtree(place.folder, ignore_errors=True)

    def run(
        self,
        place: Place,
        person: Person,
        request: Mapping[str, Any],
        environment_key: str,
        token: str,
    ) -> dict[str, Any]:
        """Carry out an operation and return its answer; ConflictError when it could not be done."""
        while True:
            answer = self.go_on(place, person, request, environment_key, lambda: token)
            if answer is not None:
                return answer
            time.sleep(LOOK_SECONDS)

    def _start(
        self, place: Place, person: Person, request: Mapping[str, Any], environment_key: str, token: str
    ) -> None:
        place.answers.mkdir(parents=True, exist_ok=True)
        self._surroundings.layout.ensure_home(person.name, person.uid, person.uid)
        if os.geteuid() == 0:
            os.chown(place.answers, person.uid, person.uid)
        job = self._surroundings.operation_job(
            place, person, request, environment_key=environment_key, token=token
        )
        self._launcher.start(job, place.control)

    def _answer(self, place: Place, reason: str) -> dict[str, Any]:
        try:
            with (
                beneath.folder(place.answers) as at,
                os.fdopen(beneath.open_plain(at, "answer.json"), "rb") as file,
            ):
                answer = json.loads(file.read(LONGEST_ANSWER))
        except (OSError, ValueError) as error:
            log = place.control / "log"
            said = log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:] if log.exists() else ""
            raise ConflictError(f"git ended without an answer ({reason}). {said.strip()}") from error
        if not isinstance(answer, dict):
            raise ConflictError("git's answer could not be understood. Try again.")
        if "error" in answer:
            raise ConflictError(str(answer["error"])[:2000])
        return answer
