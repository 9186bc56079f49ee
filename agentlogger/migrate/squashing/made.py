"""What a history makes, as it is compared: the schema, what stands beside it, and the rows."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Engine, MetaData
from sqlalchemy.exc import DBAPIError, SAWarning

from agentlogger.migrate.causes import CannotSquash, Failed, first_line
from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.squashing.moments import Clock, as_sql
from agentlogger.migrate.trial.objects import parse
from agentlogger.migrate.trial.replay import replay

Row = tuple[tuple[str, str], ...]
"""For each column the literal of SQL; what begins with a brace is code that reads the time."""

MOST_ROWS = 1000
"""A base is read by people: more than this is data, and belongs into a file of its own."""


@dataclass(frozen=True)
class Made:
    """What is in a database. Two that are equal cannot be told apart by what is compared."""

    catalogue: Mapping[str, str]
    order: Mapping[str, tuple[str, ...]]
    """The columns of each table, in order."""
    foundations: tuple[str, ...]
    beyond: Mapping[str, str]
    counters: Mapping[str, str]
    rows: Mapping[str, tuple[Row, ...]]

    def objects(self) -> dict[str, str]:
        """Everything that is compared, by a name that a person understands."""
        found = dict(self.catalogue)
        found |= {f"order of the columns of {name}": ", ".join(columns)
                  for name, columns in self.order.items()}  # fmt: skip
        found |= {f"beside the schema, {statement}": statement for statement in self.foundations}
        found |= self.beyond
        found |= self.counters
        for table, rows in self.rows.items():
            found[f"rows of {table}"] = "\n".join(
                "(" + ", ".join(f"{name} {value}" for name, value in row) + ")" for row in rows
            )
        return found


@dataclass(frozen=True)
class Difference:
    """An object that one history makes otherwise than another; None is not at all."""

    database: str
    thing: str
    before: str | None
    after: str | None


def differences(database: str, before: Made, after: Made) -> Iterator[Difference]:
    """Where two histories do not make the same."""
    old, new = before.objects(), after.objects()
    for thing in {**old, **new}:
        if old.get(thing) != new.get(thing):
            yield Difference(database, thing, old.get(thing), new.get(thing))


@contextmanager
def engine_of(dialect: Dialect, url: URL, *, writes: bool) -> Iterator[Engine]:
    """An engine on a scratch database, disposed of afterwards."""
    engine = dialect.make_engine(url, writes=writes)
    try:
        yield engine
    finally:
        engine.dispose()


def replayed(
    folder: Path,
    url: URL,
    target: str | tuple[str, ...],
    dialect: Dialect,
    metadata: MetaData,
    *,
    clock_since: float | None = None,
) -> Made:
    """Run a history up to a revision on a scratch database, and look at what it makes.

    Raises Failed, and CannotSquash where its rows are too many or cannot be told.
    """
    began = time.time() if clock_since is None else clock_since
    replay(folder, url, target, dialect, metadata=metadata)
    return look(url, dialect, Clock(began, time.time()))


def take_back(folder: Path, url: URL, dialect: Dialect, metadata: MetaData) -> None:
    """Run the whole way back of a history on the scratch database that has it. Raises Failed."""
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)

    def steps(heads: Any, _context: Any) -> Any:
        return script._downgrade_revs("base", heads)  # noqa: SLF001  (as Alembic's own `downgrade` asks)

    with (
        engine_of(dialect, url, writes=True) as engine,
        EnvironmentContext(config, script, fn=steps) as environment,
        engine.connect() as connection,
    ):
        environment.configure(
            connection=connection, target_metadata=metadata, **dialect.CONTEXT_ARGUMENTS
        )
        try:
            with environment.begin_transaction():
                environment.run_migrations()
            connection.commit()
        except DBAPIError as fault:
            raise Failed(f"The way back cannot be gone ({first_line(fault)}).") from fault


def look(url: URL, dialect: Dialect, clock: Clock) -> Made:
    """What is in a scratch database. Raises CannotSquash."""
    with engine_of(dialect, url, writes=False) as engine, engine.connect() as connection:
        catalogue = dialect.catalogue(connection)
        contents = dialect.contents(connection, catalogue)
        count = sum(map(len, contents.values()))
        if count > MOST_ROWS:
            most = max(contents, key=lambda table: len(contents[table]))
            raise CannotSquash(
                f"The history writes {count:,} rows, {len(contents[most]):,} of them into {most}, "
                f"and a base holds {MOST_ROWS:,} at most: squash before the revision that writes "
                "them."
            )
        backend = url.get_backend_name()
        return Made(
            catalogue=catalogue,
            order=_order(catalogue),
            foundations=tuple(dialect.foundations(connection)),
            beyond=dialect.beyond(connection),
            counters=dialect.counters(connection),
            rows={
                table: _rows(table, rows, clock, catalogue, backend)
                for table, rows in sorted(contents.items())
            },
        )


def reflected(url: URL, dialect: Dialect) -> MetaData:
    """The tables of a scratch database as SQLAlchemy reads them."""
    found = MetaData()
    with (
        engine_of(dialect, url, writes=False) as engine,
        engine.connect() as connection,
        warnings.catch_warnings(),
    ):
        # What it does not understand is made by its text.
        warnings.simplefilter("ignore", SAWarning)
        found.reflect(connection)
    return found


def _order(catalogue: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key in catalogue:
        thing = parse(key)
        if thing.kind == "column":
            table = str(thing.belongs_to)
            found[table] = (*found.get(table, ()), thing.last)
    return found


def _rows(
    table: str,
    rows: list[dict[str, str]],
    clock: Clock,
    catalogue: Mapping[str, str],
    backend: str,
) -> tuple[Row, ...]:
    """The rows in an order of their own, with what was read from the clock as code."""
    told = [
        tuple(
            (name, _told(f"column {table}.{name}", literal, clock, catalogue, backend))
            for name, literal in row.items()
        )
        for row in rows
    ]
    return tuple(sorted(told, key=lambda row: [(len(value), value) for _, value in row]))


def _told(
    column: str, literal: str, clock: Clock, catalogue: Mapping[str, str], backend: str
) -> str:
    code = clock.read(literal)
    if code is not None:
        return f"{{{code}}}"
    if not clock.is_now(literal):
        return literal
    now = as_sql(literal, catalogue[column], backend)
    if now is None:
        raise CannotSquash(
            f"A data step writes {literal}, which is the time of this run, into {column}, and no "
            "statement of SQL writes it in just this form: squash before the revision that does "
            "this."
        )
    return now
