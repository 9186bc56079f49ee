"""The ledger of calls: what records report is merged into it, in the records' own transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, delete, select

from agentlogger.intake.record import Record
from agentlogger.limits import CALLS_ALIKE
from agentlogger.models.calls import ModelCall, ModelCallKey
from agentlogger.models.database import db, table_of
from agentlogger.store import json_text, merging
from agentlogger.store.connections import backend_of
from agentlogger.store.identifiers import new_record_ids
from agentlogger.store.merging import Report
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.scope import ProjectScope

CALLS = table_of(ModelCall)
KEYS = table_of(ModelCallKey)
COLUMNS = tuple(column.name for column in CALLS.columns)
MADE = COLUMNS[2:]
"""The columns that are made from reports: all but the key."""
_made = itemgetter(*MADE)
PIECE = 1_000
"""How many values one IN has: SQLite takes 32,766 of them, and a request may have more records."""

SEVERAL = 0
"""Where a fingerprint leads: no call has this number."""

Place = tuple[int, int]
"""Where a record is: its time and its number."""


@dataclass(frozen=True)
class Told:
    """A stored record that reports a call."""

    record: Record
    ts_ns: int
    record_id: int
    completed: bool = False
    """Whether the record was stored before and has been completed, so that it reports anew."""


def take(scope: ProjectScope, connection: Connection, told: Sequence[Told]) -> None:
    """Merge what these records report into the calls of the project.

    Locks are taken in one order by all: names, each in the order of their digests, then
    fingerprints, then calls. So requests wait for each other and never in a circle.
    """
    if not told:
        return
    new: dict[Place, Report] = {}
    for one in told:
        place = (one.ts_ns, one.record_id)
        report = merging.report_of(one.record, *place)
        new[place] = _with_former_keys(report, new.get(place))
    stored_before = {(one.ts_ns, one.record_id) for one in told if one.completed}
    drafts = dict(
        zip(new_record_ids(len(new)), _settled(merging.calls_of(new.values())), strict=False)
    )
    names = _names(drafts, stored_before)
    fresh = _claim(scope, connection, names)
    known_names = {name: call_id for name, call_id in names.items() if name not in fresh}
    fingerprints = {name for name, call_id in known_names.items() if call_id == SEVERAL}
    standing = _standing(scope, connection, known_names.keys() - fingerprints, fingerprints)
    known = _Known(standing, new, drafts)
    known.stored_now = new.keys() - stored_before
    known.leads.update((name, names[name]) for name in fresh)
    _write(scope, connection, known)


def reword(
    scope: ProjectScope, connection: Connection, words: Mapping[Place, Mapping[str, str | None]]
) -> None:
    """Let records say other words of their calls than they did, for what was redacted in them.

    `words` are columns of the records that were changed, by where these are. Their rows are locked
    by the caller, who takes no more of them afterwards: calls come after records in the order.
    """
    if not words:
        return
    keys = {merging.record_key(*place) for place in words}
    backend = backend_of(db.engine.url)
    rows: list[tuple[Any, ...]] = []
    for row in _standing(scope, connection, keys, ()):
        reports = merging.ordered(
            [_with_words(report, words.get(_place(report), {})) for report in row["reports"]]
        )
        if reports != row["reports"]:
            rows.append(_row(scope, row["call_id"], reports))
    if rows:
        backend.replace(connection, CALLS, rows)


def _with_words(report: Report, words: Mapping[str, str | None]) -> Report:
    said = report | {word: text for word, text in words.items() if word in merging.WORDS}
    return {name: value for name, value in said.items() if value is not None}


def _row(scope: ProjectScope, call_id: int, reports: list[Report]) -> tuple[Any, ...]:
    """A call's row, in the order of COLUMNS; its reports are JSON text."""
    columns = merging.columns_of(reports)
    columns["reports"] = json_text.serialize(reports)
    return (scope.project_id, call_id, *_made(columns))


def _place(report: Report) -> Place:
    return report["ts_ns"], report["record_id"]


def _with_former_keys(report: Report, former: Report | None) -> Report:
    """A completed span keeps the names under which its beginning was known."""
    keys = {*report["keys"], *former["keys"]} if former is not None else report["keys"]
    return report if len(keys) == len(report["keys"]) else report | {"keys": sorted(keys)}


