"""The ledger's tables. Times are seconds since 1970, so that both databases keep them alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# What a job counts against a budget is read from these.
COUNTED = ("unit", "state", "refunded", "quota", "expected_cost")


def _where(condition: str) -> dict[str, Any]:
    """An index of only the rows that are like this."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class Words(TypeDecorator[str]):
    """Text that others wrote, of any length. What PostgreSQL cannot hold (U+0000, half a surrogate pair) is mended."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else value.replace("\x00", "").encode("utf-8", "replace").decode()


class Base(DeclarativeBase):
    pass


class JobRow(Base):
    """One paid job, or one attempt to buy it."""

    __tablename__ = "genmedia_job"
    __table_args__ = (
        UniqueConstraint("key", "attempt", name="uq_genmedia_job_key"),
        Index("ix_genmedia_job_same", "request_hash", "account"),
        Index("ix_genmedia_job_created", "created_at"),
        Index("ix_genmedia_job_state", "state", "created_at"),
        Index("ix_genmedia_job_provider_job", "job_id"),
        Index("ix_genmedia_job_owner", "owner"),
        Index("ix_genmedia_job_queue", "account", "queue", "sent_at", **_where("state IN ('INTENT', 'SUBMITTED')")),
        # Budgets are summed from these alone. None holds updated_at or the lease: PostgreSQL writes those cheaply.
        Index("ix_genmedia_job_run", "run", *COUNTED, "id"),
        Index("ix_genmedia_job_sent", "unit", "sent_at", *COUNTED[1:], "id"),
        Index("ix_genmedia_job_unsent", "unit", "submitted_at", "state", **_where("sent_at IS NULL")),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    attempt: Mapped[int] = mapped_column(Integer, default=1)
    request_hash: Mapped[str] = mapped_column(String(64))
    scope: Mapped[str] = mapped_column(Words)
    copy: Mapped[int] = mapped_column(Integer, default=0)

    operation: Mapped[str] = mapped_column(Words)
    base_url: Mapped[str] = mapped_column(Words)
    account: Mapped[str] = mapped_column(String(16))
    queue: Mapped[str | None] = mapped_column(Words)  # which of the account's queues it stands in
    title: Mapped[str] = mapped_column(Words, default="")
    request: Mapped[dict[str, Any]] = mapped_column(JSON)

    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Words, default="")
    job_id: Mapped[str | None] = mapped_column(Words)
    provider_state: Mapped[str | None] = mapped_column(Words)
    percent: Mapped[float | None] = mapped_column(Float)
    eta_seconds: Mapped[float | None] = mapped_column(Float)
    expected_cost: Mapped[float | None] = mapped_column(Float)
    unit: Mapped[str] = mapped_column(String(16), default="quota")
    labelled: Mapped[bool] = mapped_column(default=False)  # did our callback address go out with the submit?
    quota: Mapped[float | None] = mapped_column(Float)
    refunded: Mapped[bool | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    hint: Mapped[str | None] = mapped_column(Words)  # the job id that a callback named
    hint_at: Mapped[float | None] = mapped_column(Float)

    owner: Mapped[str | None] = mapped_column(String(64))  # the call that works on it now
    process: Mapped[str] = mapped_column(Words)  # the process of the last owner
    lease_until: Mapped[float] = mapped_column(Float, default=0)
    run: Mapped[str] = mapped_column(Words)  # the run that asked: flow:<id> or script:<process>
    task_run: Mapped[str | None] = mapped_column(String(64))
    successor: Mapped[str | None] = mapped_column(String(32))  # the attempt that was bought instead
    delivered_at: Mapped[float | None] = mapped_column(Float)
    remarks: Mapped[list[str] | None] = mapped_column(JSON)  # what is odd about the answer, and held nothing back
    whole: Mapped[bool] = mapped_column(default=False)  # have all its files been stored once?

    sends: Mapped[int] = mapped_column(Integer, default=0)  # how often a POST was meant: tells one from the next
    sent_at: Mapped[float | None] = mapped_column(Float)  # when the last one was meant: it was not accepted earlier
    arrives_until: Mapped[float | None] = mapped_column(Float)  # by the lease's clock: a POST may arrive until then
    lost_at: Mapped[float | None] = mapped_column(Float)  # a POST without an answer was accepted by then, or never
    missing_since: Mapped[float | None] = mapped_column(Float)  # since when the provider does not know it
    missing_looks: Mapped[int] = mapped_column(Integer, default=0)

    created_at: Mapped[float] = mapped_column(Float)
    updated_at: Mapped[float] = mapped_column(Float)
    submitted_at: Mapped[float | None] = mapped_column(Float)
    finished_at: Mapped[float | None] = mapped_column(Float)


class MediaRow(Base):
    """One verified file of a job, in the order of the provider's answer."""

    __tablename__ = "genmedia_media"
    __table_args__ = (Index("ix_genmedia_media_sha256", "sha256"),)

    job: Mapped[str] = mapped_column(ForeignKey("genmedia_job.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    role: Mapped[str] = mapped_column(Words)
    uri: Mapped[str] = mapped_column(Words)
    sha256: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(Words)
    bytes: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int | None]
    height: Mapped[int | None]
    remarks: Mapped[list[str] | None] = mapped_column(JSON)


class TagRow(Base):
    """A tag of the run that bought a job, for budgets.

    What is COUNTED of the job stands here as well, so that a tag is summed without looking up each job. The database
    copies it, in the transaction that changes the job: the triggers are in migration 0004, and nobody else writes it.
    """

    __tablename__ = "genmedia_tag"
    __table_args__ = (Index("ix_genmedia_tag_tag", "tag", *COUNTED, "job"),)

    job: Mapped[str] = mapped_column(ForeignKey("genmedia_job.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(Words, primary_key=True)
    unit: Mapped[str | None] = mapped_column(String(16))
    state: Mapped[str | None] = mapped_column(String(16))
    refunded: Mapped[bool | None]
    quota: Mapped[float | None] = mapped_column(Float)
    expected_cost: Mapped[float | None] = mapped_column(Float)


class EventRow(Base):
    """What happened to a job, in order."""

    __tablename__ = "genmedia_event"
    __table_args__ = (Index("ix_genmedia_event_job", "job"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    job: Mapped[str] = mapped_column(ForeignKey("genmedia_job.id"))
    at: Mapped[float] = mapped_column(Float)
    state: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Words, default="")


class FactRow(Base):
    """Small facts of this ledger, such as the secret that signs callback tokens."""

    __tablename__ = "genmedia_fact"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class DecisionRow(Base):
    """What somebody is asked about one file of a run, and what they said; or stars that somebody gave a file."""

    __tablename__ = "genmedia_decision"
    __table_args__ = (
        UniqueConstraint("run", "position", name="uq_genmedia_decision_run"),
        Index("ix_genmedia_decision_sha256", "sha256", "decided_at"),
        Index("ix_genmedia_decision_source", "source", "decided_at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    run: Mapped[str] = mapped_column(Words)  # the run that asked
    position: Mapped[int | None]  # the file's place in that run
    picture: Mapped[int | None]  # what it was shown as: the sizes of one picture are decided together
    sha256: Mapped[str] = mapped_column(String(64))
    source: Mapped[str | None] = mapped_column(String(64))  # the picture that it is a size of: decided as well
    file: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # as it was when it was shown
    decision: Mapped[str | None] = mapped_column(String(16))
    rating: Mapped[int | None]
    who: Mapped[str] = mapped_column(Words, default="")
    why: Mapped[str] = mapped_column(Words, default="")
    asked_at: Mapped[float] = mapped_column(Float)
    decided_at: Mapped[float | None] = mapped_column(Float)
