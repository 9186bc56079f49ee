"""The pieces of which a base is made, and whether each makes what it shall.

A piece is code of Alembic's for both databases where that makes the same as the history does, and
else the statements of each database. Which of the two is found by trying.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate import render_python_code
from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection, MetaData
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import SAWarning
from sqlalchemy.sql import functions
from sqlalchemy.sql.elements import False_, True_

from agentlogger.migrate.causes import CannotSquash
from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.squashing.formatting import formatted
from agentlogger.migrate.squashing.made import Made, engine_of
from agentlogger.migrate.squashing.merging import (
    POSTGRESQL,
    Merged,
    Side,
    Unlike,
    merged,
    merged_index,
)
from agentlogger.migrate.squashing.rows import inserted
from agentlogger.migrate.trial.objects import in_order, parse

BACKENDS = ("postgresql", "sqlite")

BEFORE_ROWS = {
    "enum", "sequence", "function", "table", "virtual table", "partition", "column", "storage",
}  # fmt: skip


SPELLED: Mapping[type[Any], str] = {
    functions.now: "sa.func.now()",
    True_: "sa.true()",
    False_: "sa.false()",
}
"""Defaults that each database has in its own words, and Alembic would write in one's."""


@dataclass
class Piece:
    """Something that a base makes. `code` is for both, else each has its `statements`."""

    key: str
    code: str | None = None
    statements: dict[str, list[str]] = field(default_factory=dict)
    undone: dict[str, list[str]] = field(default_factory=dict)
    """What takes it away again, where that does not go with something else."""
    writes_rows: bool = False

    def concerns(self, backend: str) -> bool:
        """Whether it does anything on this database."""
        return self.code is not None or bool(self.statements.get(backend))


