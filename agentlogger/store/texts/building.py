"""Steps by which the index of texts follows what is stored. One worker of all takes them.

Each step is a short transaction that leaves everything as true as it was before: what is announced
becomes windows that wait, those become windows with bits, and sixty-four of these a segment. A step
that is not finished has not been.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, func, insert, select, tuple_, update

from agentlogger.limits import TIME_MAX_NS
from agentlogger.models.database import db, table_of
from agentlogger.models.logs import LogRecord
from agentlogger.models.projects import Project
from agentlogger.store import arrivals, key_lists, leases
from agentlogger.store.clock import now_ns
from agentlogger.store.connections import backend_of, reading, reading_one_moment, writing
from agentlogger.store.key_lists import Key
from agentlogger.store.leases import Taken
from agentlogger.store.positions import SECOND_NS
from agentlogger.store.rows import Row
from agentlogger.store.rows import rows_of as streamed
from agentlogger.store.scope import OperatorScope, ProjectScope
from agentlogger.store.texts import drafts as text_drafts
from agentlogger.store.texts import index as text_index
from agentlogger.store.texts import window_bits
from agentlogger.store.texts.drafts import Drafts
from agentlogger.store.texts.index import PROJECTS, SEGMENTS, SLICES, WINDOWS

RECORDS = table_of(LogRecord)
KNOWN_PROJECTS = table_of(Project)

SEGMENT_WINDOWS = window_bits.WINDOWS
"""Windows of a segment."""

GATHERED = 16_384
"""Keys that become waiting windows in one step, some 20 ms of it: more than the fastest ingest
stores while a duty that gives way takes one step and its rest."""

GATHER_SECONDS = 1.0
"""How old what was gathered may be while many projects have one step each."""

BUILT = 1_024
"""Records whose texts are read in one step: about a tenth of a second."""

FETCHED = 16
"""Records of them whose texts are read from the database at once: one may have megabytes."""

WAITING_ROWS = 32
"""Windows of a few records that wait: more of them become one."""

NOT_FOUND_NS = 60 * SECOND_NS
"""How long a record that is announced may not be there: on several nodes it may come later. Behind
that it is deleted."""

BEYOND = 2**63 - 1

INDEXING = OperatorScope("one worker indexes the texts of all projects")


def steps(scope: OperatorScope, lease: Taken) -> Iterator[None]:
    """Take one step after the other until all is done that can be, with a halt behind each.

    Raises LeaseLost, DatabaseUnavailable and DatabaseBehind, and then the step was not taken.
    """
    is_more = True
    while is_more:
        is_more = False
        yield from _gathered(scope, lease)
        gathered = time.monotonic()
        with reading() as connection:
            jobs = [ProjectScope(project) for project in _jobs(connection)]
        for project in jobs:
            if turn(project, lease) or build(project, lease) or walk(project, lease):
                is_more = True
                yield
            if time.monotonic() - gathered > GATHER_SECONDS:
                yield from _gathered(scope, lease)
                gathered = time.monotonic()


def _gathered(scope: OperatorScope, lease: Taken) -> Iterator[None]:
    """Gather to the end, step by step: a search goes without an index that knows too little."""
    while gather(scope, lease):
        yield
    yield


def gather(scope: OperatorScope, lease: Taken) -> bool:
    """Make waiting windows of what is announced; whether there is more of it."""
    with reading_one_moment() as connection:
        position = text_index.state(scope, connection)
        if position is not None:
            found = arrivals.read_on(scope, connection, position, limit=GATHERED)
            known = set(connection.execute(select(PROJECTS.c.project_id)).scalars())
            others = set(connection.execute(select(KNOWN_PROJECTS.c.id)).scalars())
    if position is None:
        with writing() as connection:
            leases.hold(scope, connection, lease)
            text_index.begin(scope, connection)
        return True
    others |= {arrival.project_id for arrival in found.arrivals}
    # A position that stays where it is would be lost one day.
    rests = found.position.moment_ns - position.moment_ns < 60 * SECOND_NS
    if not found.arrivals and others <= known and rests:
        return False
    keys: dict[int, list[Key]] = {project: [] for project in known}
    for arrival in found.arrivals:
        if arrival.project_id in known:
            keys[arrival.project_id] += arrival.keys
    identifiers = count(now_ns())
    rows = [
        text_index.window(ProjectScope(project), next(identifiers), some, None)
        for project, these in keys.items()
        for some in _chunks(sorted(set(these)))
    ]
    # What a new project has by now is walked to, as what it had before.
    begun = [
        {"project_id": new, "walked_ns": TIME_MAX_NS, "walked_id": BEYOND, "is_walked": False,
         "changes": 0}
        for new in sorted(others - known)
    ]  # fmt: skip
    with writing() as connection:
        leases.hold(scope, connection, lease)
        if text_index.advance(scope, connection, position, found.position):
            _insert(connection, WINDOWS, rows)
            _insert(connection, PROJECTS, begun)
    return not found.is_complete


def _chunks(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """Keys in their order, so many at once as are built at once."""
    for begin in range(0, len(keys), BUILT):
        yield keys[begin : begin + BUILT]


def _insert(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _jobs(connection: Connection) -> list[int]:
    """The projects of which something can be done."""
    waiting = func.sum(WINDOWS.c.records).filter(WINDOWS.c.bits.is_(None))
    waiting_rows = func.count().filter(WINDOWS.c.bits.is_(None))
    opened = func.count(WINDOWS.c.bits)
    full = (
        select(WINDOWS.c.project_id)
        .where(WINDOWS.c.segment_id.is_(None))
        .group_by(WINDOWS.c.project_id)
        .having(
            (waiting >= text_drafts.WINDOW_RECORDS)
            | (waiting_rows > WAITING_ROWS)
            | (opened >= SEGMENT_WINDOWS)
        )
    )
    unwalked = select(PROJECTS.c.project_id).where(PROJECTS.c.is_walked.is_(False))
    return list(connection.execute(full.union(unwalked)).scalars())


def walk(scope: ProjectScope, lease: Taken) -> bool:
    """Have the next of the older records wait, from the newest on; whether there were any left."""
    with reading() as connection:
        row = connection.execute(
            select(PROJECTS).where(PROJECTS.c.project_id == scope.project_id)
        ).first()
        if row is None or row.is_walked:
            return False
        keys = _older(scope, connection, (row.walked_ns, row.walked_id))
    values: dict[str, Any] = {"is_walked": True}
    if keys:
        values = {"walked_ns": keys[0][0], "walked_id": keys[0][1]}
    with writing() as connection:
        leases.hold(INDEXING, connection, lease)
        if text_index.still(scope, connection, row.changes):
            if keys:
                _insert(connection, WINDOWS, [text_index.window(scope, now_ns(), keys, None)])
            of_it = PROJECTS.c.project_id == scope.project_id
            connection.execute(update(PROJECTS).where(of_it).values(values))
    return True


def _older(scope: ProjectScope, connection: Connection, key: Key) -> list[Key]:
    """The next keys before this one, in rising order."""
    ts_ns, number = RECORDS.c.ts_ns, RECORDS.c.id
    found: list[Key] = []
    for stray in backend_of(db.engine.url).STRAYS:
        rows = connection.execute(
            select(ts_ns, number)
            .where(
                RECORDS.c.project_id == scope.project_id,
                RECORDS.c.stray == stray,
                ts_ns <= key[0],
                (ts_ns < key[0]) | (number < key[1]),
            )
            .order_by(ts_ns.desc(), number.desc())
            .limit(BUILT)
        )
        found += [(row.ts_ns, row.id) for row in rows]
    return sorted(found)[-BUILT:]


def build(scope: ProjectScope, lease: Taken) -> bool:
    """Read the texts of records that wait, where they fill a window; whether they did."""
    is_waiting = and_(
        WINDOWS.c.project_id == scope.project_id,
        WINDOWS.c.segment_id.is_(None),
        WINDOWS.c.bits.is_(None),
    )
    with reading_one_moment() as connection:
        changes = text_index.changes_of(scope, connection)
        taken, keys = _taken(
            connection.execute(
                select(WINDOWS.c.id, WINDOWS.c["keys"].label("packed"))
                .where(is_waiting)
                # The newest first: that is what most searches look for.
                .order_by(WINDOWS.c.last_ns.desc())
                .limit(BUILT)
            )
        )
        if changes is None or (
            len(keys) < text_drafts.WINDOW_RECORDS and len(taken) <= WAITING_ROWS
        ):
            return False
        drafts = Drafts()
        rest = keys[:-BUILT]
        for row in _texts(scope, connection, keys[-BUILT:]):
            drafts.add(row)
    missing = set(keys[-BUILT:]) - drafts.seen
    if missing and now_ns() - min(taken) < NOT_FOUND_NS:
        return False
    windows, left = drafts.windows()
    identifiers = count(now_ns())
    rows = [text_index.window(scope, next(identifiers), *window) for window in windows]
    if rest + left:
        rows.append(text_index.window(scope, next(identifiers), sorted(rest + left), None))
    with writing() as connection:
        leases.hold(INDEXING, connection, lease)
        if text_index.still(scope, connection, changes):
            connection.execute(delete(WINDOWS).where(WINDOWS.c.id.in_(taken)))
            _insert(connection, WINDOWS, rows)
    return True


def _taken(rows: Any) -> tuple[list[int], list[Key]]:
    """Windows that wait, with as many records as are built at once, and their keys in order."""
    taken: list[int] = []
    keys: set[Key] = set()
    for row in rows:
        if len(keys) >= BUILT:
            break
        taken.append(row.id)
        keys.update(key_lists.unpacked(row.packed))
    return taken, sorted(keys)


def _texts(scope: ProjectScope, connection: Connection, keys: Sequence[Key]) -> Iterator[Row]:
    """The records with these keys, with what is indexed of them, about in their order."""
    names = ("ts_ns", "id", *text_drafts.INDEXED)
    backend = backend_of(db.engine.url)
    for begin in range(0, len(keys), text_drafts.WINDOW_RECORDS):
        some = keys[begin : begin + text_drafts.WINDOW_RECORDS]
        for stray in backend.STRAYS:
            statement = _with_keys(scope, names, stray, some).execution_options(
                stream_results=True, max_row_buffer=FETCHED
            )
            found = connection.execute(statement, backend.key_parameters(some))
            yield from streamed(found, FETCHED)


def _with_keys(
    scope: ProjectScope, names: Sequence[str], stray: int, keys: Sequence[Key]
) -> Select[Any]:
    backend = backend_of(db.engine.url)
    asked = backend.key_rows()
    return select(*(RECORDS.c[name] for name in names)).where(
        RECORDS.c.project_id == scope.project_id,
        RECORDS.c.stray == stray,
        tuple_(RECORDS.c.ts_ns, RECORDS.c.id).in_(select(asked.c.ts_ns, asked.c.id)),
        *backend.only_days(RECORDS.c.ts_ns, keys[0][0], keys[-1][0]),
    )


def turn(scope: ProjectScope, lease: Taken) -> bool:
    """Make a segment of sixty-four open windows, where there are so many; whether there were."""
    is_open = and_(
        WINDOWS.c.project_id == scope.project_id,
        WINDOWS.c.segment_id.is_(None),
        WINDOWS.c.bits.is_not(None),
    )
    with reading_one_moment() as connection:
        changes = text_index.changes_of(scope, connection)
        windows = connection.execute(
            select(WINDOWS.c.id, WINDOWS.c.first_ns, WINDOWS.c.last_ns, WINDOWS.c.bits)
            .where(is_open)
            .order_by(WINDOWS.c.last_ns, WINDOWS.c.id)
            .limit(SEGMENT_WINDOWS)
        ).all()
    if changes is None or len(windows) < SEGMENT_WINDOWS:
        return False
    identifier = now_ns()
    segment = {
        "project_id": scope.project_id,
        "id": identifier,
        "first_ns": min(one.first_ns for one in windows),
        "last_ns": max(one.last_ns for one in windows),
    }
    turned = window_bits.slices([bytes(one.bits) for one in windows])
    backend = backend_of(db.engine.url)
    rows = [(identifier, number, bits) for number, bits in enumerate(turned)]
    written = backend.written(SLICES.columns.keys(), rows, json=0)
    with writing() as connection:
        leases.hold(INDEXING, connection, lease)
        if text_index.still(scope, connection, changes):
            _insert(connection, SEGMENTS, [segment])
            backend.insert(connection, SLICES.name, written)
            for place, window in enumerate(windows):
                connection.execute(
                    update(WINDOWS)
                    .where(WINDOWS.c.id == window.id)
                    .values(segment_id=identifier, place=place, bits=None)
                )
    return True
