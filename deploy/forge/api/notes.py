"""Notes: what people say about a merge request."""

from __future__ import annotations

from sqlalchemy import select

from deploy.forge import presenters
from deploy.forge.access import project_level
from deploy.forge.calls import Call, Reply, Routes
from deploy.forge.errors import forbidden, not_found
from deploy.forge.lookups import find_merge_request
from deploy.forge.models import MergeRequest, Note, now
from deploy.forge.policy import maintains

MAX_LENGTH = 1_000_000
NOTES = "/projects/:id/merge_requests/:iid/notes"
routes = Routes()


@routes.add("GET", NOTES)
def everything(call: Call) -> Reply:
    """List notes, newest first unless `sort` says otherwise."""
    found = find_merge_request(call)
    forwards = call.params.choice("sort", ("asc", "desc"), "desc") == "asc"
    query = select(Note).where(Note.merge_request_id == found.id)
    query = query.order_by(Note.id.asc() if forwards else Note.id.desc())
    rows = call.session.scalars(query).all()
    return call.page(rows, lambda note: presenters.note(note, found, call.settings.external_url))


@routes.add("GET", f"{NOTES}/:note")
def one(call: Call) -> Reply:
    """Return a note."""
    found = find_merge_request(call)
    return Reply(presenters.note(_find(call, found), found, call.settings.external_url))


@routes.add("POST", NOTES)
def create(call: Call) -> Reply:
    """Say something, as anybody who may read the merge request."""
    user, found = call.user, find_merge_request(call)
    made = Note(merge_request_id=found.id, author_id=user.id, body=call.params.text("body", limit=MAX_LENGTH))
    call.session.add(made)
    found.updated_at = now()
    call.session.flush()
    return Reply(presenters.note(made, found, call.settings.external_url), 201)


@routes.add("PUT", f"{NOTES}/:note")
def change(call: Call) -> Reply:
    """Say it differently, as who said it."""
    found = find_merge_request(call)
    note = _find(call, found)
    if note.author_id != call.user.id:
        raise forbidden()
    note.body, note.updated_at = call.params.text("body", limit=MAX_LENGTH), now()
    return Reply(presenters.note(note, found, call.settings.external_url))


@routes.add("DELETE", f"{NOTES}/:note")
def remove(call: Call) -> Reply:
    """Take a note back, as who said it or as a maintainer."""
    found = find_merge_request(call)
    note = _find(call, found)
    if note.author_id != call.user.id and not maintains(project_level(call.session, call.user, found.target)):
        raise forbidden()
    call.session.delete(note)
    return Reply(None, 204)


def _find(call: Call, mr: MergeRequest) -> Note:
    number = call.args["note"]
    found = call.session.get(Note, int(number)) if number.isdigit() else None
    if found is None or found.merge_request_id != mr.id:
        raise not_found()
    return found
