"""Changes of the models beside the 43: what else is seen and written, or told."""

from __future__ import annotations

import sqlalchemy as sa

from tests.migrations.comparing.case import (
    POSTGRESQL,
    Case,
    Told,
    Written,
)
from tests.migrations.comparing.tables import (
    ROW,
    C,
    check,
    indexed,
    keyed,
    logs,
    status,
    where,
)

TOLD = [
    Case(
        "enum lost", "no longer names a value of an enum",
        logs(status("a", "b", "c")), logs(status("a", "c")),
        Told(["Enum st has in the database", "no longer name: b", "RENAME VALUE 'b'"]),
    ),
    Case(
        "enum order", "names the values of an enum in another order",
        logs(status("a", "b", "c")), logs(status("b", "a", "c")),
        Told(["enum st stand in another order in the models (b, a, c)"]),
    ),
    Case(
        "check nameless", "adds a CHECK without a name",
        logs(C("n", sa.Integer)), logs(C("n", sa.Integer), check("n > 0", None)),
        Told(["CHECK (n > 0) of logs is in the models alone and has no name"]), names={},
    ),
    Case(
        "computed plain", "makes a computed column a plain one",
        logs(C("n", sa.Integer), C("d", sa.Integer, sa.Computed("n*2", persisted=True))),
        logs(C("n", sa.Integer), C("d", sa.Integer)),
        Told(["logs.d is computed in the database and a plain column in the models"]),
    ),
    Case(
        "plain computed", "computes a column that holds values",
        logs(C("n", sa.Integer), C("d", sa.Integer)),
        logs(C("n", sa.Integer), C("d", sa.Integer, sa.Computed("n*2", persisted=True))),
        Told(["logs.d holds values of its own", "-x allow-drop=logs.d"]),
    ),
    Case(
        "identity gone", "makes an identity a serial",
        keyed(sa.Integer, sa.Identity()), keyed(sa.Integer),
        Told(["logs.id is an identity in the database", "sa.Identity() in the model"]),
        on=POSTGRESQL, why="SQLite has no identities",
    ),
    Case(
        "identity changed", "changes how an identity counts",
        keyed(sa.Integer, sa.Identity()), keyed(sa.Integer, sa.Identity(always=True)),
        Told(["logs.id is an identity that counts in another way in the models (always)"]),
        on=POSTGRESQL, why="SQLite has no identities",
    ),
    Case(
        "unchecked", "tells of a CHECK that was never checked",
        logs(C("n", sa.Integer), check("n > 0")), logs(C("n", sa.Integer), check("n > 0")),
        Told(["NOT VALID", "constraint ck_logs_pos of logs", "`flask db drift`"]),
        by_hand=[
            "ALTER TABLE logs DROP CONSTRAINT ck_logs_pos", "INSERT INTO logs VALUES (1, -1)",
            "ALTER TABLE logs ADD CONSTRAINT ck_logs_pos CHECK (n > 0) NOT VALID",
        ],
        on=POSTGRESQL, why="SQLite has no NOT VALID",
    ),
    Case(
        "not made", "has what the database cannot make",
        logs(C("v", sa.Text)), logs(C("v", sa.Text), check("nobody_knows(v)")),
        Told(["cannot tell how it would make logs of the models", "nobody_knows"]),
    ),
]  # fmt: skip
"""What is seen and cannot be written."""