def _names(
    drafts: Mapping[int, list[Report]], stored_before: Collection[Place]
) -> dict[bytes, int]:
    """Under which names the reports' calls are known, each with its call, a fingerprint with many.

    A record that is stored just now is nobody's name yet, and is written with the calls.
    """
    names: dict[bytes, int] = {}
    for call_id, reports in drafts.items():
        for report in reports:
            for key in report["keys"]:
                names[bytes.fromhex(key)] = call_id
            if "fingerprint" in report:
                names[bytes.fromhex(report["fingerprint"])] = SEVERAL
            if _place(report) in stored_before:
                names[merging.record_key(*_place(report))] = call_id
    return names


def _claim(scope: ProjectScope, connection: Connection, names: Mapping[bytes, int]) -> set[bytes]:
    """Write the names that nobody has written; return these.

    Whoever has just written one is waited for, and then it is there.
    """
    if not names:
        return set()
    rows = [(scope.project_id, *item) for item in sorted(names.items())]
    new = backend_of(db.engine.url).insert_new(connection, KEYS, rows)
    return {name for _, name in new}


def _standing(
    scope: ProjectScope,
    connection: Connection,
    keys: Collection[bytes],
    fingerprints: Collection[bytes],
) -> list[Row]:
    """The calls that have one of these names or fingerprints, and all alike to them, locked.

    Which calls these are is known only when they are locked: another request may have merged two
    meanwhile, or one may have a fingerprint that is not locked. Then all locks of this attempt are
    given back, and the next one takes them in their order.
    """
    fingerprints, missing = set(fingerprints), set[int]()
    while keys or fingerprints:
        attempt = connection.begin_nested()
        _lock_fingerprints(scope, connection, fingerprints)
        wanted = _wanted(scope, connection, keys, fingerprints)
        rows = _locked(scope, connection, wanted)
        unlocked = {bytes(row["fingerprint"]) for row in rows if row["fingerprint"] is not None}
        gone = wanted - {row["call_id"] for row in rows}
        if unlocked <= fingerprints and gone <= missing:
            attempt.commit()
            return rows
        attempt.rollback()
        fingerprints |= unlocked
        missing = gone
    return []


def _lock_fingerprints(
    scope: ProjectScope, connection: Connection, fingerprints: Collection[bytes]
) -> None:
    for piece in _pieces(fingerprints):
        connection.execute(
            select(KEYS.c.digest)
            .where(KEYS.c.project_id == scope.project_id, KEYS.c.digest.in_(piece))
            .order_by(KEYS.c.digest)
            .with_for_update()
        ).all()


def _wanted(
    scope: ProjectScope,
    connection: Connection,
    keys: Collection[bytes],
    fingerprints: Collection[bytes],
) -> set[int]:
    wanted: set[int] = set()
    for names, table, column in ((keys, KEYS, "digest"), (fingerprints, CALLS, "fingerprint")):
        for piece in _pieces(names):
            wanted.update(
                connection.execute(
                    select(table.c.call_id).where(
                        table.c.project_id == scope.project_id, table.c[column].in_(piece)
                    )
                ).scalars()
            )
    return wanted


def _locked(scope: ProjectScope, connection: Connection, call_ids: Collection[int]) -> list[Row]:
    rows: list[Row] = []
    for piece in _pieces(call_ids):
        rows += all_rows(
            connection.execute(
                select(CALLS.c.call_id, CALLS.c.fingerprint, CALLS.c.reports)
                .where(CALLS.c.project_id == scope.project_id, CALLS.c.call_id.in_(piece))
                .order_by(CALLS.c.call_id)
                .with_for_update()
            )
        )
    return rows


def _pieces(values: Collection[Any]) -> Iterator[list[Any]]:
    ordered = sorted(values)
    return (ordered[start : start + PIECE] for start in range(0, len(ordered), PIECE))


