"""Use of the AlphaGenome gateway, what it may be, and who has agreed to what."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from workspace_api.database import Base


class AlphaGenomeCall(Base):
    """One call of the gateway, written when the model is about to be asked, and again at its end.

    `answered` is `asked` until then, afterwards `model`, `cache`, `shared` (with a call that was under way),
    `refused`, `given up` or `failed`. `subject` tells place and variant, or stands for them as a hash; no
    sequence, token or key is kept. `key` is that of the answer in the cache.
    """

    __tablename__ = "alphagenome_calls"
    __table_args__ = (Index("alphagenome_calls_user", "user", "at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    user: Mapped[str] = mapped_column(String(64))
    token_id: Mapped[str] = mapped_column(String(20))
    run_id: Mapped[str | None] = mapped_column(String(24))
    backend: Mapped[str] = mapped_column(String(20))
    method: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200))
    outputs: Mapped[str] = mapped_column(String(200))
    scorers: Mapped[int] = mapped_column(default=0)
    answered: Mapped[str] = mapped_column(String(12))
    status: Mapped[str] = mapped_column(String(24), default="")
    bases: Mapped[int] = mapped_column(BigInteger, default=0)
    upstream: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    milliseconds: Mapped[int] = mapped_column(default=0)
    key: Mapped[str] = mapped_column(String(64))


class AlphaGenomeCounter(Base):
    """What one account (`kind` person, group or workspace) used in the `period` that began at `starts_at`."""

    __tablename__ = "alphagenome_counters"

    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    period: Mapped[str] = mapped_column(String(8), primary_key=True)
    starts_at: Mapped[dt.datetime] = mapped_column(primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger, default=0)
    bases: Mapped[int] = mapped_column(BigInteger, default=0)
    upstream: Mapped[int] = mapped_column(BigInteger, default=0)
    cached: Mapped[int] = mapped_column(BigInteger, default=0)


class AlphaGenomeQuota(Base):
    """At most `amount` of `measure` in a `period`, set by an administrator."""

    __tablename__ = "alphagenome_quotas"

    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    measure: Mapped[str] = mapped_column(String(12), primary_key=True)
    period: Mapped[str] = mapped_column(String(8), primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)


class AlphaGenomeTerms(Base):
    """That somebody accepted AlphaGenome's terms, and in which version of our words."""

    __tablename__ = "alphagenome_terms"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[str] = mapped_column(String(20))
    accepted_at: Mapped[dt.datetime]


class AlphaGenomeKey(Base):
    """Somebody's own key, sealed; `ending` is all of it that is ever shown."""

    __tablename__ = "alphagenome_keys"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[str] = mapped_column(Text)
    ending: Mapped[str] = mapped_column(String(4))
    kept_at: Mapped[dt.datetime]


class AlphaGenomeSharing(Base):
    """That an administrator confirmed that a group (empty: everybody) may share the key and the answers."""

    __tablename__ = "alphagenome_sharing"

    group: Mapped[str] = mapped_column(String(32), primary_key=True)
    visitors: Mapped[bool] = mapped_column(default=False)
    confirmed_by: Mapped[str] = mapped_column(String(64))
    confirmed_at: Mapped[dt.datetime]
    version: Mapped[str] = mapped_column(String(20))
