"""A small database on which verbs are carried out one by one, as a revision would."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.engine import URL

from agentlogger.migrate import causes, verbs
from agentlogger.migrate.task import DIALECTS
from tests.migrations.histories import run

assert verbs.__all__  # Importing them is what makes them known to `op`.

LOCK_TIMEOUT = 0.3
"""How long a strong lock is waited for, in seconds."""

Doing = Callable[[Any], None]
"""What a revision does with `op`."""

TABLES = (
    "CREATE TABLE teams (id INTEGER NOT NULL, CONSTRAINT pk_teams PRIMARY KEY (id))",
    (
        "CREATE TABLE people (day INTEGER NOT NULL, id INTEGER NOT NULL, name VARCHAR(20),"
        " age INTEGER, team_id INTEGER, CONSTRAINT pk_people PRIMARY KEY (day, id)){by}"
    ),
)

PARTITIONS = (
    "CREATE TABLE people_1 PARTITION OF people FOR VALUES FROM (0) TO (10)",
    (
        "CREATE TABLE people_2 PARTITION OF people FOR VALUES FROM (10) TO (20)"
        " PARTITION BY RANGE (day)"
    ),
    "CREATE TABLE people_2a PARTITION OF people_2 FOR VALUES FROM (10) TO (15)",
)
"""A partition, and one that has a partition itself."""

ROWS = (
    "INSERT INTO teams VALUES (1), (2)",
    "INSERT INTO people VALUES (1, 1, 'ann', 30, 1), (2, 2, 'bea', 40, 2), (11, 3, 'cid', 50, 1)",
)

ENUMS = {
    "postgresql": (
        "CREATE TYPE mood AS ENUM ('calm', 'wild')",
        "ALTER TABLE teams ADD feeling mood",
    ),
    "sqlite": (
        (
            "ALTER TABLE teams ADD COLUMN feeling VARCHAR(4)"
            " CONSTRAINT ck_teams_mood CHECK (feeling IN ('calm', 'wild'))"
        ),
    ),
}

PARTS = sa.text(
    "SELECT c.relname, t.relname, i.indisvalid, pg_get_indexdef(c.oid),"
    " (SELECT p.relname FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent"
    "  WHERE h.inhrelid = c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_class t ON t.oid = i.indrelid WHERE t.relname LIKE 'people%' ORDER BY 1"
)

PART_CONSTRAINTS = sa.text(
    "SELECT o.conname, t.relname, o.convalidated, pg_get_constraintdef(o.oid),"
    " o.conparentid <> 0, o.coninhcount, o.conislocal FROM pg_constraint o"
    " JOIN pg_class t ON t.oid = o.conrelid WHERE t.relname LIKE 'people%' ORDER BY 2, 1"
)


class Listener(logging.Handler):
    """Keeps what PostgreSQL says; SQLAlchemy takes it from the driver and logs it."""

    def __init__(self) -> None:
        super().__init__()
        self.notices: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.notices.append(record.getMessage())


class Database:
    """A database on which verbs are carried out."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.dialect = DIALECTS[url.get_backend_name()]
        self.statements: list[str] = []
        """What the verbs have executed, without what they have asked."""
        # One connection for all looks, since making one costs more than most of them; but SQLite's
        # do not see at once that others have changed the schema.
        pool = sa.StaticPool if self.is_postgresql else sa.NullPool
        self.reader = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=pool)

    @property
    def is_postgresql(self) -> bool:
        return self.url.get_backend_name() == "postgresql"

    def do(
        self,
        *doing: Doing,
        metadata: sa.MetaData | None = None,
        before: Callable[[str], None] = lambda _statement: None,
    ) -> None:
        """Do this in one step, as a revision does; `before` is called before each statement."""
        engine = self.dialect.make_engine(self.url, writes=True)

        def note(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
            line = " ".join(statement.split())
            if is_own(line):
                before(line)
                self.statements.append(line)

        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            with engine.connect() as connection:
                self._do(doing, connection, metadata)
        finally:
            engine.dispose()

    def _do(
        self, doing: tuple[Doing, ...], connection: sa.Connection, metadata: sa.MetaData | None
    ) -> None:
        self.dialect.bound(connection, lock_timeout=LOCK_TIMEOUT, statement_timeout=0)
        context = MigrationContext.configure(
            connection, opts=dict(self.dialect.CONTEXT_ARGUMENTS) | {"target_metadata": metadata}
        )
        with context.begin_transaction(_per_migration=True), Operations.context(context) as op:
            for one in doing:
                one(op)
        connection.commit()

    def heard(self, *doing: Doing) -> list[str]:
        """What PostgreSQL says of what it does while this is done."""
        told = Listener()
        logger = logging.getLogger("sqlalchemy.dialects.postgresql")
        level = logger.level
        logger.addHandler(told)
        logger.setLevel(logging.INFO)
        try:
            self.do(lambda op: op.execute("SET client_min_messages = debug1"), *doing)
        finally:
            logger.setLevel(level)
            logger.removeHandler(told)
        return told.notices

    def refusal(self, doing: Doing, cause: type[causes.Refused]) -> str:
        """What is said where this is refused for this cause."""
        with pytest.raises(cause) as refused:
            self.do(doing)
        assert type(refused.value) is cause
        return str(refused.value)

    def invalidate(self, index: str) -> None:
        """Leave an index as a build that was killed leaves it."""
        which = f"indexrelid = '{index}'::regclass"
        self.run(f"UPDATE pg_index SET indisvalid = false WHERE {which}")  # noqa: S608  (a test's)

    def run(self, *statements: str) -> None:
        """Change the database by hand."""
        run(self.url, statements)

    def rows(self, query: str = "SELECT * FROM people ORDER BY day, id") -> list[tuple]:
        """What a query answers."""
        with self.reader.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def value(self, query: str) -> Any:
        """The one value that a query answers."""
        ((value,),) = self.rows(query)
        return value

    def schema(self) -> dict[str, Any]:
        """The whole schema; of partitions each index and constraint as well."""
        with self.reader.connect() as connection:
            found: dict[str, Any] = dict(self.dialect.catalogue(connection))
            if self.is_postgresql:
                found["indexes"] = [tuple(row) for row in connection.execute(PARTS)]
                found["constraints"] = [tuple(row) for row in connection.execute(PART_CONSTRAINTS)]
        return found

    def definition(self, key: str) -> str:
        """How the catalogue defines an object."""
        with self.reader.connect() as connection:
            return self.dialect.catalogue(connection)[key]

    def leftovers(self) -> list[tuple[str, str]]:
        """What is INVALID or NOT VALID, by name and table."""
        with self.reader.connect() as connection:
            return [(one.name, one.table) for one in self.dialect.leftovers(connection)]

    def close(self) -> None:
        """Let go of the database."""
        self.reader.dispose()

    @contextmanager
    def session(self) -> Iterator[sa.Connection]:
        """A connection of somebody else's; what it does is rolled back."""
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            yield connection


class Stage(Database):
    """A database with teams and people, who may be in partitions."""

    def __init__(self, url: URL, *, partitioned: bool) -> None:
        super().__init__(url)
        self.is_partitioned = partitioned
        by = " PARTITION BY RANGE (day)" if partitioned else ""
        run(url, [one.format(by=by) for one in TABLES])
        run(url, [*PARTITIONS, *ROWS] if partitioned else ROWS)


def is_own(statement: str) -> bool:
    """Whether a statement does something, and does not only ask or prepare."""
    return (
        not statement.startswith(("SELECT", "WITH", "PRAGMA", "BEGIN", "SET ")) or ";" in statement
    )
