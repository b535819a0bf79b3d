"""The tables of the job queue: as models, and as the statements of the first migration."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from lianyan.core.db import Model


class Job(Model):
    """Something to do later: waiting until `run_at`, taken while that lies ahead, or given up."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_jobs_run_at_id", "run_at", "id", postgresql_where=text("failed_at is null")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str]
    key: Mapped[str | None]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    run_at: Mapped[datetime] = mapped_column(server_default=func.now())
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    rev: Mapped[int] = mapped_column(server_default=text("0"))
    """Counts takings and askings; whoever holds an older one has lost the job."""
    failed_at: Mapped[datetime | None]
    error: Mapped[str | None]


class Period(Model):
    """Something done again and again, and when it is due next."""

    __tablename__ = "periods"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Worker(Model):
    """A worker process, and when it was last seen alive."""

    __tablename__ = "workers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


def statements() -> list[str]:
    """Return the SQL that makes these tables; frozen, for the first migration runs it."""
    return [
        """
        create table jobs (
          id bigint generated always as identity,
          kind text not null,
          key text,
          payload jsonb not null,
          run_at timestamptz not null default now(),
          tries integer not null default 0,
          rev integer not null default 0,
          failed_at timestamptz,
          error text,
          constraint pk_jobs primary key (id),
          constraint uq_jobs_key unique (key)
        ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01)
        """,
        "create index ix_jobs_run_at_id on jobs (run_at, id) where failed_at is null",
        """
        create table periods (
          name text not null,
          next_at timestamptz not null default now(),
          constraint pk_periods primary key (name)
        )
        """,
        """
        create table workers (
          id uuid not null,
          started_at timestamptz not null default now(),
          seen_at timestamptz not null default now(),
          constraint pk_workers primary key (id)
        )
        """,
        "grant select, insert, update, delete on jobs, periods, workers to lianyan_app",
    ]
