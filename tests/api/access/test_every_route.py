"""Permissions are asked by every route: strangers are answered by none but those that are named here.

Each route of the whole application is asked for, by a visitor and by an end-user who is in no group, at what
is somebody else's. A new route that refuses both needs no word here; one that does not, an entry with the
reason.
"""

from __future__ import annotations

import pytest
from fastapi.routing import iter_route_contexts

from tests.api.access.conftest import GROUP, NOTEBOOK, PROJECT, TABLE
from workspace_api.alphagenome.terms import VERSION

REFUSED = (401, 403, 404)
LEAST = 190  # routes there were when this was written: a walk that finds fewer is broken

PUBLIC = {
    "GET /": "the landing page, with what is public",
    "GET /api/docs": "how the API is used",
    "GET /api/v1/openapi.json": "the same for machines",
    "GET /api/v1/assemblies/{assembly}/chromosomes": "lengths of chromosomes, known to everybody",
    "GET /api/v1/batches": "one's own; a visitor's are those of their browser",
    "GET /api/v1/environments/{key}": "how far a build is, by its key; nothing of what is in it",
    "GET /api/v1/files": "what is public, and what is one's own",
    "GET /api/v1/me": "who is asking",
    "GET /api/v1/projects": "those that one may see",
    "GET /api/v1/runs": "one's own; a visitor's are those of their browser",
    "GET /environments/{key}": "as the API's",
    "GET /favicon.ico": "the mark",
    "GET /health": "whether the service lives, for whoever starts it again",
    "GET /login": "the way in",
    "GET /me": "one's own work; a visitor's is that of their browser",
    "GET /metrics": "figures without names; docs/api.md says to keep them from strangers at the proxy",
    "GET /oauth_callback": "the way back from JupyterHub, which proves itself by what it carries",
    "GET /open": "asks which repository; opening is for those with an account",
    "GET /ready": "which part does not answer, for whoever starts it again",
    "GET /static/{name:path}": "stylesheets and scripts",
    "GET /status": "how the workspace is",
    "POST /logout": "the way out",
}
OWN = {
    "GET /api/v1/alphagenome/terms": "whether one has accepted them",
    "GET /api/v1/alphagenome/usage": "one's own use",
    "GET /api/v1/alphagenome/usage/log": "one's own use",
    "GET /api/v1/git-passwords": "one's own",
    "GET /api/v1/groups": "those that one is in",
    "GET /api/v1/keys": "one's own",
    "GET /api/v1/me/projects": "one's own",
    "GET /api/v1/session-sizes": "those that one may use",
    "GET /api/v1/sessions": "one's own",
    "GET /api/v1/tokens": "one's own",
    "GET /batches": "one's own",
    "GET /groups": "those that one is in",
    "GET /me/alphagenome": "one's own use",
    "GET /me/keys": "one's own",
    "GET /me/projects": "one's own",
    "GET /me/tokens": "one's own",
    "POST /api/v1/alphagenome/terms": "one's own word",
    "POST /api/v1/alphagenome/usage/log": "a file in one's home",
    "POST /api/v1/git-passwords": "for what one may reach on the forge",
    "POST /api/v1/keys": "one's own",
    "POST /api/v1/tokens": "in one's own name",
    "POST /me/alphagenome/key": "one's own",
    "POST /me/alphagenome/log": "a file in one's home",
    "POST /me/alphagenome/terms": "one's own word",
    "POST /me/keys": "one's own",
    "POST /me/keys/passwords": "for what one may reach on the forge",
    "POST /me/tokens": "in one's own name",
    "PUT /api/v1/alphagenome/key": "one's own",
}

WORKSHEET = {"project": PROJECT, "notebook": NOTEBOOK}
QUOTA = {"kind": "person", "name": "zoe", "measure": "calls", "window": "day"}
SENT = {  # what a call needs, so that it is refused for who asks and not for what was sent
    "PATCH /api/v1/groups/{name}": {"title": "Mine"},
    "PATCH /api/v1/people/{name}": {"admin": True},
    "POST /admin/alphagenome/quotas/remove": QUOTA,
    "POST /api/v1/alphagenome/terms": {"version": VERSION},
    "POST /api/v1/batches/{batch_id}/start": {"parameters": {}},
    "POST /api/v1/git-passwords": {"name": "x"},
    "POST /api/v1/groups": {"name": "eves"},
    "POST /api/v1/imports": {"repository": "https://example.org/a/b"},
    "POST /api/v1/internal/sessions/ended": {"user": "zoe", "server": "x", "reason": "exited"},
    "POST /api/v1/internal/sessions/prepare": {"user": "zoe", "server": "x"},
    "POST /api/v1/internal/sessions/started": {"user": "zoe", "server": "x", "control": "ab"},
    "POST /api/v1/internal/sign-in": {"name": "zoe", "password": "a guess"},
    "POST /api/v1/keys": {"title": "x", "key": "ssh-ed25519 AAAA"},
    "POST /api/v1/people": {"name": "eves", "password": "correct horse battery"},
    "POST /api/v1/projects": {"name": "eves"},
    "POST /api/v1/projects/{namespace}/{name}/proposals": {"title": "x"},
    "POST /api/v1/projects/{namespace}/{name}/proposals/{number}/accept": {"commit": "0" * 40},
    "POST /api/v1/projects/{namespace}/{name}/proposals/{number}/decline": {"reason": "x"},
    "POST /api/v1/projects/{namespace}/{name}/return": {"version": "v1"},
    "POST /api/v1/projects/{namespace}/{name}/versions": {"message": "x"},
    "POST /api/v1/runs": {**WORKSHEET, "parameters": {"variants": "x.csv"}},
    "POST /api/v1/runs/batch": {**WORKSHEET, "rows": [{"variant": "chr22:36201698:A>C"}]},
    "POST /api/v1/sessions": {"project": PROJECT},
    "POST /api/v1/tokens": {"name": "x"},
    "POST /me/tokens": {"name": "x"},
    "POST /open": {"repo": "https://example.org/a/b"},
    "PUT /api/v1/alphagenome/key": {"key": ""},  # kept, there would be one to forget
    "PUT /api/v1/alphagenome/quotas/{kind}/{name}/{measure}/{window}": {"amount": 1},
    "PUT /api/v1/alphagenome/sharing/{group}": {"visitors": False},
    "PUT /api/v1/groups/{name}/members/{user}": {"role": "reader"},
    "PUT /api/v1/projects/{namespace}/{name}/curation": {"version": "v1"},
}
QUERIES = {"GET /batches/new": WORKSHEET}
UPLOADS = {"POST /api/v1/batches": WORKSHEET}

