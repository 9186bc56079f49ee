"""Bars over time as SVG: drawn in thousandths of their width, which the page decides."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from agentlogger.migrate.durations import duration
from agentlogger.migrate.rehearsal.holding import EVERYBODY, NOBODY, WRITERS, Held, Span, starts
from agentlogger.migrate.rehearsal.results import Step

WIDTH = 1000
LEAST = 3.0
"""Thousandths that a bar has at least, so that a lock of a microsecond can be seen."""

CLASSES = {NOBODY: "weak", WRITERS: "writers", EVERYBODY: "all"}


def bars(spans: Iterable[tuple[float, float, str, str]], whole: float) -> str:
    """Bars of start, end, class and title on one line that is `whole` seconds long."""
    drawn = []
    for start, end, kind, title in spans:
        left = WIDTH * start / whole if whole else 0.0
        width = max(LEAST, WIDTH * (end - start) / whole if whole else 0.0)
        left = min(left, WIDTH - width)
        drawn.append(
            f'<rect class="{kind}" x="{left:.1f}" width="{width:.1f}" height="10">'
            f"<title>{escape(title)}</title></rect>"
        )
    return (
        f'<svg viewBox="0 0 {WIDTH} 10" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(drawn)}</svg>"
    )


def statements(step: Step, whole: float) -> str:
    """The step's statements one after the other, and what it takes beside them."""
    spans = []
    for number, (start, one) in enumerate(
        zip(starts(step.statements), step.statements, strict=True), start=1
    ):
        kind = "odd" if number % 2 else "even"
        title = f"{number}: {duration(one.seconds)}"
        spans.append((start, start + one.seconds, kind, title))
    beside = step.code_seconds + step.commit_seconds
    if beside:
        title = f"the revision's own code and commit: {duration(beside)}"
        spans.append((step.seconds - beside, step.seconds, "code", title))
    return bars(spans, whole)


def table(one: Held, whole: float) -> str:
    """When a table is locked, and how strongly."""
    return bars(
        [
            (span.start, span.end, CLASSES[span.stops], f"{span.what}: {_length(span)}")
            for span in one.spans
        ],
        whole,
    )


def overview(step: Step, tables: list[Held], whole: float) -> str:
    """A step in one bar: grey for its time, coloured where a table is locked."""
    spans = [(0.0, step.seconds, "time", duration(step.seconds))]
    for whom in (WRITERS, EVERYBODY):
        spans += [
            (span.start, span.end, CLASSES[whom], f"{span.what} on {one.table}: {_length(span)}")
            for one in tables
            for span in one.spans
            if span.stops == whom
        ]
    return bars(spans, whole)


def _length(span: Span) -> str:
    return duration(span.end - span.start)
