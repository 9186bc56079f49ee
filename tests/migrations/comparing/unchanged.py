"""What has been taken for a change of the models, and is none."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from tests.migrations.comparing.case import (
    BOTH,
    POSTGRESQL,
    Case,
    Models,
    Nothing,
)
from tests.migrations.comparing.tables import (
    NO_PARTITIONS,
    PARTITION,
    C,
    check,
    indexed,
    keyed,
    logs,
    partitioned,
)


def defaults(*, on: str) -> Models:
    """A column for each kind of default that has often been taken for a changed one."""
    both = {
        "yes": C("yes", sa.Boolean, server_default=sa.true()),
        "no": C("no", sa.Boolean, server_default="0" if on == "sqlite" else "false"),
        "n": C("n", sa.Integer, server_default="7"),
        "m": C("m", sa.Integer, server_default=sa.text("-7")),
        "big": C("big", sa.BigInteger, server_default="0"),
        "rate": C("rate", sa.Numeric(10, 2), server_default="1.50"),
        "ratio": C("ratio", sa.Float, server_default=sa.text("0.5")),
        "word": C("word", sa.String(20), server_default="it's 5% (or so)"),
        "empty": C("empty", sa.Text, server_default=""),
        "at": C("at", sa.DateTime, server_default=sa.func.now()),
        "day": C("day", sa.Date, server_default=sa.text("CURRENT_DATE")),
        "given": C("given", sa.Text, server_default=sa.text("('a' || 'b')")),
    }
    own = {
        "uid": C("uid", sa.Uuid, server_default=sa.text("gen_random_uuid()")),
        "tick": C("tick", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()")),
        "j": C("j", sa.JSON, server_default=sa.text("'{}'::json")),
        "jb": C("jb", pg.JSONB, server_default="{}"),
        "many": C("many", pg.ARRAY(sa.Text), server_default="{}"),
        "span": C("span", sa.Interval, server_default=sa.text("'1 day'::interval")),
        "sum": C("sum", sa.Integer, server_default=sa.text("(1 + 2)")),
    }
    return logs(*both.values(), *(own.values() if on == "postgresql" else ()))


UNCHANGED = [
    Case(
        f"default {on}", f"keeps every default on {on}", defaults(on=on), defaults(on=on),
        Nothing(), on=(on,), why="some are of one database",
    )
    for on in BOTH
] + [
    Case(
        "default spelled", "writes the value of a default in another way",
        logs(
            C("n", sa.BigInteger, server_default=sa.text("0")),
            C("rate", sa.Numeric(10, 2), server_default=sa.text("1.5")),
            C("yes", sa.Boolean, server_default=sa.text("true")),
            C("word", sa.String(9), server_default=sa.text("'a'")),
        ),
        logs(
            C("n", sa.BigInteger, server_default="0"),
            C("rate", sa.Numeric(10, 2), server_default="1.50"),
            C("yes", sa.Boolean, server_default=sa.true()),
            C("word", sa.String(9), server_default="a"),
        ),
        Nothing(),
    ),
    Case(
        "check spelled", "spells a CHECK in another way",
        logs(C("n", sa.Integer), check("n > 0 AND n < 100")),
        logs(C("n", sa.Integer), check("(n>0   and  n<100)")),
        Nothing(),
    ),
    Case(
        "check unnamed", "keeps a CHECK without a name",
        logs(C("n", sa.Integer), check("n > 0", None)),
        logs(C("n", sa.Integer), check("n > 0", None)),
        Nothing(), names={},
    ),
    Case(
        "check by hand", "leaves a CHECK alone that the history has not made", logs(), logs(),
        Nothing(), by_hand=["ALTER TABLE logs ADD CONSTRAINT theirs CHECK (id > 0)"],
        on=POSTGRESQL, why="SQLite adds none to a table",
    ),
    Case(
        "partition by hand", "leaves alone what stands on a partition",
        partitioned(), partitioned(), Nothing(),
        by_hand=[
            PARTITION, "ALTER TABLE logs_2026_01 ADD CONSTRAINT theirs CHECK (id > 0)",
            "CREATE INDEX theirs_too ON logs_2026_01 (id) WHERE id > 5",
            "ALTER TABLE logs_2026_01 ALTER COLUMN id SET DEFAULT 3",
        ],
        on=POSTGRESQL, why=NO_PARTITIONS,
    ),
    Case(
        "expression", "keeps an index on an expression",
        indexed(sa.text("lower(v)"), sa.text("n"), unique=True),
        indexed(sa.text("lower(v)"), sa.text("n"), unique=True),
        Nothing(),
    ),
    Case(
        "computed kept", "keeps a computed column",
        logs(C("v", sa.Text), C("d", sa.Text, sa.Computed("v || 'x'", persisted=True))),
        logs(C("v", sa.Text), C("d", sa.Text, sa.Computed("v||'x'", persisted=True))),
        Nothing(),
    ),
    Case(
        "identity kept", "keeps an identity",
        keyed(sa.BigInteger, sa.Identity(always=True, start=7)),
        keyed(sa.BigInteger, sa.Identity(always=True, start=7)),
        Nothing(),
    ),
    Case(
        "enum kept", "keeps an enum in a list",
        logs(C("v", pg.ARRAY(sa.Enum("a", "b", name="st")))),
        logs(C("v", pg.ARRAY(sa.Enum("a", "b", name="st")))),
        Nothing(), on=POSTGRESQL, why="SQLite has no lists",
    ),
]  # fmt: skip