# Routes that answer not even Zoe or an administrator at what was made for the test.
ANSWER_NOBODY = {
    "GET /api/v1/internal/people/{name}": "for JupyterHub alone",
    "GET /api/v1/projects/{namespace}/{name}/copy/changes": "needs a sandbox in which git looks",
    "GET /api/v1/projects/{namespace}/{name}/copy/history": "likewise",
    "GET /projects/{namespace}/{name}/copy/changes": "likewise",
}
WIDER = (  # ways of asking for more than one's own
    f"GET /api/v1/batches?project={PROJECT}",
    "GET /api/v1/environments?q=zoe",
    f"GET /api/v1/files?path=/shared/{GROUP}",
    "GET /api/v1/files?path=/home/zoe",
    "GET /api/v1/files?path=~/../zoe",
    "GET /api/v1/groups?all=true",
    "GET /api/v1/projects?q=zoe",
    f"GET /api/v1/runs?project={PROJECT}",
    "GET /api/v1/sessions?everybody=true",
    "GET /api/v1/sessions?ended=true",
    "GET /groups?all=true",
    f"GET /projects/new?group={GROUP}",
)


def calls_of(app) -> list[str]:
    """Return every call of the application, such as `GET /groups/{name}`."""
    calls = {f"{m} {route.path}" for route in iter_route_contexts(app.routes) for m in route.methods or ()}
    return sorted(call for call in calls if not call.startswith("HEAD "))


def ask(place, who: str | None, call: str):
    """Ask for a call at what is Zoe's, with what it needs."""
    if call in UPLOADS:
        path = call.partition(" ")[2]
        return place.browser(who).post(path, data=UPLOADS[call], files=TABLE)
    return place.ask(who, call, SENT.get(call), QUERIES.get(call))


@pytest.mark.parametrize(
    ("who", "answered"),
    [(None, PUBLIC), ("eve", PUBLIC | OWN)],
    ids=["a visitor", "an end-user without a group"],
)
def test_strangers_are_answered_by_what_is_named_alone(place, who, answered):
    wrong = []
    calls = calls_of(place.app)
    for call in calls:
        status = ask(place, who, call).status_code
        if call in answered:
            if status in REFUSED:
                wrong.append(f"{call} is refused with {status}: take it out of the table.")
        elif status not in REFUSED:
            wrong.append(
                f"{call} answers {status}. Let it ask auth.permissions (workspace_api.guard.require); if it "
                "is for everybody, say so in PUBLIC or OWN with the reason. A 4xx about what was sent needs "
                "an entry in SENT: it says nothing of who may."
            )

    assert wrong == []
    assert len(calls) >= LEAST


@pytest.mark.parametrize("who", [None, "eve"], ids=["a visitor", "an end-user without a group"])
def test_what_strangers_may_not_see_is_answered_as_what_is_not_there(place, who):
    """Else whoever guesses names and numbers learns which there are."""
    differ = []
    for call in calls_of(place.app):
        if "{" not in call or call in PUBLIC:
            continue
        there, absent = (ask(each, who, call).status_code for each in (place, place.elsewhere))
        if there != absent:
            differ.append(f"{call} answers {there} at what is Zoe's, and {absent} at what is not there.")

    assert differ == []


@pytest.mark.parametrize("who", [None, "eve"], ids=["a visitor", "an end-user without a group"])
def test_what_strangers_are_told_names_nothing_of_somebody_elses(place, who):
    told = {call: ask(place, who, call) for call in PUBLIC | OWN if call in calls_of(place.app)}
    told |= {call: place.ask(who, call) for call in WIDER}
    named = [c for c, answer in told.items() if answer.status_code < 400 and "zoe" in body_of(c, answer)]

    assert named == []


def body_of(call: str, answer) -> str:
    """Return what was answered, without what only repeats the question."""
    return answer.text.lower().replace(call.partition(" ")[2].lower(), "")


def test_no_entry_is_of_a_route_that_is_gone(place):
    tables = (PUBLIC, OWN, SENT, QUERIES, UPLOADS, ANSWER_NOBODY)

    assert {call for table in tables for call in table} - set(calls_of(place.app)) == set()


def test_what_strangers_ask_for_is_there(place):
    """A refusal says something only where its owner, or an administrator, is answered at the same address."""
    asked = [c for c in calls_of(place.app) if c.startswith("GET ") and c not in ANSWER_NOBODY]
    missing = [
        call for call in asked if min(ask(place, who, call).status_code for who in ("zoe", "boss")) in REFUSED
    ]

    assert missing == []