class Composing:
    """A base, composed anew each time that a piece of it has turned out not to make the same."""

    def __init__(
        self,
        wanted: Mapping[str, Made],
        tables: Mapping[str, MetaData],
        dialects: Mapping[str, Dialect],
        fresh: Mapping[str, Made],
    ) -> None:
        self._wanted = wanted
        self._dialects = dialects
        self._fresh = fresh
        self._sides = {
            backend: Side({table.name: table for table in found.tables.values()},
                          wanted[backend].catalogue)
            for backend, found in tables.items()
        }  # fmt: skip
        self._tables = _by_reference(tables["postgresql"])
        self.rejected: set[str] = set()
        """What is made by the statements of each database, since code did not make the same."""

    def pieces(self) -> list[Piece]:
        """All of them, each behind what stands before it in the order of `objects.KINDS`."""
        coded = self._coded()
        covered = {f"sequence {name}" for one in coded.values() for name in one.sequences}
        found = list(self._beside())
        waiting = list(self._rows())
        done = set(covered)
        for key in self._keys():
            if parse(key).kind not in BEFORE_ROWS:
                # Before foreign keys, and before triggers that would tell of them.
                found += waiting
                waiting = []
            # What is indexed stands with its table.
            for one in (key, *self._indexes_of(key, coded)):
                if one not in done:
                    done.add(one)
                    found += self._piece(one, coded)
        return [*found, *waiting, *self._counters()]

    def _keys(self) -> list[str]:
        """Everything that either catalogue has, tables behind those that they refer to."""
        keys = dict.fromkeys(key for made in self._wanted.values() for key in made.catalogue)
        places = dict.fromkeys([*self._tables, *self._sides["postgresql"].catalogue])
        return in_order(keys, places)

    def _indexes_of(self, key: str, coded: Mapping[str, Merged]) -> list[str]:
        if key not in coded:
            return []
        on = parse(key).name
        things = map(parse, self._sides["postgresql"].catalogue)
        return [str(one) for one in things if one.kind == "index" and one.table == on]

    def _coded(self) -> dict[str, Merged]:
        metadata = MetaData()
        found = {}
        ours, theirs = (self._sides[backend] for backend in BACKENDS)
        for key in ours.catalogue:
            if parse(key).kind != "table" or key not in theirs.catalogue or key in self.rejected:
                continue
            try:
                found[key] = merged(key, ours, theirs, metadata)
            except Unlike:
                self.rejected.add(key)
        return found

    def _piece(self, key: str, coded: Mapping[str, Merged]) -> Iterator[Piece]:
        thing = parse(key)
        if key in coded:
            table = coded[key].table
            drops = [f"DROP TABLE {thing.name}"]
            yield Piece(key, code=_rendered(ops.CreateTableOp.from_table(table)),
                        undone=dict.fromkeys(BACKENDS, drops))  # fmt: skip
            return
        on = coded.get(f"table {thing.belongs_to}")
        if on is not None and thing.kind in {"constraint", "column"}:
            return
        if on is not None and thing.kind == "index" and key not in self.rejected:
            index = self._index(key, on)
            if index is not None:
                yield Piece(key, code=_rendered(ops.CreateIndexOp.from_index(index)))
                return
        statements = {
            backend: self._dialects[backend].making(key, made.catalogue)
            for backend, made in self._wanted.items()
            if key in made.catalogue
        }
        if any(statements.values()):
            yield Piece(key, statements=statements, undone=self._undone(key))

    def _index(self, key: str, on: Merged) -> sa.Index | None:
        ours, theirs = (self._sides[backend] for backend in BACKENDS)
        if key in ours.catalogue and key in theirs.catalogue:
            try:
                return merged_index(key, on.table, ours, theirs)
            except Unlike:
                pass
        self.rejected.add(key)
        return None

    def _undone(self, key: str) -> dict[str, list[str]]:
        thing = parse(key)
        found = {}
        for backend, made in self._wanted.items():
            goes_with_table = thing.belongs_to is not None and not (
                made.catalogue.get(key, "").startswith("FOREIGN KEY")
            )
            if key not in made.catalogue or goes_with_table:
                continue
            lines = self._dialects[backend].repair(key, made.catalogue, {})
            found[backend] = [
                # One that a table owns has gone with it.
                line.removesuffix(";").replace("DROP SEQUENCE ", "DROP SEQUENCE IF EXISTS ", 1)
                for line in lines
                if line[:2] != "--"
            ]
        return found

    def _beside(self) -> Iterator[Piece]:
        """Schemas, extensions, domains: what tables may rest on."""
        for backend, made in self._wanted.items():
            for statement in made.foundations:
                if statement not in self._fresh[backend].foundations:
                    yield Piece(statement, statements={backend: [statement]})
            for key, statement in made.beyond.items():
                if key.startswith("domain ") and key not in self._fresh[backend].beyond:
                    drop = [f"DROP DOMAIN {key.removeprefix('domain ')}"]
                    yield Piece(key, statements={backend: [statement]}, undone={backend: drop})

    def lacking(self, backend: str, made: Mapping[str, str]) -> Iterator[Piece]:
        """What stands beside the schema and has not come with it: comments, rights, owners."""
        for key, statement in self._wanted[backend].beyond.items():
            if made.get(key) == statement:
                continue
            if statement.startswith("--"):
                raise CannotSquash(
                    f"The history makes the {key}, and a squash knows no statement that makes it: "
                    "squash before the revision that does."
                )
            yield Piece(key, statements={backend: [statement]})

    def _rows(self) -> Iterator[Piece]:
        tables = dict.fromkeys(table for made in self._wanted.values() for table in made.rows)
        order = [parse(key).name for key in self._sides["postgresql"].catalogue
                 if parse(key).kind == "table"]  # fmt: skip
        for table in sorted(tables, key=lambda name: order.index(name) if name in order else -1):
            told = {
                backend: inserted(table, made.rows[table], made.catalogue)
                for backend, made in self._wanted.items()
                if table in made.rows
            }
            yield Piece(f"rows of {table}", statements={one: [text] for one, text in told.items()},
                        writes_rows=True)  # fmt: skip

    def _counters(self) -> Iterator[Piece]:
        for backend, made in self._wanted.items():
            for key, statement in made.counters.items():
                yield Piece(key, statements={backend: [statement]})


def _by_reference(metadata: MetaData) -> list[str]:
    """The keys of tables, each behind those that it refers to, unless they go in a circle."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        quote = POSTGRESQL.identifier_preparer.quote
        return [f"table {quote(table.name)}" for table in metadata.sorted_tables]


def _rendered(operation: ops.MigrateOperation) -> str:
    context: Any = MigrationContext.configure(dialect_name="postgresql")
    holder = ops.UpgradeOps(ops=[operation])
    code = render_python_code(holder, migration_context=context, render_item=_rendered_item)
    return formatted("\n".join(line for line in code.splitlines() if line.strip()[:1] != "#"))


def _rendered_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write a default that each database spells in its own way as Alembic would not."""
    if kind != "server_default" or not isinstance(item, sa.DefaultClause):
        return False
    for kind_of, spelled in SPELLED.items():
        if isinstance(item.arg, kind_of):
            return spelled
    return False


