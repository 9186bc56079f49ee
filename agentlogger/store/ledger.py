"""The ledger of calls: what records report is merged into it, in the records' own transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection

from agentlogger.intake.record import Record
from agentlogger.limits import CALLS_ALIKE
from agentlogger.models.calls import ModelCall, ModelCallKey
from agentlogger.models.database import db, table_of
from agentlogger.store import identities, json_text, merging, standing
from agentlogger.store.connections import backend_of
from agentlogger.store.identifiers import new_record_ids
from agentlogger.store.merging import Report
from agentlogger.store.rows import Row
from agentlogger.store.scope import OperatorScope, ProjectScope
from agentlogger.store.written import Written

CALLS = table_of(ModelCall)
KEYS = table_of(ModelCallKey)
COLUMNS = tuple(column.name for column in CALLS.columns)
MADE = COLUMNS[2:]
"""The columns that are made from reports: all but the key."""
_made = itemgetter(*MADE)
_number_of = itemgetter(0)
NAMED = OperatorScope("which programs may write to a database is a matter of no project")

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


@dataclass(frozen=True)
class Drafts:
    """What records report, as calls that are new: made before a transaction, which then is short.

    On SQLite all others wait for it.
    """

    new: Mapping[Place, Report]
    stored_before: Collection[Place]
    calls: Mapping[int, list[Report]]
    names: Mapping[bytes, int]
    rows: Written
    """The calls as the database takes them, should nothing be known of any."""


def drafted(scope: ProjectScope, told: Sequence[Told]) -> Drafts:
    """What these records report, for `take`."""
    new: dict[Place, Report] = {}
    for one in told:
        place = (one.ts_ns, one.record_id)
        report = merging.report_of(one.record, *place)
        new[place] = _with_former_keys(report, new[place]) if place in new else report
    stored_before = {(one.ts_ns, one.record_id) for one in told if one.completed}
    calls = _numbered(_settled(merging.calls_of(new.values())))
    return Drafts(new, stored_before, calls, _names(calls), _written(scope, calls))


def take(scope: ProjectScope, connection: Connection, drafts: Drafts) -> None:
    """Merge what records report into the calls of the project.

    Locks are taken in one order by all: names, each in the order of their digests, then
    fingerprints, then calls. So requests wait for each other and never in a circle.
    """
    new, stored_before, names = drafts.new, drafts.stored_before, drafts.names
    fresh = _claim(scope, connection, names)
    meeting = _meeting(drafts.calls, names.keys() - fresh, stored_before)
    if not meeting:
        _insert_rows(connection, drafts.rows)
        _name_calls(scope, connection, drafts.calls)
        return
    alone = {number: drafts.calls[number] for number in drafts.calls.keys() - meeting.keys()}
    _insert_rows(connection, _written(scope, alone))
    _name_calls(scope, connection, alone)
    known = _Known(
        _standing(scope, connection, meeting, names.keys() - fresh, stored_before),
        {_place(report): report for reports in meeting.values() for report in reports},
        meeting,
    )
    known.stored_now = new.keys() - stored_before
    known.leads.update((name, names[name]) for name in fresh)
    _write(scope, connection, known)


def _numbered(calls: Iterable[list[Report]]) -> dict[int, list[Report]]:
    """The calls by their numbers: each has that of its first record, which so needs no name."""
    numbered: dict[int, list[Report]] = {}
    for reports in calls:
        number = reports[0]["record_id"]
        if number in numbered:
            # Records of other times may have it, once in a universe.
            (number,) = new_record_ids(1)
        numbered[number] = reports
    return numbered


def _meeting(
    drafts: Mapping[int, list[Report]], known: Collection[bytes], stored_before: Collection[Place]
) -> dict[int, list[Report]]:
    """The calls of which something may be known: most have names that nobody has written before."""
    if not known and not stored_before:
        return {}
    return {
        call_id: reports
        for call_id, reports in drafts.items()
        if any(_place(report) in stored_before for report in reports)
        or not _known_by(reports).isdisjoint(known)
    }


def _standing(
    scope: ProjectScope,
    connection: Connection,
    drafts: Mapping[int, list[Report]],
    known: Collection[bytes],
    stored_before: Collection[Place],
) -> list[Row]:
    """What may be of one call with these: by their names, their fingerprints, their records.

    The name of a record is looked for and never claimed: its row is locked, or nobody else's yet.
    """
    alike = {
        bytes.fromhex(one["fingerprint"])
        for reports in drafts.values()
        for one in reports
        if "fingerprint" in one
    }
    keys = {name for name in known if name not in alike}
    keys |= {merging.record_key(*place) for place in stored_before}
    records = {record_id for _, record_id in stored_before}
    return standing.locked(scope, connection, keys, alike.intersection(known), records)


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
    records = {record_id for _, record_id in words}
    backend = backend_of(db.engine.url)
    rows: list[tuple[Any, ...]] = []
    for row in standing.locked(scope, connection, keys, (), records):
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


def _known_by(reports: Iterable[Report]) -> set[bytes]:
    """Names and fingerprints of these reports."""
    found = {bytes.fromhex(key) for report in reports for key in report["keys"]}
    found.update(bytes.fromhex(one["fingerprint"]) for one in reports if "fingerprint" in one)
    return found


def _names(drafts: Mapping[int, list[Report]]) -> dict[bytes, int]:
    """Under which names the reports' calls are known, each with its call, a fingerprint with many.

    A record is nobody's name yet, or has been one of a call for long.
    """
    names: dict[bytes, int] = {}
    for call_id, reports in drafts.items():
        for report in reports:
            for key in report["keys"]:
                names[bytes.fromhex(key)] = call_id
            if "fingerprint" in report:
                names[bytes.fromhex(report["fingerprint"])] = SEVERAL
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


def _written(scope: ProjectScope, calls: Mapping[int, list[Report]]) -> Written:
    rows = [_row(scope, *call) for call in sorted(calls.items(), key=_number_of)]
    return backend_of(db.engine.url).written(COLUMNS, rows, json=0)


def _insert_rows(connection: Connection, written: Written) -> None:
    if written.rows:
        backend_of(db.engine.url).insert(connection, CALLS.name, written)


def _name_calls(
    scope: ProjectScope, connection: Connection, calls: Mapping[int, list[Report]]
) -> None:
    """Name the records of calls of which nothing else is known; other names lead there already."""
    leads = {_place(report): call_id for call_id, reports in calls.items() for report in reports}
    _name_records(scope, connection, leads)


def _name_records(scope: ProjectScope, connection: Connection, leads: Mapping[Place, int]) -> None:
    """Let records of which no name was ever written lead to their calls."""
    rows = [
        (scope.project_id, merging.record_key(*place), call_id)
        for place, call_id in leads.items()
        if call_id != place[1] or identities.older_may_run(NAMED, connection)
    ]
    if rows:
        backend = backend_of(db.engine.url)
        written = backend.written(KEYS.columns.keys(), sorted(rows), json=0)
        backend.insert(connection, KEYS.name, written)


def _write(scope: ProjectScope, connection: Connection, known: _Known) -> None:
    """Write the calls that are new or changed, and where each of their names leads."""
    backend = backend_of(db.engine.url)
    changed = known.changed()
    replacements = [
        _row(scope, call_id, reports)
        for call_id, reports in changed.items()
        if call_id in known.before
    ]
    fresh = {one: changed[one] for one in changed.keys() - known.before}
    _insert_rows(connection, _written(scope, fresh))
    if replacements:
        backend.replace(connection, CALLS, replacements)
    _lead(scope, connection, known, changed)
    standing.delete(scope, connection, known.before.keys() - known.after.keys())


def _lead(
    scope: ProjectScope,
    connection: Connection,
    known: _Known,
    changed: Mapping[int, list[Report]],
) -> None:
    """Let the names of these calls lead to them, as far as they do not yet."""
    records: dict[Place, int] = {}
    leads: dict[bytes, int] = {}
    for call_id, reports in changed.items():
        for report in reports:
            place = _place(report)
            record = merging.record_key(*place)
            if place in known.stored_now:
                records[place] = call_id
            elif known.leads.get(record) != call_id:
                leads[record] = call_id
            for name in map(bytes.fromhex, report["keys"]):
                if known.leads.get(name) != call_id:
                    leads[name] = call_id
    _name_records(scope, connection, records)
    if leads:
        rows = [(scope.project_id, *item) for item in sorted(leads.items())]
        backend_of(db.engine.url).replace(connection, KEYS, rows)
