"""Log records: appended, each of them stored once, by requests that share a transaction."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from agentlogger.errors import IdempotencyKeyReused
from agentlogger.intake.digests import Claim
from agentlogger.intake.record import Batch, Record, Rejection
from agentlogger.models.database import db
from agentlogger.store import (
    arrivals,
    completing,
    digests,
    identities,
    inserting,
    ledger,
    receipts,
    wakeups,
)
from agentlogger.store.clock import day_of
from agentlogger.store.completing import Completed
from agentlogger.store.connections import backend_of, place, writing
from agentlogger.store.group_commit import GroupCommit
from agentlogger.store.inserting import REFUSED_VALUES, Numbered, Request
from agentlogger.store.receipts import Count
from agentlogger.store.scope import OperatorScope, ProjectScope

TOGETHER = OperatorScope("requests of several projects are stored in one transaction")

ALONE_RECORDS = 100
"""A request with as many pays for a commit of its own. In groups such requests come to wait for
each other: all of a worker's are read while the database is idle, and are written while the worker
is. On PostgreSQL 11,900 records a second became 7,200 by that (`bench/ingest.py`)."""


@dataclass(frozen=True)
class Appended:
    """What became of records: sent = stored + duplicates + rejections."""

    stored: int
    duplicates: int
    rejections: list[Rejection]
    is_repeat: bool = False
    """Whether the whole request was known, and so none of its records was looked at."""

    def all_rejections(self, batch: Batch) -> list[Rejection]:
        """What of a batch was refused on the way in and by the database, by its place there."""
        by_database = [
            Rejection(batch.positions[item.index], item.code, item.reason)
            for item in self.rejections
        ]
        return sorted([*batch.rejections, *by_database], key=lambda item: item.index)


@dataclass
class Fate:
    """What is becoming of a request within a transaction."""

    known: list[int] = field(default_factory=list)
    """The indices of records that are stored already."""
    rejections: list[Rejection] = field(default_factory=list)


Outcome = Appended | IdempotencyKeyReused
_groups: WeakKeyDictionary[Engine, GroupCommit[Request, Outcome]] = WeakKeyDictionary()
os.register_at_fork(after_in_child=_groups.clear)


def append(
    scope: ProjectScope,
    records: Sequence[Record],
    *,
    claim: Claim | None = None,
    refused: int = 0,
    size: int = 0,
) -> Appended:
    """Store a request's records; what is returned is on disk.

    The request may share its transaction with others that wait beside it; `size` is its bytes. With
    a `claim` the whole of it is stored once, however often it comes. A record whose identity is
    stored already is counted as a duplicate. A record that the database refuses by itself is
    refused alone; `refused` is how many were so before, to be counted with them.

    Raises DatabaseUnavailable or DatabaseBehind, and then nothing was stored, unless the wait was
    too long for the client; and IdempotencyKeyReused where the claim's key came with another
    request.
    """
    if not records and not refused:
        return Appended(0, 0, [])
    request = Request(scope, records, claim if records else None, refused)
    if len(records) >= ALONE_RECORDS:
        outcome = _append_alone(request)
    else:
        group = _groups.get(db.engine)
        if group is None:
            may_wait = backend_of(db.engine.url).ROWS_ARE_LOCKED
            briefly = _append_briefly if may_wait else None
            commits = GroupCommit(_append_whole, _append_alone, briefly)
            group = _groups.setdefault(db.engine, commits)
        outcome = group.commit(request, records=len(records), size=size)
    if isinstance(outcome, IdempotencyKeyReused):
        raise outcome
    return outcome


def _append_alone(request: Request) -> Outcome:
    """Store one request; where the database refuses a record of it, the others all the same."""
    try:
        return _append([request])[0]
    except REFUSED_VALUES as fault:
        if _misplaced(fault):
            with suppress(*REFUSED_VALUES):
                return _append([request])[0]
        return _append([request], by_halves=True)[0]


def _misplaced(fault: Exception) -> bool:
    return isinstance(fault, DBAPIError) and backend_of(db.engine.url).misplaced(fault)


def _append_whole(requests: Sequence[Request]) -> list[Outcome]:
    return _append(requests, briefly=True)


def _append_briefly(request: Request) -> Outcome:
    return _append_whole([request])[0]


def _append(
    requests: Sequence[Request], *, by_halves: bool = False, briefly: bool = False
) -> list[Outcome]:
    """Store requests in one transaction; `briefly` gives up soon where another holds a lock.

    Rows and calls are written out before it, and identities sorted, as if all were new: others wait
    for a transaction, and on SQLite all of them. By halves, each is written out when its turn
    comes, since one of them cannot be.

    Its steps wait for other transactions in one order everywhere: digests, identities, records,
    receipts, each of them sorted. So no two transactions wait for each other.
    """
    days = {day_of(record.ts_ns) for request in requests for record in request.records}
    numbers = inserting.number(requests, days - place(days))
    everything = [one for many in numbers.values() for one in many]
    rows = None if by_halves else inserting.rows_of(everything)
    drafts = {} if by_halves else _drafted(_reporting(everything))
    named = _named(everything)
    with writing() as connection:
        if briefly:
            backend_of(db.engine.url).wait_briefly(connection)
        claimed = _first_with_each_digest(requests)
        before = digests.claim(
            TOGETHER,
            connection,
            {key: (one.claim, len(one.records)) for key, one in claimed.items() if one.claim},
        )
        fates = {
            request: Fate()
            for request in requests
            if (key := _digest(request)) is None or (claimed[key] is request and key not in before)
        }
        numbered = _new(connection, fates, everything, named)
        for one, reason in inserting.insert(connection, numbered, rows) if numbered else []:
            rejection = Rejection(
                one.position, "record.refused", f"The database refused it: {reason}"
            )
            fates[one.request].rejections.append(rejection)
        refused = {(request, one.index) for request in fates for one in fates[request].rejections}
        stored = numbered
        if refused:
            stored = [one for one in numbered if (one.request, one.position) not in refused]
        completed = _complete(connection, fates)
        if by_halves or len(stored) < len(everything):
            told = _reporting(stored)
            for scope, done in completed.items():
                told[scope] += done.told
            drafts = _drafted(told)
        for scope in sorted(drafts, key=attrgetter("project_id")):
            ledger.take(scope, connection, drafts[scope])
        _take_back(connection, fates)
        outcomes = [_outcome(request, fates, claimed, before) for request in requests]
        receipts.add(TOGETHER, connection, _counts(requests, outcomes))
        arrived = _keys(stored, completed)
        arrivals.announce(TOGETHER, connection, arrived)
        digests.forget(TOGETHER, connection, claimed)
    if arrived:
        wakeups.of(db.engine).stored()
    return outcomes


def _reporting(stored: Sequence[Numbered]) -> dict[ProjectScope, list[ledger.Told]]:
    """The records that are stored now and report a call, by project."""
    told: dict[ProjectScope, list[ledger.Told]] = defaultdict(list)
    for one in stored:
        if one.record.call is not None:
            told[one.request.scope].append(ledger.Told(one.record, one.record.ts_ns, one.added[1]))
    return told


def _drafted(
    told: Mapping[ProjectScope, Sequence[ledger.Told]],
) -> dict[ProjectScope, ledger.Drafts]:
    return {scope: ledger.drafted(scope, these) for scope, these in told.items() if these}


def _keys(
    stored: Sequence[Numbered], completed: Mapping[ProjectScope, Completed]
) -> dict[int, arrivals.Keys]:
    """The keys of what is stored and completed now, by project."""
    keys: dict[int, arrivals.Keys] = defaultdict(arrivals.Keys)
    for one in stored:
        keys[one.added[0]].stored.append((one.record.ts_ns, one.added[1]))
    for scope, done in completed.items():
        if done.keys:
            keys[scope.project_id].completed += done.keys
    return keys


def _digest(request: Request) -> digests.Key | None:
    return None if request.claim is None else (request.scope.project_id, request.claim.digest)


def _first_with_each_digest(requests: Sequence[Request]) -> dict[digests.Key, Request]:
    first: dict[digests.Key, Request] = {}
    for request in requests:
        key = _digest(request)
        if key is not None:
            first.setdefault(key, request)
    return first


def _named(numbered: Sequence[Numbered]) -> dict[identities.Key, Numbered]:
    """The first record with each identity, in the order of these."""
    first: dict[identities.Key, Numbered] = {}
    for one in numbered:
        if one.record.identity is not None:
            first.setdefault((one.added[0], one.record.identity), one)
    return dict(sorted(first.items(), key=itemgetter(0)))


def _new(
    connection: Connection,
    fates: dict[Request, Fate],
    everything: list[Numbered],
    first: dict[identities.Key, Numbered],
) -> list[Numbered]:
    """Of the requests with a fate, the records that are new; those that are known are noted.

    `first` is what `_named` says of everything.
    """
    numbered = everything
    if any(one.request not in fates for one in everything):
        numbered = [one for one in everything if one.request in fates]
        first = _named(numbered)
    if not first:
        return numbered
    places = {key: (one.record.ts_ns, one.added[1]) for key, one in first.items()}
    new = identities.claim(TOGETHER, connection, places)
    if len(new) == len(numbered):
        return numbered
    fresh = []
    for one in numbered:
        identity = one.record.identity
        key = (one.added[0], identity) if identity is not None else None
        if key is None or (key in new and first[key] is one):
            fresh.append(one)
        else:
            fates[one.request].known.append(one.position)
    return fresh


def _complete(connection: Connection, fates: dict[Request, Fate]) -> dict[ProjectScope, Completed]:
    """Complete what is known and has ended now: of one project at once, the projects in order."""
    ended: dict[ProjectScope, list[Record]] = defaultdict(list)
    for request, fate in fates.items():
        records = (request.records[index] for index in fate.known)
        ended[request.scope] += [record for record in records if record.completes]
    return {
        scope: completing.complete(scope, connection, ended[scope])
        for scope in sorted(ended, key=attrgetter("project_id"))
    }


def _take_back(connection: Connection, fates: dict[Request, Fate]) -> None:
    """Let what was refused be sent again, corrected, and keep the refusals for a retry."""
    refused = {request: fate for request, fate in fates.items() if fate.rejections}
    if not refused:
        return
    claims = {
        (request.scope.project_id, identity)
        for request, fate in refused.items()
        for one in fate.rejections
        if (identity := request.records[one.index].identity) is not None
    }
    identities.release(TOGETHER, connection, claims)
    kept = {
        key: fate.rejections
        for request, fate in refused.items()
        if (key := _digest(request)) is not None
    }
    nothing = {
        key
        for request, fate in refused.items()
        if len(fate.rejections) == len(request.records) and (key := _digest(request)) is not None
    }
    digests.refuse(TOGETHER, connection, kept)
    digests.release(TOGETHER, connection, nothing)


def _outcome(
    request: Request,
    fates: dict[Request, Fate],
    claimed: dict[digests.Key, Request],
    before: dict[digests.Key, digests.Before],
) -> Outcome:
    sent = len(request.records)
    if request in fates:
        fate = fates[request]
        stored = sent - len(fate.known) - len(fate.rejections)
        return Appended(stored, len(fate.known), fate.rejections)
    key = _digest(request)
    assert key is not None and request.claim is not None  # noqa: S101, PT018  (else it has a fate)
    if key in before:
        named, rejections = before[key].request, before[key].rejections
    else:
        first = claimed[key]
        named = first.claim.request if first.claim else None
        rejections = fates[first].rejections
    if named != request.claim.request:
        return IdempotencyKeyReused(
            "This Idempotency-Key came with another request before, so nothing was stored: use a "
            "new key for each request, and the same one only to send the same bytes again."
        )
    return Appended(0, sent - len(rejections), rejections, is_repeat=True)


def _counts(requests: Sequence[Request], outcomes: Sequence[Outcome]) -> dict[int, Count]:
    counts: dict[int, Count] = defaultdict(Count)
    for request, outcome in zip(requests, outcomes, strict=True):
        count = counts[request.scope.project_id]
        count.refused += request.refused
        if isinstance(outcome, Appended):
            count.stored += outcome.stored
            count.duplicates += outcome.duplicates
            count.refused += len(outcome.rejections)
        else:
            count.refused += len(request.records)
    return counts
