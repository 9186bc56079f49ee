"""A project whose second revision fills the names of people, and whose third needs them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from agentlogger.migrate.backfills.progress import Backfill
from agentlogger.migrate.backfills.worker import SESSION_NAME, Surroundings, Worker
from agentlogger.migrate.ledger.signing import keys_of
from agentlogger.migrate.ledger.tables import BACKFILLS
from agentlogger.migrate.options import Options
from agentlogger.migrate.task import DIALECTS
from tests.migrations.project import Project

NAME = "people_full_name"

CREATE = """\
op.create_table(
    "people",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("first_name", sa.String()),
    sa.Column("last_name", sa.String()),
)
"""

FILL = """\
op.add_column("people", sa.Column("full_name", sa.String()))
op.backfill(
    "people", set={"full_name": "first_name || ' ' || last_name"}, where="full_name IS NULL"
)
"""

REQUIRE = 'op.set_not_null_online("people", "full_name")'

ROWS = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
    " INSERT INTO people (id, first_name, last_name) SELECT i, 'first', 'last' || i FROM n"
)

WRONG = (
    "SELECT count(*) FROM people"
    " WHERE full_name IS NULL OR full_name <> first_name || ' ' || last_name"
)


class People(Project):
    """Three revisions: people, their full names, and that these must be there."""

    def __init__(self, folder: Path, url: URL, *, rows: int = 3) -> None:
        super().__init__(folder, url)
        self.add("aaa111", None, CREATE, 'op.drop_table("people")', message="create people")
        self.upgrade("aaa111")
        self.run(ROWS.format(rows=rows))
        drop = 'op.drop_column("people", "full_name")'
        self.add("bbb222", "aaa111", FILL, drop, phase="expand", message="add people full name")

    def require(self) -> None:
        """Write the revision that needs all of them."""
        back = 'op.drop_not_null_online("people", "full_name")'
        self.add(
            "ccc333", "bbb222", REQUIRE, back, phase="online", message="require people full name",
            needs_backfills=(NAME,),
        )  # fmt: skip

    def worker(self, name: str = NAME, **given: Any) -> Worker:
        """A worker of this program's own."""
        options = Options(given.pop("x", ()), self.app.config)
        dialect = DIALECTS[self.url.get_backend_name()]
        told = {"options": options, "keys": keys_of(self.app.config), "dialect": dialect} | given
        engine = dialect.make_engine(self.url, writes=True, name=SESSION_NAME)
        return Worker(Surroundings(engine=engine, **told), name)

    def backfills(self) -> list[Backfill]:
        """What the extension tells."""
        with self.engine.connect() as connection:
            return self.migrations.backfills(connection)

    def change(self, **values: Any) -> None:
        """Change the backfill's row by hand."""
        with self.engine.begin() as connection:
            connection.execute(BACKFILLS.update().values(values))

    def wrong(self) -> int:
        """How many people have no full name, or a wrong one."""
        (count,) = self.rows(WRONG)
        return int(count)


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


def after(statement: str, act: Callable[[], None]) -> Callable[..., None]:
    """A listener that acts once, when a statement that begins so has been executed."""
    done: list[bool] = []

    def listen(_connection: Any, _cursor: Any, sql: str, *_others: Any) -> None:
        if sql.startswith(statement) and not done:
            done.append(True)
            act()

    return listen
