"""Which tables of the live database a simulation needs rows of, and in which order to take them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SAWarning

from agentlogger.migrate.ledger import tables
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.recording import Recorded

VERSION_TABLE = "alembic_version"

NAME = re.compile(r"\w+")

FOREIGN_KEY = re.compile(
    r'\bALTER\s+TABLE\s+(?:ONLY\s+)?"?(?P<child>\w+)"?\s.*?\bFOREIGN\s+KEY\s*\((?P<own>[^)]*)\)'
    r'\s*REFERENCES\s+"?(?P<parent>\w+)"?\s*\((?P<referred>[^)]*)\)',
    re.IGNORECASE | re.DOTALL,
)

MOST_BYTES = 32 * 2**20
"""Of one table: enough that its indexes outgrow caches, little enough to be copied in a second."""


@dataclass(frozen=True)
class Reference:
    """A foreign key."""

    child: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    is_optional: bool
    """Whether a row may refer to nothing."""
    is_there: bool = True
    """False of one that a pending revision makes: its rows are wanted, and not checked before."""


@dataclass(frozen=True)
class Amount:
    """How many rows are to be taken."""

    most: int
    """Of a table that is taken in part."""
    whole: int
    """A table that has no more than these is taken whole, so that what is joined with it is."""


@dataclass(frozen=True)
class Wanted:
    """Tables whose rows are wanted, those that refer to others before these."""

    tables: tuple[str, ...]
    references: tuple[Reference, ...]
    """Between those tables."""


def wanted(
    connection: Connection,
    partitions: Collection[str],
    pending: Sequence[tuple[Declared, Recorded]],
) -> Wanted:
    """What pending revisions may have to do with, of the tables behind this connection.

    That is every table that a revision or what it would execute names, with those that refer to
    it and those that it refers to; and all of them where a revision decides by what it reads.
    """
    there, columns, references = found_in(connection, partitions)
    made = [
        Reference(*ends, is_optional=False, is_there=False)
        for _, recorded in pending
        for ends in _made(recorded)
        if _are_there(ends, columns)
    ]
    references += made
    chosen = _with_neighbours(_named(there, pending), references)
    return Wanted(
        tuple(children_first([name for name in there if name in chosen], references)),
        tuple(one for one in references if one.child in chosen and one.parent in chosen),
    )


Columns = Mapping[tuple[str, str], bool]
"""Whether a column may be empty, by its table and name."""


def found_in(
    connection: Connection, partitions: Collection[str]
) -> tuple[list[str], Columns, list[Reference]]:
    """The tables behind a connection but for partitions and our own, and what refers to what."""
    reader = inspect(connection)
    left_out = {*partitions, *tables.NAMES, VERSION_TABLE}
    there = [name for name in reader.get_table_names() if name not in left_out]
    with warnings.catch_warnings():
        # A type that SQLAlchemy does not know is none of its business here.
        warnings.filterwarnings("ignore", "Did not recognize type", SAWarning)
        columns = {
            (table, column["name"]): bool(column["nullable"])
            for table in there
            for column in reader.get_columns(table)
        }
    references = [
        Reference(*ends, is_optional=all(columns[ends[0], column] for column in ends[1]))
        for ends in (_ends(child, key) for child in there for key in reader.get_foreign_keys(child))
        if _are_there(ends, columns)
    ]
    return there, columns, references


Ends = tuple[str, tuple[str, ...], str, tuple[str, ...]]
"""A table, its columns, and those that they refer to."""


def _ends(child: str, key: Any) -> Ends:
    parent = key["referred_table"] if not key["referred_schema"] else ""
    return child, tuple(key["constrained_columns"]), parent, tuple(key["referred_columns"])


def _are_there(ends: Ends, columns: Columns) -> bool:
    child, own, parent, referred = ends
    named = {*((child, column) for column in own), *((parent, column) for column in referred)}
    return len(own) == len(referred) and named <= set(columns)


def _made(recorded: Recorded) -> Iterator[Ends]:
    """The foreign keys that a revision makes, by whichever operation or as text."""
    for operation in recorded.operations:
        own = getattr(operation, "local_cols", None)
        if own:
            told: Any = operation
            parent, referred = told.referent_table, tuple(told.remote_cols)
            yield str(told.source_table), tuple(own), str(parent), referred
    for statement in recorded.statements:
        for match in FOREIGN_KEY.finditer(statement):
            own, referred = (tuple(NAME.findall(match[part])) for part in ("own", "referred"))
            yield match["child"], own, match["parent"], referred


def _named(there: Sequence[str], pending: Sequence[tuple[Declared, Recorded]]) -> set[str]:
    if not all(recorded.is_complete for _, recorded in pending):
        return set(there)
    words: set[str] = set()
    for revision, recorded in pending:
        for text in (revision.source, *recorded.statements):
            words.update(re.findall(r"\w+", text))
        words.update(_names_of(operation) for operation in recorded.operations)
    return words & set(there)


def _names_of(operation: Any) -> str:
    return str(getattr(operation, "table_name", ""))


def _with_neighbours(chosen: set[str], references: Iterable[Reference]) -> set[str]:
    """With the tables that refer to these, and all that any of them refers to."""
    listed = list(references)
    found = chosen | {one.child for one in listed if one.parent in chosen}
    while True:
        parents = {one.parent for one in listed if one.child in found}
        if parents <= found:
            return found
        found |= parents


def children_first(names: Sequence[str], references: Iterable[Reference]) -> list[str]:
    """The tables so that each stands before those that it refers to, where there is no circle."""
    sorter: TopologicalSorter[str] = TopologicalSorter({name: set() for name in names})
    for one in references:
        if one.child != one.parent and {one.child, one.parent} <= set(names):
            sorter.add(one.parent, one.child)
    try:
        return list(sorter.static_order())
    except CycleError:
        # What stays without its counterpart is taken out again.
        return list(names)
