"""The gateway's use, quotas and agreements over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from starlette.responses import StreamingResponse

from workspace_api.alphagenome.agreements import EVERYBODY
from workspace_api.alphagenome.quotas import Kind, Measure, Window
from workspace_api.alphagenome.schemas import (
    AcceptSchema,
    AccountUseSchema,
    AmountSchema,
    ConfirmSchema,
    KeptSchema,
    KeySchema,
    QuotaSchema,
    SharingSchema,
    TermsSchema,
    UsageSchema,
)
from workspace_api.alphagenome.terms import VERSION
from workspace_api.alphagenome.usage_logs import LOG
from workspace_api.errors import FieldError, InvalidInputError
from workspace_api.http import Listing, Services, SignedIn
from workspace_api.paging import Page

router = APIRouter(tags=["alphagenome"], prefix="/alphagenome")
Name = Annotated[str, InPath(max_length=64)]
Days = Annotated[int, Query(ge=1, le=400, description="How many days.")]
NOBODY = "-"  # in an address, in the place of a name
ALL = "everybody"  # likewise, of a group's


@router.get("/usage")
def usage(services: Services, caller: SignedIn, days: Days = 30) -> UsageSchema:
    """Return your use of the gateway, day by day, and what is left of your quotas."""
    return UsageSchema.of(services.usage.mine(caller, days=days))


@router.get("/usage/log", response_class=StreamingResponse)
def usage_log(services: Services, caller: SignedIn) -> StreamingResponse:
    """Give your usage log, one call a line, columns parted by tabs."""
    named = {"Content-Disposition": f'attachment; filename="{LOG}"'}
    return StreamingResponse(
        services.usage.log(caller), media_type="text/plain; charset=utf-8", headers=named
    )


@router.post("/usage/log")
def keep_usage_log(services: Services, caller: SignedIn) -> KeptSchema:
    """Write your usage log into your home now."""
    return KeptSchema(path=services.usage_logs.keep(caller))


@router.get("/usage/everybody")
def everybody(services: Services, caller: SignedIn) -> Listing[AccountUseSchema]:
    """Return what each person, each group and the workspace used; for administrators."""
    found = services.usage.everybody(caller)
    return Listing[AccountUseSchema].of(Page(found, len(found), 1, max(1, len(found))), AccountUseSchema.of)


@router.get("/usage/people/{user}")
def usage_of(services: Services, caller: SignedIn, user: Name, days: Days = 30) -> UsageSchema:
    """Return somebody's use of the gateway; for administrators."""
    return UsageSchema.of(services.usage.of(caller, user, days=days))


@router.get("/quotas")
def quotas(services: Services, caller: SignedIn) -> Listing[QuotaSchema]:
    """List every quota that is set; for administrators."""
    found = services.alphagenome.quotas(caller)
    return Listing[QuotaSchema].of(Page(found, len(found), 1, max(1, len(found))), QuotaSchema.of)


@router.put("/quotas/{kind}/{name}/{measure}/{window}")
def set_quota(
    services: Services,
    caller: SignedIn,
    kind: Kind,
    name: Name,
    measure: Measure,
    window: Window,
    wanted: AmountSchema,
) -> QuotaSchema:
    """Set a quota; `name` is `-` for each person and for the workspace. For administrators."""
    return QuotaSchema.of(
        services.alphagenome.set_quota(caller, kind, _named(name), measure, window, wanted.amount)
    )


@router.delete("/quotas/{kind}/{name}/{measure}/{window}", status_code=204)
def remove_quota(
    services: Services, caller: SignedIn, kind: Kind, name: Name, measure: Measure, window: Window
) -> None:
    """Remove a quota; for administrators."""
    services.alphagenome.remove_quota(caller, kind, _named(name), measure, window)


@router.get("/terms")
def terms(services: Services, caller: SignedIn) -> TermsSchema:
    """Return AlphaGenome's terms, whether you accepted them, and with which key you ask."""
    return TermsSchema.of(services.alphagenome.agreement(caller))


@router.post("/terms")
def accept(services: Services, caller: SignedIn, accepted: AcceptSchema) -> TermsSchema:
    """Accept the terms in the version that you read."""
    if accepted.version != VERSION:
        words = f"{accepted.version!r} is not the version that is shown now, {VERSION!r}. Read them again."
        raise InvalidInputError("The terms were not accepted.", [FieldError("version", words)])
    services.alphagenome.accept_terms(caller)
    return TermsSchema.of(services.alphagenome.agreement(caller))


@router.put("/key", status_code=204)
def keep_key(services: Services, caller: SignedIn, kept: KeySchema) -> None:
    """Keep a key of your own, sealed; it is never given out again."""
    services.alphagenome.keep_key(caller, kept.key)


@router.delete("/key", status_code=204)
def forget_key(services: Services, caller: SignedIn) -> None:
    """Forget your own key."""
    services.alphagenome.forget_key(caller)


@router.get("/sharing")
def sharing(services: Services, caller: SignedIn) -> Listing[SharingSchema]:
    """List who may share the workspace's key; for administrators."""
    found = services.alphagenome.sharing(caller)
    return Listing[SharingSchema].of(
        Page(found, len(found), 1, max(1, len(found))), SharingSchema.model_validate
    )


@router.put("/sharing/{group}", status_code=204)
def confirm_sharing(services: Services, caller: SignedIn, group: Name, wanted: ConfirmSchema) -> None:
    """Confirm that a group (`everybody`: all) may share the key and the answers; for administrators."""
    services.alphagenome.confirm_sharing(caller, _group(group), visitors=wanted.visitors)


@router.delete("/sharing/{group}", status_code=204)
def withdraw_sharing(services: Services, caller: SignedIn, group: Name) -> None:
    """Take such a confirmation back; for administrators."""
    services.alphagenome.withdraw_sharing(caller, _group(group))


def _named(name: str) -> str:
    return "" if name == NOBODY else name


def _group(name: str) -> str:
    return EVERYBODY if name == ALL else name
