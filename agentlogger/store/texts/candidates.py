"""Which records a search has to look at, in the order in which it lists them.

What the index tells may be more than there is and is never less: the query itself judges each
record. Nothing is read before its turn comes, so that a word that is everywhere is found as soon.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, case, func, select

from agentlogger.models.database import table_of
from agentlogger.models.logs import LogRecord
from agentlogger.query.narrowing import ROWS_MOST, Narrowing
from agentlogger.store import arrivals, key_lists
from agentlogger.store.key_lists import Key
from agentlogger.store.scope import OperatorScope, ProjectScope
from agentlogger.store.texts import index as text_index
from agentlogger.store.texts import window_bits
from agentlogger.store.texts.index import PROJECTS, SEGMENTS, SLICES, WINDOWS

RECORDS = table_of(LogRecord)

SEARCHES = OperatorScope("a search reads how far the index of texts has come")

ANNOUNCED_MOST = 20_000
"""Records that are announced and in no window: of more a search reads all as if without an index.
Half a second's worth, which the index makes up for in less."""

SEGMENTS_FIRST = 1
SEGMENTS_MOST = 512
"""Segments that are asked at once: few at first, since a common word is found in them."""

WINDOWS_MOST = 64
"""Windows whose keys are read at once; from one on it doubles."""

KEYS_FIRST = 128
KEYS_MOST = 2_048
"""Records that are looked at by one statement, doubling."""

FEW = 5_000
"""Records of which all are read sooner than the index is asked for some: of 2,760 a rare word takes
22 ms of processor so and 35 by the index on PostgreSQL (measured). Each 1,000 more take 3 ms."""

DENSE = 2
"""Records for each that may be like it: where there are fewer, all are read in order as fast."""

FIRST_ID = -1
LAST_ID = 2**63


@dataclass(frozen=True)
class Stretch:
    """What is looked for in: times, behind which key, and in which order."""

    from_ns: int
    to_ns: int
    """Not included."""
    after: Key | None
    newest_first: bool


class Keys(NamedTuple):
    """Look at these records, in this order."""

    keys: list[Key]


class Scan(NamedTuple):
    """Look at all records behind `after`, and before `before` where there are such keys."""

    after: Key | None
    before: Key | None


Part = Keys | Scan


class Until(NamedTuple):
    """Look at all records as far as to here, where no record is, or to the end."""

    key: Key | None


def parts(
    scope: ProjectScope, connection: Connection, narrowing: Narrowing, stretch: Stretch
) -> Iterator[Part] | None:
    """What to look at, part by part in order; None where the index is of no use now.

    The connection must see one moment of the database, and is read from as parts are taken.
    """
    position = text_index.state(SEARCHES, connection)
    walked = connection.execute(
        select(PROJECTS.c.walked_ns, PROJECTS.c.walked_id, PROJECTS.c.is_walked).where(
            PROJECTS.c.project_id == scope.project_id
        )
    ).first()
    if position is None or walked is None:
        return None
    since = None if walked.is_walked else (walked.walked_ns, walked.walked_id)
    search = _Search(scope, connection, narrowing, stretch, since)
    search.begin()
    if not search.segments and search.chosen + search.left_out <= FEW:
        return None
    news = arrivals.read_on(
        SEARCHES, connection, position, projects={scope.project_id}, limit=ANNOUNCED_MOST
    )
    if not news.is_complete:
        return None
    search.add_keys([key for arrival in news.arrivals for key in arrival.keys])
    return None if search.is_dense else search.parts()