class _Known:
    """All that is known of some calls: what stood, what is new, and what comes of both."""

    def __init__(
        self,
        standing: Iterable[Row],
        new: Mapping[Place, Report],
        drafts: Mapping[int, list[Report]],
    ) -> None:
        self.before: dict[int, list[Report]] = {row["call_id"]: row["reports"] for row in standing}
        self.owners: dict[Place, int] = {}
        """The call that each known record was of."""
        self.leads: dict[bytes, int] = {}
        """The call that each name leads to that is written."""
        self.stored_now: set[Place] = set()
        """The records of which none can know by name yet."""
        pool: dict[Place, Report] = {}
        for call_id, reports in self.before.items():
            for report in reports:
                place = _place(report)
                pool[place] = report
                self.owners[place] = call_id
                self.leads[merging.record_key(*place)] = call_id
                self.leads.update((bytes.fromhex(key), call_id) for key in report["keys"])
        for place, report in new.items():
            pool[place] = _with_former_keys(report, pool.get(place))
        self.after = self._after(pool, drafts) if self.before else dict(drafts)

    def _after(
        self, pool: Mapping[Place, Report], drafts: Mapping[int, list[Report]]
    ) -> dict[int, list[Report]]:
        """All of it as calls; each keeps the number that its first known report had, if it can."""
        drafted = {
            _place(report): call_id for call_id, reports in drafts.items() for report in reports
        }
        calls = _settled(merging.calls_of(pool.values()))
        others = new_record_ids(len(calls))
        after: dict[int, list[Report]] = {}
        for reports in calls:
            places = [_place(report) for report in reports]
            owners = (self.owners[place] for place in places if place in self.owners)
            drafted_ids = (drafted[place] for place in places if place in drafted)
            ids = (one for one in chain(owners, drafted_ids, others) if one not in after)
            after[next(ids)] = reports
        return after

    def changed(self) -> dict[int, list[Report]]:
        """The calls of which other is known than before."""
        return {
            call_id: reports
            for call_id, reports in self.after.items()
            if self.before.get(call_id) != reports
        }


def _settled(calls: list[list[Report]]) -> list[list[Report]]:
    """Let no more than CALLS_ALIKE calls wait for reports with their fingerprint.

    Of more, the oldest are done waiting and forget it: else each report of an agent that says the
    same a million times would be compared with a million calls.
    """
    alike: dict[str, int] = defaultdict(int)
    settled = []
    for reports in reversed(calls):
        fingerprint = merging.fingerprint_of(reports)
        if fingerprint is not None:
            alike[fingerprint] += 1
            if alike[fingerprint] > CALLS_ALIKE:
                settled.append(
                    [{k: v for k, v in one.items() if k != "fingerprint"} for one in reports]
                )
                continue
        settled.append(reports)
    settled.reverse()
    return settled


def _write(scope: ProjectScope, connection: Connection, known: _Known) -> None:
    """Write the calls that are new or changed, and where each of their names leads."""
    backend = backend_of(db.engine.url)
    changed = known.changed()
    inserts: list[tuple[Any, ...]] = []
    replacements: list[tuple[Any, ...]] = []
    for call_id, reports in changed.items():
        rows = replacements if call_id in known.before else inserts
        rows.append(_row(scope, call_id, reports))
    if inserts:
        backend.insert(connection, CALLS.name, COLUMNS, inserts, json=0)
    if replacements:
        backend.replace(connection, CALLS, replacements)
    _lead(scope, connection, known, changed)
    for piece in _pieces(known.before.keys() - known.after.keys()):
        connection.execute(
            delete(CALLS).where(CALLS.c.project_id == scope.project_id, CALLS.c.call_id.in_(piece))
        )


def _lead(
    scope: ProjectScope,
    connection: Connection,
    known: _Known,
    changed: Mapping[int, list[Report]],
) -> None:
    """Let the names of these calls lead to them, as far as they do not yet."""
    records: list[tuple[int, bytes, int]] = []
    leads: dict[bytes, int] = {}
    for call_id, reports in changed.items():
        for report in reports:
            place = _place(report)
            record = merging.record_key(*place)
            if place in known.stored_now:
                records.append((scope.project_id, record, call_id))
            elif known.leads.get(record) != call_id:
                leads[record] = call_id
            for name in map(bytes.fromhex, report["keys"]):
                if known.leads.get(name) != call_id:
                    leads[name] = call_id
    backend = backend_of(db.engine.url)
    if records:
        backend.insert(connection, KEYS.name, KEYS.columns.keys(), records, json=0)
    if leads:
        rows = [(scope.project_id, *item) for item in sorted(leads.items())]
        backend.replace(connection, KEYS, rows)