SEEN = [
    Case(
        "default gone", "drops a server default",
        logs(C("lvl", sa.Text, server_default="info")), logs(C("lvl", sa.Text)),
        Written(
            "SELECT id, lvl FROM logs ORDER BY id", ((1, "info"), (2, None)),
            inserts="INSERT INTO logs (id) VALUES (2)",
        ),
        [ROW],
    ),
    Case(
        "check gone", "drops a CHECK",
        logs(C("n", sa.Integer), check("n > 0")), logs(C("n", sa.Integer)),
        Written(
            "SELECT id, n FROM logs ORDER BY id", ((1, 5), (2, 0)),
            inserts="INSERT INTO logs VALUES (2, 0)",
        ),
        ["INSERT INTO logs VALUES (1, 5)"],
    ),
    Case(
        "check with text", "changes a CHECK whose text PostgreSQL words in its own way",
        logs(C("v", sa.String(20)), check("v <> '' AND v NOT LIKE '100%'")),
        logs(C("v", sa.String(20)), check("v <> '' AND v NOT LIKE '200%'")),
        Written(
            "SELECT id, v FROM logs", ((1, "a"),),
            refuses="INSERT INTO logs VALUES (9, '200 or so')",
        ),
        ["INSERT INTO logs VALUES (1, 'a')"],
    ),
    Case(
        "check and column", "adds a column and a CHECK on it",
        logs(), logs(C("n", sa.Integer), check("n > 0")),
        Written(
            "SELECT id, n FROM logs", ((1, None),), refuses="INSERT INTO logs VALUES (9, 0)"
        ),
        [ROW],
    ),
    Case(
        "check of a longer column", "lengthens a column that has a CHECK and an index",
        logs(
            C("v", sa.String(20)), check("v <> ''"),
            lambda: sa.Index("ix", "v", **where("v <> 'x'")),
        ),
        logs(
            C("v", sa.Text), check("v <> ''"), lambda: sa.Index("ix", "v", **where("v <> 'x'")),
        ),
        Written("SELECT id, v FROM logs", ((1, "a"),), lacks="ck_logs_pos"),
        ["INSERT INTO logs VALUES (1, 'a')"],
    ),
    Case(
        "renamed", "renames a column that has a CHECK and an index",
        logs(C("n", sa.Integer), check("n > 0"), lambda: sa.Index("ix", "n", **where("n > 5"))),
        logs(C("m", sa.Integer), check("m > 0"), lambda: sa.Index("ix", "m", **where("m > 5"))),
        Written(
            "SELECT id, m FROM logs", ((1, 5),), "SELECT id, n FROM logs", ((1, 5),),
            refuses="INSERT INTO logs VALUES (9, 0)", lacks="ck_logs_pos",
        ),
        ["INSERT INTO logs VALUES (1, 5)"], x=["rename=logs.n:m"],
    ),
    Case(
        "enum inside", "adds values to an enum where they belong",
        logs(status("b", "d")), logs(status("a", "b", "c", "d", "longer")),
        Written(
            "SELECT id, st FROM logs ORDER BY st, id", ((1, "b"), (2, "longer")),
            inserts="INSERT INTO logs VALUES (2, 'longer')",
            lacks="alter_column",
            # A column of SQLite's stays as long as it has become.
            stays=["enum st", "column logs.st"],
        ),
        ["INSERT INTO logs VALUES (1, 'b')"],
    ),
    Case(
        "enum with check", "adds a value to an enum that SQLite checks",
        logs(status("a", "b", create_constraint=True)),
        logs(status("a", "b", "cc", create_constraint=True)),
        Written(
            "SELECT id, st FROM logs ORDER BY id", ((1, "a"), (2, "cc")),
            inserts="INSERT INTO logs VALUES (2, 'cc')", stays=["enum st"],
            refuses="INSERT INTO logs VALUES (9, 'x')",
        ),
        ["INSERT INTO logs VALUES (1, 'a')"],
    ),
    Case(
        "enum and default", "adds a value to an enum and makes it the default",
        logs(status("a", "b")),
        logs(lambda: sa.Column("st", sa.Enum("a", "b", "c", name="st"), server_default="c")),
        Written(
            "SELECT id, st FROM logs ORDER BY id", ((1, "a"), (2, "c")),
            inserts="INSERT INTO logs (id) VALUES (2)", stays=["enum st"],
        ),
        ["INSERT INTO logs VALUES (1, 'a')"],
    ),
    Case(
        "expression", "changes the expression of an index",
        indexed(sa.text("lower(v)")), indexed(sa.text("upper(v)")),
        Written("SELECT id, v, n FROM logs", ((1, "a", 5),)),
        ["INSERT INTO logs VALUES (1, 'a', 5)"],
    ),
    Case(
        "expression gone", "drops an index on an expression",
        indexed(sa.text("lower(v)")),
        logs(C("v", sa.Text), C("n", sa.Integer)),
        Written("SELECT id, v, n FROM logs", ((1, "a", 5),)),
        ["INSERT INTO logs VALUES (1, 'a', 5)"],
    ),
    Case(
        "order", "changes the order of an index",
        indexed(sa.text("n")), indexed(sa.text("n DESC")),
        Written("SELECT id, v, n FROM logs", ((1, "a", 5),)),
        ["INSERT INTO logs VALUES (1, 'a', 5)"],
    ),
    Case(
        "opclass", "changes the operator class of an index",
        indexed(), indexed(postgresql_ops={"v": "text_pattern_ops"}),
        Written("SELECT id, v, n FROM logs", ((1, "a", 5),)),
        ["INSERT INTO logs VALUES (1, 'a', 5)"], on=POSTGRESQL, why="SQLite has none",
    ),
    Case(
        "computed indexed", "computes an indexed column in another way",
        logs(
            C("n", sa.Integer), C("d", sa.Integer, sa.Computed("n*2", persisted=True), index=True)
        ),
        logs(
            C("n", sa.Integer), C("d", sa.Integer, sa.Computed("n*3", persisted=True), index=True)
        ),
        Written(
            "SELECT id, n, d FROM logs", ((1, 5, 15),), "SELECT id, n, d FROM logs", ((1, 5, 10),)
        ),
        ["INSERT INTO logs (id, n) VALUES (1, 5)"],
    ),
    Case(
        "unique", "lets a unique constraint take NULL for a value",
        logs(C("k", sa.Text), lambda: sa.UniqueConstraint("k", name="uq_logs_k")),
        logs(
            C("k", sa.Text),
            lambda: sa.UniqueConstraint(
                "k", name="uq_logs_k", postgresql_nulls_not_distinct=True
            ),
        ),
        Written("SELECT id, k FROM logs", ((1, None),), refuses="INSERT INTO logs (id) VALUES (9)"),
        [ROW], on=POSTGRESQL, why="SQLite has one kind",
    ),
]  # fmt: skip
"""What Alembic's own autogenerate sees wrongly or not at all, beyond the 43."""