class _Search:
    """One search: what is known of it so far, as keys and as sources of further keys, in order.

    An order is a key with both numbers negated where the newest come first.
    """

    def __init__(
        self,
        scope: ProjectScope,
        connection: Connection,
        narrowing: Narrowing,
        stretch: Stretch,
        since: Key | None,
    ) -> None:
        self.scope, self.connection, self.narrowing = scope, connection, narrowing
        self.stretch, self.since = stretch, since
        self.sign = -1 if stretch.newest_first else 1
        self.least, self.most = stretch.from_ns, stretch.to_ns - 1
        if stretch.after is not None and stretch.newest_first:
            self.most = min(self.most, stretch.after[0])
        elif stretch.after is not None:
            self.least = max(self.least, stretch.after[0])
        if since is not None:
            self.least = max(self.least, since[0])
        self.last: Key | None = None
        self.behind = None if stretch.after is None else self._order(stretch.after)
        """What is looked for is behind this, in order."""
        self.keys: list[Key] = []
        self.windows: list[tuple[Key, Key, int]] = []
        """Each between two places in order."""
        self.chosen, self.left_out = 0, 0
        """Of the windows that are in no segment: records of those that may have it, and of the
        others."""
        self.segments: list[tuple[Key, int]] = []
        self.segments_at_once, self.windows_at_once = SEGMENTS_FIRST, 1

    def parts(self) -> Iterator[Part]:
        """See above."""
        after = self.stretch.after
        older = self.since is not None and self.stretch.from_ns <= self.since[0]
        if older and not self.stretch.newest_first:
            yield Scan(after, self.since)
        self.last = after if self.since is None or self.stretch.newest_first else self._start()
        some: list[Key] = []
        size = KEYS_FIRST
        for found in self._in_order():
            if not isinstance(found, Until):
                some.append(found)
                if len(some) == size:
                    yield self._next(some)
                    some, size = [], min(2 * size, KEYS_MOST)
                continue
            if some:
                yield self._next(some)
                some = []
            yield Scan(self.last, found.key)
            self.last = found.key
        if some:
            yield self._next(some)
        if older and self.stretch.newest_first:
            assert self.since is not None  # noqa: S101  (that is what older says)
            yield Scan(self.since if after is None else min(after, self.since), None)

    @property
    def is_dense(self) -> bool:
        """Whether so many of all that there is may have it, as of the first few thousand records.

        One statement that reads all in order is then the quickest.
        """
        may_hold = len(self.keys) + self.chosen
        return not self.segments and DENSE * may_hold > may_hold + self.left_out

    def _start(self) -> Key | None:
        """Behind which key an index that does not know the older records has its first one."""
        assert self.since is not None  # noqa: S101  (who asks has looked)
        before = (self.since[0], self.since[1] - 1)
        return before if self.stretch.after is None else max(self.stretch.after, before)

    def _next(self, some: Sequence[Key]) -> Part:
        """Look at these, behind all that was looked at before."""
        last, self.last = self.last, some[-1]
        if self._is_dense(last, some):
            return Scan(last, (some[-1][0], some[-1][1] + self.sign))
        return Keys(list(some))

    def _is_dense(self, last: Key | None, some: Sequence[Key]) -> bool:
        """Whether there are hardly other records between these keys than these, by their times."""
        ends = (self.most if self.sign < 0 else self.least) if last is None else last[0]
        most = DENSE * len(some)
        least, greatest = sorted((ends, some[-1][0]))
        these = (
            select(RECORDS.c.ts_ns)
            .where(
                RECORDS.c.project_id == self.scope.project_id,
                RECORDS.c.ts_ns.between(least, greatest),
            )
            .limit(most + 1)
        )
        counted = select(func.count()).select_from(these.subquery())
        return self.connection.execute(counted).scalar_one() <= most

    def _order(self, key: Key) -> Key:
        return self.sign * key[0], self.sign * key[1]

    def _bound(self, first_ns: int, last_ns: int) -> Key:
        """Before all keys of a segment, and no further before than it must be."""
        return self._between(first_ns, last_ns)[0]

    def add_keys(self, keys: list[Key]) -> None:
        """Have these looked at, so far as they are asked for and not looked at by a scan."""
        for key in keys:
            if not self.least <= key[0] <= self.most or (self.since and key < self.since):
                continue
            order = self._order(key)
            if self.behind is None or order > self.behind:
                heappush(self.keys, order)

    def _in_order(self) -> Iterator[Key | Until]:
        """Every key once, in order; a source is opened when its first key may be the next.

        Where most windows of some segments may have it, none is opened, and all is to be read.
        """
        last = None
        while True:
            bounds = [heap[0][0] for heap in (self.windows, self.segments) if heap]
            if bounds and (not self.keys or min(bounds) <= self.keys[0]):
                if self.segments and self.segments[0][0] == min(bounds):
                    if self._open_segments():
                        yield self._until()
                else:
                    self._open_windows()
            elif self.keys:
                order = heappop(self.keys)
                if order != last:
                    last = order
                    yield self._order(order)
            else:
                return

    def _until(self) -> Until:
        """As far as to the next segment, and leave out what stands before that."""
        key: Key | None = None
        if self.segments:
            bound = self._order(self.segments[0][0])
            key = (bound[0] + (self.sign < 0), FIRST_ID)
        elif self.since is not None and self.sign < 0:
            key = (self.since[0], self.since[1] - 1)
        if key is None:
            self.keys, self.windows = [], []
            return Until(None)
        behind = self.behind = self._order(key)
        self.keys = [order for order in self.keys if order > behind]
        self.windows = [window for window in self.windows if window[1] > behind]
        heapify(self.keys)
        heapify(self.windows)
        return Until(key)

    def _between(self, first_ns: int, last_ns: int) -> tuple[Key, Key]:
        """The places before and behind all keys of a window."""
        ends = self._order((first_ns, FIRST_ID)), self._order((last_ns, LAST_ID))
        return min(ends), max(ends)

    def begin(self) -> None:
        """Find the segments, and look at the windows that are in none."""
        if self.least > self.most:
            return
        c = SEGMENTS.c
        here = text_index.within(self.scope, SEGMENTS, self.least, self.most)
        rows = self.connection.execute(select(c.id, c.first_ns, c.last_ns).where(here))
        self.segments = [(self._bound(row.first_ns, row.last_ns), row.id) for row in rows]
        heapify(self.segments)
        asked = self.narrowing.rows
        parameters = {
            "project_id": self.scope.project_id, "least": self.least, "most": self.most,
            **{_place(turn): window_bits.place_in_column(row) for turn, row in enumerate(asked)},
        }  # fmt: skip
        for row in self.connection.execute(_alone(len(asked)), parameters):
            if not row.waits:
                data = [bytes(byte) for byte in row[5:]]
                bits = {
                    number: window_bits.bits_of_column(byte, number)
                    for number, byte in zip(asked, data, strict=True)
                }
                if not self.narrowing.may_hold(bits, 1):
                    self.left_out += row.records
                    continue
            self.chosen += row.records
            heappush(self.windows, (*self._between(row.first_ns, row.last_ns), row.id))

    def _open_segments(self) -> bool:
        """Ask the next segments which of their windows may have it; whether most may."""
        some = [
            heappop(self.segments)[1] for _ in range(min(self.segments_at_once, len(self.segments)))
        ]
        self.segments_at_once = min(2 * self.segments_at_once, SEGMENTS_MOST)
        bits: dict[int, dict[int, int]] = {segment: {} for segment in some}
        chosen = dict.fromkeys(some, (1 << window_bits.WINDOWS) - 1)
        for rows in (self.narrowing.first, self.narrowing.others):
            left = [segment for segment, windows in chosen.items() if windows]
            if left and rows:
                self._read_bits(bits, left, rows)
                chosen |= {one: self.narrowing.may_hold(bits[one], chosen[one]) for one in left}
        may_hold = sum(windows.bit_count() for windows in chosen.values())
        w = WINDOWS.c
        found = self.connection.execute(
            select(w.id, w.segment_id, w.place, w.first_ns, w.last_ns).where(
                w.segment_id.in_([segment for segment, windows in chosen.items() if windows]),
                text_index.within(self.scope, WINDOWS, self.least, self.most),
            )
        )
        for window in found:
            if chosen[window.segment_id] >> window.place & 1:
                ends = self._between(window.first_ns, window.last_ns)
                heappush(self.windows, (*ends, window.id))
        return may_hold * DENSE > window_bits.WINDOWS * len(some)

    def _read_bits(
        self, bits: dict[int, dict[int, int]], segments: Sequence[int], rows: Sequence[int]
    ) -> None:
        asked = _by_slice(rows)
        for segment, number, *data in self.connection.execute(_slices(segments, asked)):
            for row, eight in zip(asked[number], data, strict=False):
                bits[segment][row] = int.from_bytes(bytes(eight), "little")

    def _open_windows(self) -> None:
        """Read the keys of the next windows."""
        some = [
            heappop(self.windows)[2] for _ in range(min(self.windows_at_once, len(self.windows)))
        ]
        self.windows_at_once = min(2 * self.windows_at_once, WINDOWS_MOST)
        packed = select(WINDOWS.c["keys"]).where(WINDOWS.c.id.in_(some))
        for keys in self.connection.execute(packed).scalars():
            self.add_keys(key_lists.unpacked(keys))


