"""Which partitions PostgreSQL leaves unopened: it plans for each that a statement may be about.

For thirty days it plans two milliseconds, which is more than all the rest of a page takes, and for
one day a tenth of that (measured). Most pages end within the day that they begin in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, Table, and_, literal, or_, select

from agentlogger.store.backend import Days
from agentlogger.store.clock import DAY_NS, day_of, now_ns
from agentlogger.store.postgresql.arrays import STRAYS

NEAR_DAYS = 2
"""Days that are asked for alone before the others: just after midnight the first has few records.
What is found on neither is rare, or old, and a third statement is the smaller part of its time."""


def days(from_ns: int | None, to_ns: int | None, *, newest_first: bool) -> Iterator[Days]:
    """The days at the beginning of a walk, one by one, then the others at once.

    Without a beginning the newest day is today, with all that is later, and the oldest is unknown.
    """
    asked = 0
    if newest_first:
        day = day_of(now_ns() if to_ns is None else min(now_ns(), to_ns - 1))
        while asked < NEAR_DAYS and (from_ns is None or from_ns < day * DAY_NS):
            yield Days(day * DAY_NS, to_ns, is_near=True)
            day, to_ns, asked = day - 1, day * DAY_NS, asked + 1
        yield Days(from_ns, to_ns, is_near=asked < NEAR_DAYS)
        return
    while from_ns is not None and asked < NEAR_DAYS:
        end = (day_of(from_ns) + 1) * DAY_NS
        if to_ns is not None and to_ns <= end:
            break
        yield Days(from_ns, end, is_near=True)
        from_ns, asked = end, asked + 1
    yield Days(from_ns, to_ns, is_near=from_ns is not None and asked < NEAR_DAYS)


def near(chosen: Select[Any], table: Table, these: Days, limit: int) -> Select[Any]:
    """The first of what is chosen, which is of near days, and in order.

    The daily partition and the strays are one walk in order, and no other is planned for. That
    takes a condition for each value of `stray` with bounds of its own: equal ones it takes out of
    both, and then prunes nothing.

    The limit is one that it cannot know before, so that it plans for a tenth of the day. It knows
    nothing of how many records have a tool in lower case, takes them for few, and would read the
    whole day and sort it where the walk finds fifty at once.
    """
    there = or_(
        *(
            and_(
                table.c.stray == stray,
                *([] if these.from_ns is None else [table.c.ts_ns >= these.from_ns - stray]),
                *([] if these.to_ns is None else [table.c.ts_ns < these.to_ns + stray]),
            )
            for stray in STRAYS
        )
    )
    return chosen.where(there).limit(select(literal(limit)).scalar_subquery())
