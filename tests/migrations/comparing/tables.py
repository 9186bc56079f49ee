"""Tables of logs that cases are made of; each is made anew for every database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from tests.migrations.comparing.case import Models

ROW = "INSERT INTO logs (id) VALUES (1)"
PARTITION = (
    "CREATE TABLE logs_2026_01 PARTITION OF logs FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')"
)
NO_TYPES = "SQLite has no such types"
NO_PARTITIONS = "SQLite has no partitions"
ALL = "SELECT id, v FROM logs ORDER BY id"


def C(name: str, *given: Any, **told: Any) -> Callable[[], sa.Column[Any]]:  # noqa: N802
    """A column that can be made again for each table."""
    # What belongs to one column is copied; a type is not, and an enum's is made anew by `status`.
    return lambda: sa.Column(
        name, *[one._copy() if isinstance(one, sa.schema.SchemaItem) else one for one in given],
        **told,
    )  # fmt: skip


def logs(*items: Callable[[], Any], **told: Any) -> Models:
    """A table of logs with an id and these."""

    def models(metadata: sa.MetaData) -> None:
        key = sa.Column("id", sa.Integer, primary_key=True)
        sa.Table("logs", metadata, key, *[one() for one in items], **told)

    return models


def all_of(*several: Models) -> Models:
    """Several tables."""

    def models(metadata: sa.MetaData) -> None:
        for one in several:
            one(metadata)

    return models


def agents(metadata: sa.MetaData) -> None:
    sa.Table("agents", metadata, sa.Column("id", sa.Integer, primary_key=True))


def named(name: str) -> Models:
    def models(metadata: sa.MetaData) -> None:
        key = sa.Column("id", sa.Integer, primary_key=True)
        sa.Table(name, metadata, key, sa.Column("msg", sa.Text))

    return models


def keyed(*type_: Any) -> Models:
    def models(metadata: sa.MetaData) -> None:
        key = sa.Column("id", *type_, primary_key=True)
        sa.Table("logs", metadata, key, sa.Column("v", sa.Text))

    return models


def indexed(*on: Any, **told: Any) -> Models:
    def models(metadata: sa.MetaData) -> None:
        table = sa.Table(
            "logs",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("v", sa.Text),
            sa.Column("n", sa.Integer),
        )
        sa.Index("ix_p", *(on or (table.c.v,)), _table=table, **told)

    return models


def partitioned(*items: Callable[[], Any]) -> Models:
    def models(metadata: sa.MetaData) -> None:
        sa.Table(
            "logs",
            metadata,
            sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("ts", sa.DateTime(timezone=True), primary_key=True),
            *[one() for one in items],
            postgresql_partition_by="RANGE (ts)",
        )

    return models


def status(*values: str, **told: Any) -> Callable[[], sa.Column[Any]]:
    return lambda: sa.Column("st", sa.Enum(*values, name="st", **told))


def check(condition: str, name: str | None = "pos") -> Callable[[], Any]:
    return lambda: sa.CheckConstraint(condition, name=name)


def where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}
