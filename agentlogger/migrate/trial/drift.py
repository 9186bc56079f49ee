"""Drift: the database as it is, against what its history makes, against what the models say.

Where the database and a replay of its history differ, somebody has changed the database by hand.
Where the whole history and the models differ, a revision is missing. The database is only read;
the history and the models are brought to life in scratch databases.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import URL, MetaData, text
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import Ahead, Failed, Unreachable, first_line
from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.explaining import ahead, refuse_squashed_away
from agentlogger.migrate.ledger import history
from agentlogger.migrate.ledger.graph import State, state_of
from agentlogger.migrate.options import Options
from agentlogger.migrate.revisions.folder import load
from agentlogger.migrate.revisions.revising import revising
from agentlogger.migrate.run.lock import Holder
from agentlogger.migrate.trial.objects import MODELLED, Thing, in_order, parse
from agentlogger.migrate.trial.progress import progress
from agentlogger.migrate.trial.replay import replay

DIFFERS = "differs"

UNFINISHED = re.compile(r" (INVALID|NOT VALID)(, BEING BUILT NOW)?$")
"""How the definition of an index or a constraint ends that the database does not rely on."""


@dataclass(frozen=True)
class Finding:
    """One difference. `found` is what there is, `expected` what there should be; None is nothing.

    Against the history it is the database that was looked at; against the models, the history.
    """

    thing: str
    difference: str
    against: str
    found: str | None
    expected: str | None
    repair: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON has it; a promise to scripts."""
        return {
            "object": self.thing,
            "difference": self.difference,
            "against": self.against,
            "found": self.found,
            "expected": self.expected,
            "repair": list(self.repair),
        }


@dataclass(frozen=True)
class Report:
    """What was found. `revision` and `heads` are sorted ids: the database's and the history's."""

    database: str
    revision: tuple[str, ...]
    heads: tuple[str, ...]
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        """The report as JSON has it; a promise to scripts."""
        return {
            "database": self.database,
            "revision": list(self.revision),
            "heads": list(self.heads),
            "notes": list(self.notes),
            "findings": [finding.as_json() for finding in self.findings],
        }


def drift(url: URL, folder: Path, metadata: MetaData, options: Options, dialect: Dialect) -> Report:
    """Compare the database with its history, and the history with the models.

    The history is the folder's: up to the revision of the database for the first comparison, and
    whole for the second, so that what is merely pending is no drift. Raises Ahead for a database of
    a newer program, Unreachable, Failed for a revision that cannot be replayed, and Refused where
    no scratch database can be had.
    """
    state, live, holder = _read(url, folder, dialect)
    if state.unknown:
        raise Ahead(ahead(state))
    refuse_squashed_away(state)
    with progress("Replaying the history"), dialect.scratch(url, options) as place:
        replay(folder, place, state.heads, dialect, metadata=metadata)
        reached, foundations = _made(place, dialect)
        whole = reached
        if state.pending:
            replay(folder, place, "heads", dialect, metadata=metadata)
            whole, foundations = _made(place, dialect)
    with progress("Making the models' tables"), dialect.scratch(url, options) as place:
        _make_models(place, metadata, dialect, foundations)
        models, _ = _made(place, dialect)
    schemas = {parse(key).schema for key in (*reached, *models)} | {None}
    live = {key: text for key, text in live.items() if parse(key).schema in schemas}
    return Report(
        database=url.render_as_string(hide_password=True),
        revision=state.heads,
        heads=tuple(sorted(state.tree_heads)),
        notes=tuple(_notes(state, holder)),
        findings=(
            *of_the_database(live, reached, dialect, is_behind=bool(state.pending)),
            *of_the_history(whole, models, metadata, dialect),
        ),
    )


def _read(
    url: URL, folder: Path, dialect: Dialect
) -> tuple[State, Mapping[str, str], Holder | None]:
    """The database's revisions and its catalogue, of one moment, and who migrates it then."""
    revisions = tuple(load(ScriptDirectory(str(folder))))
    engine = dialect.make_reader(url)
    try:
        with progress("Reading the database"), engine.connect() as connection:
            state = state_of(connection, revisions)
            return state, dialect.catalogue(connection), dialect.holder(url, connection)
    except DBAPIError as fault:
        reason = first_line(fault)
        raise Unreachable(
            f"The database {url.render_as_string(hide_password=True)} cannot be read ({reason}): "
            "start it, make it, or correct DATABASE_URL."
        ) from fault
    finally:
        engine.dispose()


def _made(url: URL, dialect: Dialect) -> tuple[Mapping[str, str], list[str]]:
    """The catalogue of a scratch database, and what must be there before its tables."""
    engine = dialect.make_engine(url, writes=False)
    try:
        with engine.connect() as connection:
            return dialect.catalogue(connection), dialect.foundations(connection)
    finally:
        engine.dispose()


