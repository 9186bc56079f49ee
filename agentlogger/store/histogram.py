"""Histograms: how many records there were, by time and severity."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, bindparam, func, select, union_all

from agentlogger.errors import QueryTooSlow
from agentlogger.models.database import db, table_of
from agentlogger.models.logs import LogRecord
from agentlogger.store.bounded import STATEMENTS_KEPT, Walk, bounded, in_step, too_slow
from agentlogger.store.clock import DAY_NS
from agentlogger.store.connections import backend_of, reading
from agentlogger.store.logs import LogFilter, conditions
from agentlogger.store.scope import ProjectScope

TABLE = table_of(LogRecord)
columns = TABLE.c

SECOND, MINUTE, HOUR = 10**9, 60 * 10**9, 3_600 * 10**9

LADDER = (
    SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND,
    MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
    DAY_NS, 7 * DAY_NS, 28 * DAY_NS, 364 * DAY_NS, 3_640 * DAY_NS,
)  # fmt: skip
"""How long a bucket may be, in nanoseconds: times that people have words for. A bucket begins at a
multiple since 1970, so that it stays the same one while time goes on. The last ones are for records
whose clock was wrong: all times that there are make thirty of them."""


@dataclass
class Histogram:
    """Records by time and severity. Times are nanoseconds."""

    from_ns: int
    """What was asked for, else the time of the oldest record."""
    to_ns: int
    """What was asked for, else behind the newest record; not included."""
    bucket_ns: int
    counted_from_ns: int
    """What lies before this was not counted, since the time was over; else `from_ns`."""
    counts: dict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    """For the beginning of each bucket with any record, how many there are by severity number."""


def of_records(scope: ProjectScope, wanted: LogFilter, *, buckets: int) -> Histogram | None:
    """Count records in `buckets` buckets at most; None where the project has none in that time.

    Raises QueryTooSlow where not even the newest bucket was counted in time.
    """
    found: Histogram | None = None
    # What was counted when the time is over is whole buckets.
    with suppress(QueryTooSlow), reading() as connection:
        span = span_of(scope, wanted, connection)
        if span is None:
            return None
        found = Histogram(*span, _bucket(*span, buckets), counted_from_ns=span[1])
        query = _counts(db.engine.dialect.name, scope, replace(wanted, from_ns=None, to_ns=None))
        for step in Walk(*span, unit_ns=found.bucket_ns):
            parameters = {**step.parameters, "bucket_ns": found.bucket_ns}
            with bounded(connection, step.seconds):
                rows = connection.execute(query, parameters).all()
            for bucket, severity, records in rows:
                found.counts[bucket * found.bucket_ns][severity] = records
            found.counted_from_ns = step.from_ns
    if found is None or found.counted_from_ns == found.to_ns:
        raise too_slow()
    return found


def span_of(
    scope: ProjectScope, wanted: LogFilter, connection: Connection
) -> tuple[int, int] | None:
    """From when until when records are to be counted; None where the project has none then.

    An end that was not asked for is that of the records: one look into an index of each partition.
    """
    first = wanted.from_ns
    if first is None:
        first = _end(scope, wanted, connection, oldest=True)
    last = None if wanted.to_ns is None else wanted.to_ns - 1
    if last is None:
        last = _end(scope, wanted, connection, oldest=False)
    return None if first is None or last is None or last < first else (first, last + 1)


def _end(
    scope: ProjectScope, wanted: LogFilter, connection: Connection, *, oldest: bool
) -> int | None:
    """The time of the oldest or newest record within the time that is meant."""
    within = conditions(scope, LogFilter(from_ns=wanted.from_ns, to_ns=wanted.to_ns))
    order = columns.ts_ns.asc() if oldest else columns.ts_ns.desc()
    parts = [
        select(columns.ts_ns).where(columns.stray == stray, *within).order_by(order).limit(1)
        for stray in backend_of(db.engine.url).STRAYS
    ]
    both = union_all(*(select(part.subquery()) for part in parts)).subquery().c
    end = func.min(both.ts_ns) if oldest else func.max(both.ts_ns)
    found: int | None = connection.execute(select(end)).scalar_one()
    return found


def _bucket(from_ns: int, to_ns: int, buckets: int) -> int:
    """The shortest of the ladder with which so many are enough."""
    fitting = (step for step in LADDER if (to_ns - 1) // step - from_ns // step + 1 <= buckets)
    return next(fitting, LADDER[-1])


@lru_cache(maxsize=STATEMENTS_KEPT)
def _counts(_dialect: str, scope: ProjectScope, wanted: LogFilter) -> Select[Any]:
    """Records of a step by the number of their bucket since 1970 and by severity."""
    bucket = columns.ts_ns // bindparam("bucket_ns", type_=BigInteger)
    there = union_all(
        *(
            select(bucket.label("bucket"), columns.severity_number).where(
                columns.stray == stray, *conditions(scope, wanted), *in_step(columns.ts_ns)
            )
            for stray in backend_of(db.engine.url).STRAYS
        )
    ).subquery()
    return select(there.c.bucket, there.c.severity_number, func.count()).group_by(
        there.c.bucket, there.c.severity_number
    )
