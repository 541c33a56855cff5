"""What is asked and answered about the gateway over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from workspace_api.alphagenome import terms
from workspace_api.alphagenome.quotas import Measure, Quota, Standing, Window
from workspace_api.alphagenome.views import AccountUse, Agreement, Usage


class View(BaseModel):
    """Base of responses."""

    model_config = ConfigDict(from_attributes=True)


class StandingSchema(View):
    """How the caller stands with one quota: `kind` person, group or workspace."""

    kind: str
    name: str
    measure: Measure
    window: Window
    used: int
    amount: int
    remaining: int
    near: bool = Field(description="Whether 80 % of it are used.")
    resets_at: dt.datetime

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """Answer with a standing."""
        return cls(
            kind=standing.account.kind,
            name=standing.account.name,
            measure=standing.measure,
            window=standing.window,
            used=standing.used,
            amount=standing.amount,
            remaining=standing.remaining,
            near=standing.near,
            resets_at=standing.resets_at,
        )


class DaySchema(View):
    """What was used on a day (UTC); `cached` answers were kept or shared, and count for no quota."""

    day: dt.date
    calls: int
    cached: int
    bases: int
    upstream: int


class UsageSchema(View):
    """Somebody's use of the gateway; `warnings` name the quotas of which 80 % are used, in words."""

    user: str
    today: DaySchema
    days: list[DaySchema]
    quotas: list[StandingSchema]
    warnings: list[str]

    @classmethod
    def of(cls, usage: Usage) -> Self:
        """Answer with somebody's use."""
        return cls(
            user=usage.user,
            today=DaySchema.model_validate(usage.today),
            days=[DaySchema.model_validate(day) for day in usage.days],
            quotas=[StandingSchema.of(each) for each in usage.standing],
            warnings=[each.words for each in usage.near],
        )


class AccountUseSchema(View):
    """What a person, a group or the workspace used today and in the last 30 days."""

    kind: str
    name: str
    today: DaySchema
    month: DaySchema

    @classmethod
    def of(cls, use: AccountUse) -> Self:
        """Answer with an account's use."""
        return cls.model_validate(use)


class QuotaSchema(View):
    """At most `amount` of `measure` in a `window`."""

    kind: str
    name: str
    measure: Measure
    window: Window
    amount: int

    @classmethod
    def of(cls, quota: Quota) -> Self:
        """Answer with a quota."""
        return cls.model_validate(quota)


class AmountSchema(BaseModel):
    """How much a quota allows."""

    model_config = ConfigDict(extra="forbid")

    amount: int = Field(description="Calls, bases or calls of the service; 0 allows none.")


class TermsSchema(View):
    """AlphaGenome's terms in their points, and how the caller stands with them."""

    version: str
    address: str
    points: list[str]
    accepted_at: dt.datetime | None
    asks_with: str = Field(description="`offline`, `own`, `shared` or `nothing`: the key that is used.")
    hindrance: str = Field(description="Why you cannot ask, in words; empty where you can.")
    key_ending: str | None = Field(description="The end of your own key, if you keep one here.")
    key_kept_at: dt.datetime | None

    @classmethod
    def of(cls, agreement: Agreement) -> Self:
        """Answer with the terms."""
        return cls(address=terms.ADDRESS, points=list(terms.POINTS), **vars(agreement))


class AcceptSchema(BaseModel):
    """That the caller accepts the terms, in the version that was shown."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(max_length=20, description="The `version` that you read.")


class KeySchema(BaseModel):
    """A key of one's own."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(max_length=1000, repr=False)


class SharingSchema(View):
    """That a group's people (`everybody`: all of them) may share the workspace's key and the answers."""

    group: str
    visitors: bool
    confirmed_by: str
    confirmed_at: dt.datetime


class ConfirmSchema(BaseModel):
    """What goes with a confirmation."""

    model_config = ConfigDict(extra="forbid")

    visitors: bool = Field(
        False, description="Whether people without an account may too; for everybody only."
    )


class KeptSchema(BaseModel):
    """Where a file was written, as its owner writes the path."""

    path: str