def _make_models(url: URL, metadata: MetaData, dialect: Dialect, foundations: list[str]) -> None:
    engine = dialect.make_engine(url, writes=True)
    try:
        with engine.begin() as connection:
            for statement in foundations:
                connection.execute(text(statement))
            metadata.create_all(connection)
    except DBAPIError as fault:
        reason = first_line(fault)
        raise Failed(
            f"The tables of the models cannot be made in a scratch database ({reason}): correct "
            "the models, or make in a revision what they need to be there before them."
        ) from fault
    finally:
        engine.dispose()


def _notes(state: State, holder: Holder | None) -> Iterator[str]:
    if not state.heads:
        yield "The database has no revision: everything in it stands beside the history."
    if len(state.heads) > 1:
        yield (
            f"The database is at several revisions, {', '.join(state.heads)}, and was compared "
            "with all of them together."
        )
    if len(state.tree_heads) > 1:
        heads = " ".join(state.tree_heads)
        yield (
            f"The history has several heads, and the models were compared with all of them "
            f'together: `flask db merge -m "merge branches" {heads}` makes one of them.'
        )
    if state.pending:
        pending = ", ".join(one.revision for one in state.pending)
        yield f"Pending, and no drift: {pending}. `flask db upgrade` applies them."
    killed = _killed(state)
    if killed is not None:
        yield (
            f"Revision {killed.revision} was begun by {killed.who} on {killed.when} UTC and never "
            "ended, so what it has done so far shows as drift: `flask db upgrade` finishes it; "
            "look again after that, before any repair."
        )
    if holder is not None:
        yield (
            f"A migration is at work ({holder}), so what it has begun shows as drift: look again "
            "after that, before any repair."
        )


def _killed(state: State) -> history.Entry | None:
    last = state.history[-1] if state.history else None
    return last if last is not None and last.ended_ns is None else None


def of_the_database(
    live: Mapping[str, str],
    reached: Mapping[str, str],
    dialect: Dialect,
    *,
    is_behind: bool = False,
) -> Iterator[Finding]:
    """Where the catalogue of a database is not what its history makes.

    `is_behind` says that revisions are pending, which may make again what a repair has dropped.
    """
    for key in _differing(live, reached):
        if key not in reached and parse(key).kind == "partition":
            # A running service makes and drops them as it needs.
            continue
        difference = _difference(live.get(key), reached.get(key), "database")
        repair = dialect.repair(key, live, reached)
        if is_behind and difference == "INVALID" and key not in reached:
            # A killed run of the next revision may have left it.
            repair = [*repair, "flask db upgrade"]
        yield Finding(key, difference, "history", live.get(key), reached.get(key), tuple(repair))


def of_the_history(
    whole: Mapping[str, str], models: Mapping[str, str], metadata: MetaData, dialect: Dialect
) -> Iterator[Finding]:
    """Where the whole history does not make what the models say."""
    for key in _differing(whole, models):
        if key not in models and parse(key).kind not in MODELLED:
            # A history may hold what no model can say.
            continue
        yield Finding(
            key,
            _difference(whole.get(key), models.get(key), "history"),
            "models",
            whole.get(key),
            models.get(key),
            tuple(revising(key, whole, models, metadata, dialect)),
        )


def _difference(found: str | None, expected: str | None, where: str) -> str:
    if found is None:
        return f"missing in the {where}"
    state = UNFINISHED.search(found)
    if state is not None and not (expected or "").endswith(state[1]):
        return state[1]
    return DIFFERS if expected is not None else f"only in the {where}"


def _differing(found: Mapping[str, str], expected: Mapping[str, str]) -> list[str]:
    """The keys that differ: first what is too much, last made first, then what is to be made.

    What hangs on a table that is there on one side only goes with it, but for foreign keys: they
    are made when all tables are.
    """
    keys = [key for key in {**found, **expected} if found.get(key) != expected.get(key)]
    extra = [key for key in keys if key not in expected]
    lacking = [key for key in keys if key in expected]
    new_tables = {parse(key).name for key in lacking if key not in found and _is_table(key)}
    old_tables = {parse(key).name for key in extra if _is_table(key)}
    return [
        *reversed(in_order(_without(extra, old_tables), found)),
        *in_order(_without(lacking, new_tables, kept=_foreign_keys(expected)), expected),
    ]


def _is_table(key: str) -> bool:
    return parse(key).kind in {"table", "virtual table"}


def _foreign_keys(catalogue: Mapping[str, str]) -> set[str]:
    return {key for key, text in catalogue.items() if text.startswith("FOREIGN KEY ")}


def _without(
    keys: Collection[str], tables: Collection[str], kept: Collection[str] = ()
) -> list[str]:
    def hangs(thing: Thing) -> bool:
        return thing.kind != "table" and thing.belongs_to in tables

    return [key for key in keys if key in kept or not hangs(parse(key))]
