"""The 43 changes on which Alembic's autogenerate was measured, by their numbers."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from agentlogger.migrate import causes
from tests.migrations.comparing.case import (
    POSTGRESQL,
    Case,
    Nothing,
    Refused,
    Told,
    Written,
)
from tests.migrations.comparing.tables import (
    ALL,
    NO_PARTITIONS,
    NO_TYPES,
    PARTITION,
    ROW,
    C,
    agents,
    all_of,
    check,
    indexed,
    keyed,
    logs,
    named,
    partitioned,
    status,
    where,
)

MEASURED = [
    Case(
        "01", "adds an index",
        logs(C("msg", sa.Text)), logs(C("msg", sa.Text, index=True)),
        Written("SELECT id, msg FROM logs", ((1, "a"),)),
        ["INSERT INTO logs VALUES (1, 'a')"],
    ),
    Case(
        "02", "renames a column",
        logs(C("msg", sa.Text)), logs(C("message", sa.Text)),
        Refused(
            causes.WouldDrop, ["-x rename=logs.msg:message"], ["rename=logs.msg:message"],
            Written(
                "SELECT message FROM logs", (("precious",),), "SELECT msg FROM logs",
                (("precious",),),
            ),
        ),
        ["INSERT INTO logs (id, msg) VALUES (1, 'precious')"],
    ),
    Case(
        "03", "renames a table", named("logs"), named("events"),
        Refused(
            causes.WouldDrop, ["-x rename=logs:events"], ["rename=logs:events"],
            Written(
                "SELECT msg FROM events", (("precious",),), "SELECT msg FROM logs",
                (("precious",),),
            ),
        ),
        ["INSERT INTO logs (id, msg) VALUES (1, 'precious')"],
    ),
    Case(
        "04a", "adds a server default",
        logs(C("lvl", sa.Text)), logs(C("lvl", sa.Text, server_default="info")),
        Written(
            "SELECT id, lvl FROM logs ORDER BY id", ((1, None), (2, "info")),
            inserts="INSERT INTO logs (id) VALUES (2)",
        ),
        [ROW],
    ),
    Case(
        "04b", "changes a server default",
        logs(C("lvl", sa.Text, server_default="debug")),
        logs(C("lvl", sa.Text, server_default="info")),
        Written(
            "SELECT id, lvl FROM logs ORDER BY id", ((1, "debug"), (2, "info")),
            inserts="INSERT INTO logs (id) VALUES (2)",
        ),
        [ROW],
    ),
    Case(
        "04c", "keeps the server default now()",
        logs(C("ts", sa.DateTime(timezone=True), server_default=sa.func.now())),
        logs(C("ts", sa.DateTime(timezone=True), server_default=sa.func.now())),
        Nothing(), [ROW],
    ),
    Case(
        "04d", "keeps the server default of a JSONB column",
        logs(C("d", pg.JSONB, server_default=sa.text("'{}'::jsonb"))),
        logs(C("d", pg.JSONB, server_default=sa.text("'{}'::jsonb"))),
        Nothing(), [ROW], on=POSTGRESQL, why=NO_TYPES,
    ),
    Case(
        "05a", "adds a NOT NULL column with a default of the program",
        logs(), logs(C("lvl", sa.Text, nullable=False, default="info")),
        Written(
            "SELECT id, lvl FROM logs", ((1, "info"),), refuses="INSERT INTO logs (id) VALUES (9)"
        ),
        [ROW],
    ),
    Case(
        "05b", "adds a NOT NULL column with another default for each row",
        logs(),
        logs(C("uid", sa.Uuid, nullable=False, server_default=sa.func.gen_random_uuid())),
        Written(
            "SELECT id, uid IS NULL FROM logs ORDER BY id", ((1, False), (2, False)),
            inserts="INSERT INTO logs (id) VALUES (2)",
        ),
        [ROW], on=POSTGRESQL, why="SQLite has no gen_random_uuid()",
    ),
    Case(
        "06a", "adds a value to an enum",
        logs(status("a", "b")), logs(status("a", "b", "c")),
        Written(
            "SELECT id, st FROM logs ORDER BY id", ((1, "a"), (2, "c")),
            inserts="INSERT INTO logs VALUES (2, 'c')", stays=["enum st"],
        ),
        ["INSERT INTO logs VALUES (1, 'a')"],
    ),
    Case(
        "06b", "adds a column of a new enum", logs(), logs(status("a", "b")),
        Written(
            "SELECT id, st FROM logs ORDER BY id", ((1, None), (2, "b")),
            inserts="INSERT INTO logs VALUES (2, 'b')",
        ),
        [ROW],
    ),
    Case(
        "06c", "drops the only column of an enum", logs(status("a", "b")), logs(),
        Refused(
            causes.WouldDrop, ["-x allow-drop=logs.st"], ["allow-drop=logs.st"],
            Written(query_back="SELECT id, st FROM logs", rows_back=((1, None),)),
        ),
        ["INSERT INTO logs VALUES (1, 'a')"],
    ),
    Case(
        "06d", "adds a value to an enum that is a CHECK everywhere",
        logs(status("aa", "bb", native_enum=False, create_constraint=True)),
        logs(status("aa", "bb", "cc", native_enum=False, create_constraint=True)),
        Written(
            "SELECT id, st FROM logs ORDER BY id", ((1, "aa"), (2, "cc")),
            inserts="INSERT INTO logs VALUES (2, 'cc')",
            refuses="INSERT INTO logs VALUES (9, 'dd')",
        ),
        ["INSERT INTO logs VALUES (1, 'aa')"],
    ),
    Case(
        "07a", "adds a CHECK to a column without rows",
        logs(C("n", sa.Integer)), logs(C("n", sa.Integer), check("n > 0")),
        Written(rows=(), refuses="INSERT INTO logs VALUES (9, 0)"),
    ),
    Case(
        "07b", "adds a CHECK", logs(C("n", sa.Integer)), logs(C("n", sa.Integer), check("n>0")),
        Written(
            "SELECT id, n FROM logs", ((1, 5),), refuses="INSERT INTO logs VALUES (9, 0)"
        ),
        ["INSERT INTO logs VALUES (1, 5)"],
    ),
    Case(
        "07c", "changes what a CHECK says",
        logs(C("n", sa.Integer), check("n>0")), logs(C("n", sa.Integer), check("n>100")),
        Written(
            "SELECT id, n FROM logs", ((1, 500),), refuses="INSERT INTO logs VALUES (9, 50)"
        ),
        ["INSERT INTO logs VALUES (1, 500)"],
    ),
    Case(
        "08", "makes a column NOT NULL that has NULLs",
        logs(C("msg", sa.Text)), logs(C("msg", sa.Text, nullable=False)),
        Written(
            "SELECT id, msg FROM logs ORDER BY id", ((1, "none"), (3, "b")),
            refuses="INSERT INTO logs (id) VALUES (9)",
        ),
        [ROW, "INSERT INTO logs VALUES (3, 'b')"], x=["backfill=logs.msg='none'"],
    ),
    Case(
        "09", "adds a foreign key",
        all_of(agents, logs(C("agent_id", sa.Integer))),
        all_of(agents, logs(C("agent_id", sa.Integer, sa.ForeignKey("agents.id")))),
        Written("SELECT id, agent_id FROM logs", ((1, 7),)),
        ["INSERT INTO agents VALUES (7)", "INSERT INTO logs VALUES (1, 7)"],
    ),
    Case(
        "09b", "changes what a foreign key does on a delete",
        all_of(agents, logs(C("agent_id", sa.Integer, sa.ForeignKey("agents.id")))),
        all_of(
            agents,
            logs(C("agent_id", sa.Integer, sa.ForeignKey("agents.id", ondelete="CASCADE"))),
        ),
        Written("SELECT id, agent_id FROM logs", ((1, 7),)),
        ["INSERT INTO agents VALUES (7)", "INSERT INTO logs VALUES (1, 7)"],
    ),
    Case(
        "10", "adds a unique constraint",
        logs(C("k", sa.Text)), logs(C("k", sa.Text, unique=True)),
        Written("SELECT id, k FROM logs", ((1, "a"),), refuses="INSERT INTO logs VALUES (9, 'a')"),
        ["INSERT INTO logs VALUES (1, 'a')"],
    ),
    Case(
        "11a", "shortens a column whose rows are longer",
        logs(C("v", sa.String(80))), logs(C("v", sa.String(40))),
        Refused(
            causes.Undecided, ["logs.v would change", "-x retype=logs.v"], ["retype=logs.v"],
            Written(ALL, ((1, "short"),), ready="UPDATE logs SET v = 'short'"),
        ),
        ["INSERT INTO logs VALUES (1, 'a word of more than forty letters, as they often are')"],
    ),
    Case(
        "11b", "changes text to integer",
        logs(C("v", sa.Text)), logs(C("v", sa.Integer)),
        Refused(
            causes.Undecided, ["logs.v would change", "-x retype=logs.v"], ["retype=logs.v"],
            Written(ALL, ((1, 12),), ALL, ((1, "12"),)),
        ),
        ["INSERT INTO logs VALUES (1, '12')"],
    ),
    Case(
        "11c", "changes integer to bigint",
        logs(C("v", sa.Integer)), logs(C("v", sa.BigInteger)),
        Refused(
            causes.Undecided, ["logs.v would change", "-x retype=logs.v"], ["retype=logs.v"],
            Written(ALL, ((1, 12),), ALL, ((1, 12),)),
        ),
        ["INSERT INTO logs VALUES (1, 12)"],
    ),
    Case(
        "11d", "changes a key from integer to bigint",
        keyed(sa.Integer), keyed(sa.BigInteger),
        Refused(
            causes.Undecided, ["logs.id would change", "-x retype=logs.id"], ["retype=logs.id"],
            Written(ALL, ((1, "a"),), ALL, ((1, "a"),)),
        ),
        ["INSERT INTO logs (id, v) VALUES (1, 'a')"],
    ),
    Case(
        "11e", "changes json to jsonb",
        logs(C("v", sa.JSON)), logs(C("v", pg.JSONB)),
        Refused(
            causes.Undecided, ["logs.v would change", "-x retype=logs.v"], ["retype=logs.v"],
            Written(
                "SELECT id, v::text FROM logs", ((1, "{}"),), "SELECT id, v::text FROM logs",
                ((1, "{}"),),
            ),
        ),
        ["INSERT INTO logs VALUES (1, '{}')"], on=POSTGRESQL, why=NO_TYPES,
    ),
    Case(
        "11f", "changes a time without a zone to one with",
        logs(C("v", sa.DateTime())), logs(C("v", sa.DateTime(timezone=True))),
        Refused(
            causes.Undecided, ["logs.v would change", "-x retype=logs.v"], ["retype=logs.v"],
            Written(
                "SELECT id, to_char(v AT TIME ZONE 'UTC', 'HH24:MI') FROM logs", ((1, "12:00"),),
                "SELECT id, to_char(v, 'HH24:MI') FROM logs", ((1, "12:00"),),
            ),
        ),
        ["INSERT INTO logs VALUES (1, '2026-01-01 12:00:00')"], on=POSTGRESQL, why=NO_TYPES,
    ),
    Case(
        "11g", "changes text to an enum",
        logs(C("v", sa.Text)), logs(C("v", sa.Enum("a", "b", name="st"))),
        Refused(
            causes.Undecided, ["logs.v would change", "-x retype=logs.v"], ["retype=logs.v"],
            Written(ALL, ((1, "a"),), ALL, ((1, "a"),)),
        ),
        ["INSERT INTO logs VALUES (1, 'a')"],
    ),
    Case(
        "12", "drops a column", logs(C("v", sa.Text)), logs(),
        Refused(
            causes.WouldDrop, ["-x allow-drop=logs.v"], ["allow-drop=logs.v"],
            Written(query_back=ALL, rows_back=((1, None),)),
        ),
        ["INSERT INTO logs VALUES (1, 'a')"],
    ),
    Case(
        "13", "leaves a partition alone that the service has made", partitioned(), partitioned(),
        Nothing(), by_hand=[PARTITION], on=POSTGRESQL, why=NO_PARTITIONS,
    ),
    Case(
        "13b", "adds an index to a partitioned table",
        partitioned(), partitioned(lambda: sa.Index("ix_logs_ts", "ts")),
        Written(),
        [PARTITION, "INSERT INTO logs VALUES (1, '2026-01-15 12:00:00+00')"],
        on=POSTGRESQL, why=NO_PARTITIONS,
    ),
    Case(
        "14a", "changes the condition of an index",
        indexed(**where("n > 1")), indexed(**where("n > 2")),
        Written("SELECT id, v, n FROM logs", ((1, "a", 5),)),
        ["INSERT INTO logs VALUES (1, 'a', 5)"],
    ),
    Case(
        "14b", "changes the method of an index",
        indexed(), indexed(postgresql_using="hash"),
        Written("SELECT id, v, n FROM logs", ((1, "a", 5),)),
        ["INSERT INTO logs VALUES (1, 'a', 5)"], on=POSTGRESQL, why="SQLite has one method",
    ),
    Case(
        "14c", "includes a column in an index",
        indexed(), indexed(postgresql_include=["n"]),
        Written("SELECT id, v, n FROM logs", ((1, "a", 5),)),
        ["INSERT INTO logs VALUES (1, 'a', 5)"], on=POSTGRESQL, why="SQLite includes none",
    ),
    Case(
        "14d", "changes how full an index is",
        indexed(), indexed(postgresql_with={"fillfactor": 50}),
        Written("SELECT id, v, n FROM logs", ((1, "a", 5),)),
        ["INSERT INTO logs VALUES (1, 'a', 5)"], on=POSTGRESQL, why="SQLite decides by itself",
    ),
    Case(
        "15", "leaves another program's table alone", logs(), logs(), Nothing(),
        by_hand=["CREATE TABLE spatial_ref_sys (id integer PRIMARY KEY)"],
    ),
    Case(
        "16", "tells of an index that a killed build has left",
        logs(C("v", sa.Text, index=True)), logs(C("v", sa.Text, index=True)),
        Told(["INVALID", "index ix_logs_v of logs", "`flask db drift`"]),
        by_hand=[
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_logs_v'::regclass"
        ],
        on=POSTGRESQL, why="a build of SQLite is all or nothing",
    ),
    Case(
        "17", "tells of a foreign key of somebody else's that was never checked",
        all_of(agents, logs(C("a", sa.Integer))), all_of(agents, logs(C("a", sa.Integer))),
        Told(["NOT VALID", "constraint theirs of logs", "`flask db drift`"]),
        ["INSERT INTO logs VALUES (1, 7)"],
        ["ALTER TABLE logs ADD CONSTRAINT theirs FOREIGN KEY (a) REFERENCES agents NOT VALID"],
        on=POSTGRESQL, why="SQLite has no NOT VALID",
    ),
    Case(
        "17b", "tells of a foreign key of the models that was never checked",
        all_of(agents, logs(C("a", sa.Integer, sa.ForeignKey("agents.id")))),
        all_of(agents, logs(C("a", sa.Integer, sa.ForeignKey("agents.id")))),
        Told(["NOT VALID", "constraint fk_logs_a_agents of logs", "`flask db drift`"]),
        by_hand=[
            "ALTER TABLE logs DROP CONSTRAINT fk_logs_a_agents",
            "INSERT INTO logs VALUES (1, 7)",
            (
                "ALTER TABLE logs ADD CONSTRAINT fk_logs_a_agents FOREIGN KEY (a)"
                " REFERENCES agents (id) NOT VALID"
            ),
        ],
        on=POSTGRESQL, why="SQLite has no NOT VALID",
    ),
    Case(
        "18", "comments on a column",
        logs(C("v", sa.Text)), logs(C("v", sa.Text, comment="what it says")),
        Written(), [ROW], on=POSTGRESQL, why="SQLite has no comments",
    ),
    Case(
        "19", "tells of a key that becomes an identity",
        keyed(sa.Integer), keyed(sa.Integer, sa.Identity()),
        Told(["logs.id counts by a sequence (serial)", "identity in the models"]),
        ["INSERT INTO logs (v) VALUES ('a')"], on=POSTGRESQL, why="SQLite has no identities",
    ),
    Case(
        "20", "computes a column in another way",
        logs(C("n", sa.Integer), C("d", sa.Integer, sa.Computed("n*2", persisted=True))),
        logs(C("n", sa.Integer), C("d", sa.Integer, sa.Computed("n*3", persisted=True))),
        Written(
            "SELECT id, n, d FROM logs", ((1, 5, 15),), "SELECT id, n, d FROM logs", ((1, 5, 10),)
        ),
        ["INSERT INTO logs (id, n) VALUES (1, 5)"],
    ),
    Case(
        "21", "leaves a view, a function and a policy alone", logs(), logs(), Nothing(),
        by_hand=[
            "CREATE VIEW v AS SELECT 1",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "ALTER TABLE logs ENABLE ROW LEVEL SECURITY",
        ],
        on=POSTGRESQL, why="SQLite has views and triggers alone",
    ),
    Case(
        "22", "drops a table that another refers to",
        all_of(agents, logs(C("a", sa.Integer, sa.ForeignKey("agents.id")))),
        logs(C("a", sa.Integer)),
        Refused(
            causes.WouldDrop, ["-x allow-drop=agents"], ["allow-drop=agents"],
            Written("SELECT id, a FROM logs", ((1, 7),), first="UPDATE logs SET a = NULL"),
        ),
        ["INSERT INTO agents VALUES (7)", "INSERT INTO logs VALUES (1, 7)"],
    ),
]  # fmt: skip
