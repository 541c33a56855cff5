"""What a session had ends in the same moment as it, whoever is killed meanwhile."""

from __future__ import annotations

import os
import time

from auth.identity import ALL_SCOPES
from tests.kills import killed_at_each_moment
from tests.sessions.conftest import ADA
from workspace_api.workspace import Workspace


def end(workspace: Workspace) -> None:
    workspace.sessions.ended("ada", "l-p0", "exited", "")


def test_the_token_of_a_session_that_has_ended_opens_nothing(workspace, running):
    running(1)
    [session] = workspace.sessions.mine(ADA)
    token = workspace.tokens.create("ada", "Session", ALL_SCOPES, run_id=session.id).secret
    seen = set()
    for _ in killed_at_each_moment(workspace.settings, end):
        view = workspace.sessions.at("ada", "l-p0")
        seen.add((view.ended, workspace.tokens.identify(token) is not None))

    assert seen == {(False, True), (True, False)}


def test_files_that_a_killed_process_left_of_what_has_ended_are_removed(workspace, running):
    running(1)
    [session] = workspace.sessions.mine(ADA)
    folders = workspace.sessions.folders
    places = [
        folders.of(session.id),
        folders.of("0123456789abcdef"),
        folders.operation(),
        folders.operation(),
    ]
    for place in places:
        place.folder.mkdir(parents=True)
    os.utime(places[3].folder, (0, time.time() - 3600))
    folders.remove_left()

    assert [place.folder.exists() for place in places] == [True, False, True, False]
