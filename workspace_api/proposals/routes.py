"""Versions and proposals over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi import Path as InPath

from workspace_api.http import Caller, Services
from workspace_api.proposals.schemas import (
    Acceptance,
    ChangeSchema,
    Fork,
    NewProposal,
    NewVersion,
    Proposals,
    ProposalSchema,
    Refusal,
    RemarkSchema,
    Return,
    WholeProposal,
)
from workspace_api.proposals.views import Changes, Done, History

router = APIRouter(prefix="/projects/{namespace}/{name}", tags=["versions"])
Part = Annotated[str, InPath(max_length=255)]
Number = Annotated[int, InPath(ge=1, le=1_000_000_000)]


@router.post("/fork")
def fork(services: Services, caller: Caller, namespace: Part, name: Part) -> Fork:
    """Make the caller's own copy of a project, once."""
    return Fork(path=services.sessions.copies.fork(caller, f"{namespace}/{name}"))


@router.post("/versions", status_code=201)
def save_version(services: Services, caller: Caller, namespace: Part, name: Part, body: NewVersion) -> Done:
    """Save a version from the caller's checkout."""
    return services.proposals.save_version(caller, f"{namespace}/{name}", body.message, body.tag, body.insist)


@router.post("/updates")
def get_updates(services: Services, caller: Caller, namespace: Part, name: Part) -> Done:
    """Bring what is new in the project into the caller's checkout."""
    return services.proposals.get_updates(caller, f"{namespace}/{name}")


@router.post("/return")
def go_back(services: Services, caller: Caller, namespace: Part, name: Part, body: Return) -> Done:
    """Make the caller's checkout what it was in an earlier version."""
    return services.proposals.go_back(caller, f"{namespace}/{name}", body.version)


@router.get("/copy/changes")
def what_changed(
    services: Services,
    caller: Caller,
    namespace: Part,
    name: Part,
    before: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Changes:
    """Return what differs between two versions; by default between the last one and the files now."""
    return services.proposals.what_changed(caller, f"{namespace}/{name}", before, after)


@router.get("/copy/history")
def history(services: Services, caller: Caller, namespace: Part, name: Part) -> History:
    """List the versions that the caller's checkout has had, newest first."""
    return services.proposals.history(caller, f"{namespace}/{name}")


@router.get("/proposals")
def proposals(
    services: Services,
    caller: Caller,
    namespace: Part,
    name: Part,
    state: Annotated[Literal["open", "all"], Query()] = "open",
) -> Proposals:
    """List the proposals to a project, newest first, and say whether the caller's person may settle them."""
    path = f"{namespace}/{name}"
    items = [ProposalSchema.model_validate(each) for each in services.proposals.of(caller, path, state)]
    return Proposals(
        items=items,
        total=len(items),
        page=1,
        per_page=max(len(items), 1),
        may_settle=services.proposals.person_may_settle(caller, path),
    )


@router.post("/proposals", status_code=201)
def propose(
    services: Services, caller: Caller, namespace: Part, name: Part, body: NewProposal
) -> ProposalSchema:
    """Propose the caller's changes to the project."""
    made = services.proposals.propose(caller, f"{namespace}/{name}", body.title, body.description)
    return ProposalSchema.model_validate(made)


@router.get("/proposals/{number}")
def proposal(
    services: Services, caller: Caller, namespace: Part, name: Part, number: Number
) -> WholeProposal:
    """Return a proposal with its changes, and what was said of it."""
    whole = services.proposals.get(caller, f"{namespace}/{name}", number)
    told = ProposalSchema.model_validate(whole.proposal).model_dump()
    return WholeProposal(
        **told,
        changes=[ChangeSchema.model_validate(each) for each in whole.changes],
        remarks=[RemarkSchema.model_validate(each) for each in whole.remarks],
    )


@router.post("/proposals/{number}/accept")
def accept(
    services: Services, caller: Caller, namespace: Part, name: Part, number: Number, body: Acceptance
) -> ProposalSchema:
    """Take a proposal into the project, as it was looked at."""
    settled = services.proposals.accept(caller, f"{namespace}/{name}", number, body.commit)
    return ProposalSchema.model_validate(settled)


@router.post("/proposals/{number}/decline")
def decline(
    services: Services, caller: Caller, namespace: Part, name: Part, number: Number, body: Refusal
) -> ProposalSchema:
    """Decline a proposal."""
    settled = services.proposals.decline(caller, f"{namespace}/{name}", number, body.reason)
    return ProposalSchema.model_validate(settled)
