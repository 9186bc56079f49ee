"""The trees of traces: spans below their parents, whatever is missing. Knows no database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from agentlogger.store.rows import Row

PARENT_MISSING = "parent_missing"
"""The parent was not received, or is not in the part that was read."""

CYCLE = "cycle"
"""Each span of a circle is below itself: it is cut before the one that began first."""

SAME_ID = "same_id"
"""Another span of the trace has the same id: what is below either stands below the first."""


def forest(records: Sequence[Row]) -> list[Row]:
    """Every span of these records, in the order of a tree's lines: each below its parent.

    `depth` says how deep; `problem` why a span stands where it does although it says otherwise.
    Traces come by their beginnings, and the spans below one parent too. Nothing is added up: what
    a span tells is its own. `within` counts what else was recorded within a span.
    """
    within: dict[tuple[str, str], int] = defaultdict(int)
    traces: dict[str, list[Row]] = defaultdict(list)
    for row in records:
        if not (row["trace_id"] and row["span_id"]):
            continue
        if row["is_span"]:
            traces[row["trace_id"]].append(row)
        else:
            within[row["trace_id"], row["span_id"]] += 1
    return [line for spans in traces.values() for line in _Tree(spans, within).lines()]


class _Tree:
    """The spans of one trace."""

    def __init__(self, spans: Sequence[Row], within: dict[tuple[str, str], int]) -> None:
        self.spans = spans
        self.within = within
        self.first: dict[str, Row] = {}
        self.problems: dict[str, str] = {}
        self.below: dict[str, list[Row]] = defaultdict(list)
        self.told: set[str] = set()
        for row in spans:
            if self.first.setdefault(row["span_id"], row) is not row:
                self.problems[row["record"]] = SAME_ID

    def lines(self) -> Iterator[Row]:
        """Every span once: below the roots, and then what no root is above."""
        roots = []
        for row in self.spans:
            parent = row["parent_span_id"]
            if parent in self.first:
                self.below[parent].append(row)
                continue
            if parent:
                self.problems.setdefault(row["record"], PARENT_MISSING)
            roots.append(row)
        for row in roots:
            yield from self._from(row)
        for row in self.spans:
            if row["record"] not in self.told:
                begin = self._first_of_circle(row)
                self.problems[begin["record"]] = CYCLE
                yield from self._from(begin)

    def _first_of_circle(self, row: Row) -> Row:
        """The first span of the circle that is above a span which no root is above."""
        passed: list[str] = []
        seen: set[str] = set()
        while row["span_id"] not in seen:
            passed.append(row["span_id"])
            seen.add(row["span_id"])
            row = self.first[row["parent_span_id"]]
        circle = passed[passed.index(row["span_id"]) :]
        return min((self.first[name] for name in circle), key=lambda one: (one["ts_ns"], one["id"]))

    def _from(self, root: Row) -> Iterator[Row]:
        """A span and what is below it. No recursion: a client may send a chain of any length."""
        waiting = [(root, 0)]
        while waiting:
            row, depth = waiting.pop()
            if row["record"] in self.told:
                continue
            self.told.add(row["record"])
            is_first = self.first[row["span_id"]] is row
            yield row | {
                "depth": depth,
                "problem": self.problems.get(row["record"]),
                "within": self.within[row["trace_id"], row["span_id"]] if is_first else 0,
            }
            if is_first:
                waiting += [(one, depth + 1) for one in reversed(self.below[row["span_id"]])]
