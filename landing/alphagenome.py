"""AlphaGenome: one's own use, terms and key; for administrators who uses how much, and who may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from auth.identity import Identity
from landing.charts import day_bars
from landing.pages import WorkspacePages
from landing.typed import Form, text_of
from workspace_api.alphagenome import terms
from workspace_api.alphagenome.quotas import NAMES, Kind, Measure, Window
from workspace_api.errors import ConflictError, FieldError, InvalidInputError, WorkspaceError
from workspace_api.http import Services, SignedIn
from workspace_api.workspace import Workspace

MINE = "/me/alphagenome"
ALL = "/admin/alphagenome"
KINDS = {
    Kind.EACH: "each person",
    Kind.PERSON: "one person",
    Kind.GROUP: "one group",
    Kind.WORKSPACE: "everybody together",
}
QUOTA_FIELDS = ("kind", "name", "measure", "window", "amount")


class _Shown:
    """Draws the two pages."""

    def __init__(self, pages: WorkspacePages) -> None:
        self._pages = pages

    def mine(
        self,
        request: Request,
        services: Workspace,
        caller: Identity,
        error: WorkspaceError | None = None,
        *,
        kept: bool = False,
    ) -> HTMLResponse:
        usage = services.usage.mine(caller)
        return self._pages.page(
            request,
            caller,
            "alphagenome.html",
            status=error.status if error else 200,
            usage=usage,
            chart=day_bars(usage.days),
            kept=kept,
            refusal=error.detail if error and not error.errors else "",
            agreement=services.alphagenome.agreement(caller),
            terms=terms,
            measures=NAMES,
            errors={each.field: each.message for each in error.errors} if error else {},
        )

    def everybody(
        self,
        request: Request,
        services: Workspace,
        caller: Identity,
        *,
        user: str = "",
        typed: Mapping[str, str] | None = None,
        error: WorkspaceError | None = None,
    ) -> HTMLResponse:
        chosen = services.usage.of(caller, user) if user else None
        return self._pages.page(
            request,
            caller,
            "all_alphagenome.html",
            status=error.status if error else 200,
            uses=services.usage.everybody(caller),
            chosen=chosen,
            chart=day_bars(chosen.days) if chosen else None,
            quotas=services.alphagenome.quotas(caller),
            sharing=services.alphagenome.sharing(caller),
            groups=[group.name for group in services.groups.everything()],
            shared_key=services.settings.alphagenome.shared_key,
            terms=terms,
            kinds=KINDS,
            measures=NAMES,
            windows=list(Window),
            typed={field: (typed or {}).get(field, "") for field in (*QUOTA_FIELDS, "group")},
            errors={each.field: each.message for each in error.errors} if error else {},
        )


Shown = Annotated[_Shown, Depends()]
router = APIRouter(include_in_schema=False)


@router.get(MINE, response_class=HTMLResponse)
def mine(
    shown: Shown, request: Request, services: Services, caller: SignedIn, kept: bool = False
) -> HTMLResponse:
    """Show one's own use, with the terms and the key; `kept` says that the log was just written."""
    return shown.mine(request, services, caller, kept=kept)


@router.post(f"{MINE}/terms")
def accept(services: Services, caller: SignedIn, _sent: Form) -> Response:
    """Accept the terms."""
    services.alphagenome.accept_terms(caller)
    return RedirectResponse(MINE, 303)


@router.post(f"{MINE}/key", response_class=HTMLResponse)
def keep_key(shown: Shown, request: Request, services: Services, caller: SignedIn, sent: Form) -> Response:
    """Keep a key of one's own."""
    try:
        services.alphagenome.keep_key(caller, text_of(sent, "key"))
    except InvalidInputError as error:
        return shown.mine(request, services, caller, error)
    return RedirectResponse(MINE, 303)


@router.post(f"{MINE}/key/forget")
def forget_key(services: Services, caller: SignedIn, _sent: Form) -> Response:
    """Forget it."""
    services.alphagenome.forget_key(caller)
    return RedirectResponse(MINE, 303)