@dataclass(frozen=True)
class Trial:
    """What came of making all pieces on one database."""

    order: list[Piece]
    """In an order that works."""
    rejected: set[str]
    """The keys of code that does not make the same as the history."""
    beyond: Mapping[str, str]
    """What has come beside the schema."""


def tried(
    pieces: Sequence[Piece],
    place: URL,
    dialect: Dialect,
    wanted: Made,
    metadata: MetaData,
) -> Trial:
    """Make all pieces on a scratch database, and look at what they make.

    Raises CannotSquash where a statement of the catalogue itself cannot be executed.
    """
    backend = place.get_backend_name()
    order: list[Piece] = []
    with engine_of(dialect, place, writes=True) as engine, engine.connect() as connection:
        execute = _executing(connection, metadata)
        waiting = list(pieces)
        while waiting:
            postponed: list[tuple[Piece, Exception]] = []
            for piece in waiting:
                fault = None
                if piece.concerns(backend):
                    fault = _attempt(piece, backend, connection, execute)
                if fault is None:
                    order.append(piece)
                else:
                    postponed.append((piece, fault))
            if len(postponed) == len(waiting):
                coded = [piece for piece, _ in postponed if piece.code is not None]
                if not coded:
                    piece, fault = postponed[0]
                    reason = str(getattr(fault, "orig", fault)).strip().partition("\n")[0]
                    raise CannotSquash(
                        f"What the history makes cannot be made anew on {backend}: {piece.key} "
                        f"({reason}). Squash before the revision that makes it."
                    )
                # The first alone: others may wait for nothing but it.
                connection.rollback()
                return Trial([*order, *(piece for piece, _ in postponed)], {coded[0].key}, {})
            waiting = [piece for piece, _ in postponed]
        found, beyond = dialect.catalogue(connection), dialect.beyond(connection)
        connection.rollback()
    by_code = {piece.key for piece in pieces if piece.code is not None}
    return Trial(order, set(_unlike(by_code, found, wanted)), beyond)


def _unlike(coded: set[str], found: Mapping[str, str], wanted: Made) -> Iterator[str]:
    """The pieces of code of which a catalogue does not say what it shall."""
    for key in {**found, **wanted.catalogue}:
        if found.get(key) == wanted.catalogue.get(key):
            continue
        thing = parse(key)
        for owner in (key, f"table {thing.belongs_to}"):
            if owner in coded:
                yield owner
                break
    columns: dict[str, list[str]] = {}
    for key in found:
        thing = parse(key)
        if thing.kind == "column":
            columns.setdefault(str(thing.belongs_to), []).append(thing.last)
    for table, names in wanted.order.items():
        if f"table {table}" in coded and tuple(columns.get(table, ())) != names:
            yield f"table {table}"


Execute = Callable[[Piece, str], None]


def _executing(connection: Connection, metadata: MetaData) -> Execute:
    context = MigrationContext.configure(connection, opts={"target_metadata": metadata})
    given = {"op": Operations(context), "sa": sa, "postgresql": postgresql}

    def execute(piece: Piece, backend: str) -> None:
        if piece.code is not None:
            exec(compile(piece.code, piece.key, "exec"), given)  # noqa: S102  (ours, as the file has it)
            return
        for statement in piece.statements[backend]:
            text = statement
            if piece.writes_rows:
                # Any number will do: what it is in the end is another in each run.
                text = "".join(part for part in _with_time(statement))
            connection.exec_driver_sql(text, execution_options={"no_parameters": True})

    return execute


def _with_time(statement: str) -> Iterator[str]:
    from_code = statement.split("\0")
    for place, part in enumerate(from_code):
        yield "0" if place % 2 else part


def _attempt(
    piece: Piece, backend: str, connection: Connection, execute: Execute
) -> Exception | None:
    """Make a piece, or leave everything as it was and say why."""
    try:
        with _savepoint(connection):
            execute(piece, backend)
    except Exception as fault:  # noqa: BLE001  (whatever it is, the piece does not do as it is)
        return fault
    return None


@contextmanager
def _savepoint(connection: Connection) -> Iterator[None]:
    with connection.begin_nested():
        yield
