"""Where things lie in time, for pictures that the server draws: in parts of a hundred of a width.

SVG takes those as they are, so that a picture is as wide as its place and no letter is stretched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentlogger.showing import figures
from agentlogger.showing.characters import one_line
from agentlogger.showing.lines import item_line

LEAST_WIDTH = 0.3
"""Of a bar, in hundredths: about three pixels of a window, which can still be seen."""

STEPS_NS = tuple(
    seconds * 10**9
    for seconds in (
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400,
    )
)  # fmt: skip
TICKS = 6
SUB_SECOND_PARTS = 4
TITLE_CHARACTERS = 200
NEAR_THE_BEGINNING, NEAR_THE_END = 8, 92
"""In hundredths of a width of 300 pixels: half of a word such as `27 Nov` has no room beyond."""
LANES = {"call": "model", "tool": "tools"}
OTHER = "other"


@dataclass(frozen=True)
class Bar:
    """Something that took its time, or was at a moment."""

    x: float
    width: float
    failed: bool
    title: str
    number: int
    """Which item of the story it is, from 1; a link leads there."""


@dataclass(frozen=True)
class Lane:
    """Bars of one sort."""

    name: str
    bars: list[Bar]


@dataclass(frozen=True)
class Mark:
    """A moment with a word: a tick of the axis, or a prompt by its number."""

    x: float
    label: str

    @property
    def anchor(self) -> str:
        """Which end of the word stands there, so that it stays inside."""
        if self.x < NEAR_THE_BEGINNING:
            return "start"
        return "end" if self.x > NEAR_THE_END else "middle"


@dataclass(frozen=True)
class Scale:
    """From moments to places."""

    begin_ns: int
    end_ns: int

    def x(self, at_ns: int) -> float:
        """Where a moment lies, from 0 to 100."""
        length = max(1, self.end_ns - self.begin_ns)
        return round(min(100.0, max(0.0, 100 * (at_ns - self.begin_ns) / length)), 3)

    def bar(self, began_ns: int, took_ns: int) -> tuple[float, float]:
        """Where a bar begins and how wide it is, so that it can be seen and stays inside."""
        begin, end = self.x(began_ns), self.x(began_ns + took_ns)
        width = round(max(LEAST_WIDTH, end - begin), 3)
        return round(min(begin, 100 - width), 3), width

    def ticks(self) -> list[Mark]:
        """Round spans of time since the beginning."""
        length = self.end_ns - self.begin_ns
        step = next((one for one in STEPS_NS if length / one <= TICKS), STEPS_NS[-1])
        if length < STEPS_NS[0]:
            step = max(1, length // SUB_SECOND_PARTS)
        moments = range(step, length, step)[:TICKS]
        return [Mark(self.x(self.begin_ns + one), f"+{figures.duration(one)}") for one in moments]


@dataclass(frozen=True)
class Timeline:
    """A run in time: lanes of bars, prompts across them, and an axis."""

    lanes: list[Lane]
    prompts: list[Mark]
    ticks: list[Mark]
    length: str


def timeline_of(told: Mapping[str, Any]) -> Timeline | None:
    """The timeline of a story; None where everything happened at one moment."""
    items = [item for turn in told["turns"] for item in turn["items"]]
    spans = {span["record"] for span in told["spans"]}
    placed = [(item, began_ns(item, spans), item["duration_ns"] or 0) for item in items]
    asked = [turn["prompt"]["ts_ns"] for turn in told["turns"] if turn["prompt"]]
    lengths = [(began, took) for _, began, took in placed]
    lengths += [(span["ts_ns"], span["duration_ns"] or 0) for span in told["spans"]]
    begins = [*(began for began, _ in lengths), *asked, told["first_ns"]]
    ends = [*(began + took for began, took in lengths), told["last_ns"]]
    scale = Scale(min(begins), max(ends))
    if scale.end_ns <= scale.begin_ns:
        return None
    lanes: dict[str, list[Bar]] = {"model": [], "tools": [], OTHER: []}
    for number, (item, began, took) in enumerate(placed, start=1):
        line = item_line(item)
        x, width = scale.bar(began, took)
        title = one_line(f"{line.what}  {line.figures}  {line.text[:TITLE_CHARACTERS]}".strip())
        bar = Bar(x, width, line.failed or item["what"] == "error", title, number)
        lanes[LANES.get(item["what"], OTHER)].append(bar)
    return Timeline(
        lanes=[Lane(name, bars) for name, bars in lanes.items() if bars],
        prompts=[Mark(scale.x(at_ns), str(number)) for number, at_ns in enumerate(asked, start=1)],
        ticks=scale.ticks(),
        length=figures.duration(scale.end_ns - scale.begin_ns),
    )


def began_ns(item: Mapping[str, Any], spans: Sequence[str] | set[str]) -> int:
    """When something began: a span's time is its beginning, and a log record's is its end.

    What was decided on beforehand has the time of the decision.
    """
    ts_ns: int = item["ts_ns"]
    begins = item["decision"] is not None or any(one in spans for one in item["records"])
    return ts_ns if begins else ts_ns - (item["duration_ns"] or 0)


def waterfall_of(spans: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], Bar]]:
    """Each span with its bar, on the scale of its trace."""
    scales: dict[str, Scale] = {}
    for span in spans:
        begin, end = span["ts_ns"], span["ts_ns"] + (span["duration_ns"] or 0)
        known = scales.get(span["trace_id"], Scale(begin, end))
        scales[span["trace_id"]] = Scale(min(known.begin_ns, begin), max(known.end_ns, end))
    return [
        (span, Bar(*_bar(scales[span["trace_id"]], span), span["ok"] is False, "", number))
        for number, span in enumerate(spans, start=1)
    ]


def _bar(scale: Scale, span: Mapping[str, Any]) -> tuple[float, float]:
    return scale.bar(span["ts_ns"], span["duration_ns"] or 0)