@router.post(f"{MINE}/log", response_class=HTMLResponse)
def keep_log(shown: Shown, request: Request, services: Services, caller: SignedIn, _sent: Form) -> Response:
    """Write the usage log into the caller's home."""
    try:
        services.usage_logs.keep(caller)
    except ConflictError as error:
        return shown.mine(request, services, caller, error)
    return RedirectResponse(f"{MINE}?kept=1#use", 303)


@router.get(ALL, response_class=HTMLResponse)
def everybody(
    shown: Shown,
    request: Request,
    services: Services,
    caller: SignedIn,
    user: Annotated[str, Query(max_length=64)] = "",
) -> HTMLResponse:
    """Show everybody's use, quotas, and who shares the key."""
    return shown.everybody(request, services, caller, user=user)


@router.post(f"{ALL}/quotas", response_class=HTMLResponse)
def set_quota(shown: Shown, request: Request, services: Services, caller: SignedIn, sent: Form) -> Response:
    """Set a quota."""
    typed = {field: text_of(sent, field).strip() for field in QUOTA_FIELDS}
    try:
        kind, measure, window, amount = _quota(typed)
        services.alphagenome.set_quota(caller, kind, typed["name"], measure, window, amount)
    except InvalidInputError as error:
        return shown.everybody(request, services, caller, typed=typed, error=error)
    return RedirectResponse(f"{ALL}#quotas", 303)


@router.post(f"{ALL}/quotas/remove")
def remove_quota(services: Services, caller: SignedIn, sent: Form) -> Response:
    """Remove a quota."""
    typed = {field: text_of(sent, field).strip() for field in QUOTA_FIELDS}
    kind, measure, window, _ = _quota({**typed, "amount": "0"})
    services.alphagenome.remove_quota(caller, kind, typed["name"], measure, window)
    return RedirectResponse(f"{ALL}#quotas", 303)


@router.post(f"{ALL}/sharing", response_class=HTMLResponse)
def confirm(shown: Shown, request: Request, services: Services, caller: SignedIn, sent: Form) -> Response:
    """Confirm that the key may be shared."""
    group, visitors = text_of(sent, "group").strip(), bool(text_of(sent, "visitors"))
    try:
        _check_confirmed(sent)
        services.alphagenome.confirm_sharing(caller, group, visitors=visitors)
    except InvalidInputError as error:
        return shown.everybody(request, services, caller, typed={"group": group}, error=error)
    return RedirectResponse(f"{ALL}#sharing", 303)


@router.post(f"{ALL}/sharing/withdraw")
def withdraw(services: Services, caller: SignedIn, sent: Form) -> Response:
    """Take it back."""
    services.alphagenome.withdraw_sharing(caller, text_of(sent, "group"))
    return RedirectResponse(f"{ALL}#sharing", 303)


def _quota(typed: Mapping[str, str]) -> tuple[Kind, Measure, Window, int]:
    """Read what was typed; raises InvalidInputError naming each field that cannot be read."""
    errors = []
    for field, known in (("kind", Kind), ("measure", Measure), ("window", Window)):
        if typed[field] not in list(known):
            errors.append(FieldError(field, f"{typed[field]!r} is none of {', '.join(known)}. Choose one."))
    digits = typed["amount"].replace(",", "").replace(" ", "")
    if not (digits.isdecimal() and len(digits) <= 15):
        errors.append(FieldError("amount", f"{typed['amount']!r} is no whole number, such as 1,000."))
    if errors:
        raise InvalidInputError("The quota was not set.", errors)
    return Kind(typed["kind"]), Measure(typed["measure"]), Window(typed["window"]), int(digits)


def _check_confirmed(sent: Form) -> None:
    """Raise InvalidInputError unless each point of sharing was ticked."""
    if any(not text_of(sent, f"point{at}") for at in range(len(terms.SHARING_POINTS))):
        words = "Tick every point, if it is so. Where it is not, let people put in keys of their own."
        raise InvalidInputError("Nothing was confirmed.", [FieldError("point0", words)])