def _place(turn: int) -> str:
    return f"place_{turn}"


@lru_cache(maxsize=ROWS_MOST + 1)
def _alone(rows: int) -> Select[Any]:
    """The windows that are in no segment, with a byte of their column for each of so many rows."""
    w = WINDOWS.c
    asked = [
        func.substr(w.bits, bindparam(_place(turn)), 1).label(f"bit_{turn}") for turn in range(rows)
    ]
    return select(
        w.id, w.first_ns, w.last_ns, w.records, w.bits.is_(None).label("waits"), *asked
    ).where(
        w.segment_id.is_(None),
        w.project_id == bindparam("project_id"),
        w.last_ns >= bindparam("least"),
        w.first_ns <= bindparam("most"),
    )


def _by_slice(rows: Sequence[int]) -> dict[int, list[int]]:
    """Rows by the number of their slice."""
    found: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        found[window_bits.place_in_slices(row)[0]].append(row)
    return found


def _slices(segments: Collection[int], asked: Mapping[int, Sequence[int]]) -> Select[Any]:
    """Of these segments the slices that are asked for, and of each the bits of its rows alone."""
    number = SLICES.c.slice
    bits = []
    for turn in range(max(map(len, asked.values()))):
        bytes_of = {
            one: window_bits.place_in_slices(rows[turn])[1]
            for one, rows in asked.items()
            if len(rows) > turn
        }
        begin = case(bytes_of, value=number)
        bits.append(func.substr(SLICES.c.bits, begin, window_bits.ROW_BYTES).label(f"bits_{turn}"))
    return select(SLICES.c.segment_id, number, *bits).where(
        SLICES.c.segment_id.in_(segments), number.in_(asked)
    )
