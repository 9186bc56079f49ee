"""A table of people and its backfill alone, without a history: what workers are tried on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from agentlogger.migrate.backfills.progress import Backfill, backfills
from agentlogger.migrate.backfills.registering import Registering
from agentlogger.migrate.backfills.throttle import Load
from agentlogger.migrate.backfills.worker import SESSION_NAME, Surroundings, Worker
from agentlogger.migrate.ledger import tables
from agentlogger.migrate.options import Options
from agentlogger.migrate.task import DIALECTS
from agentlogger.migrate.verbs import BackfillOp

NAME = "people_full_name"
TIMES = "people_times"
KEY = b"a key of the tests"
ROWS = 2_000

TABLE = (
    "CREATE TABLE people (id integer PRIMARY KEY, first_name varchar, last_name varchar,"
    " full_name varchar, times integer DEFAULT 0)"
)

PEOPLE = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
    " INSERT INTO people (id, first_name, last_name) SELECT i, 'first', 'last' || i FROM n"
)

WRONG = (
    "SELECT count(*) FROM people"
    " WHERE full_name IS NULL OR full_name <> first_name || ' ' || last_name"
)


class Filling:
    """Some people on a database, and what fills their full names."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.dialect = DIALECTS[url.get_backend_name()]
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)
        self.run(TABLE, PEOPLE.format(rows=ROWS))
        with self.engine.connect() as connection:
            tables.make(connection)

    def register(self, table: str = "people", rows: int = ROWS, **given: Any) -> None:
        """Register a backfill, as a revision does: that of the full names, unless told another."""
        told = {"where": "full_name IS NULL"} | given
        columns = told.pop("set", {"full_name": "first_name || ' ' || last_name"})
        definition = BackfillOp(table, columns, **told).definition
        with self.engine.begin() as connection:
            Registering("bbb222", KEY, 0).register(connection, definition, rows)

    def register_times(self) -> None:
        """Register one that counts how often each row is written."""
        self.register(set={"times": "times + 1"}, where=None)

    def worker(self, name: str = NAME, **given: Any) -> Worker:
        """A worker of its own, which does not pause between batches."""
        options = Options(["backfill-pause=0", *given.pop("x", ())], {})
        told = {"options": options, "keys": [KEY], "dialect": self.dialect} | given
        engine = self.dialect.make_engine(self.url, writes=True, name=SESSION_NAME)
        return Worker(Surroundings(engine=engine, **told), name)

    def one(self) -> Backfill:
        """The backfill, as the extension tells of it."""
        with self.engine.connect() as connection:
            (found,) = backfills(connection)
        return found

    def change(self, **values: Any) -> None:
        """Change the backfill's row by hand."""
        with self.engine.begin() as connection:
            connection.execute(tables.BACKFILLS.update().values(values))

    def load(self) -> Load:
        """What the database bears, as a worker sees it."""
        with self.engine.connect() as connection:
            return self.dialect.load(connection)

    def run(self, *statements: str) -> None:
        """Change the database by hand."""
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

    def rows(self, query: str) -> list[Any]:
        """What a query answers: tuples, or the values of a single column."""
        with self.engine.connect() as connection:
            found = connection.execute(sa.text(query)).all()
        return [row[0] if len(row) == 1 else tuple(row) for row in found]

    def wrong(self) -> int:
        """How many people have no full name, or a wrong one."""
        (count,) = self.rows(WRONG)
        return int(count)

    def times(self) -> dict[int, int]:
        """How many people were written how often."""
        return dict(self.rows("SELECT times, count(*) FROM people GROUP BY times"))


class Interrupting(threading.Event):
    """A stop that comes after so many looks at it; `before` is called at each."""

    def __init__(self, looks: int, before: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._left = looks
        self._before = before

    def is_set(self) -> bool:
        self._left -= 1
        self._before()
        return self._left < 0 or super().is_set()


def once_at(number: int, act: Callable[[], Any]) -> Callable[..., None]:
    """What acts once, when it is called for this time."""
    calls: list[int] = []

    def called(*_given: Any) -> None:
        calls.append(1)
        if len(calls) == number:
            act()

    return called
