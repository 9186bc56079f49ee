"""A session or trace as a story: its prompts, and under each what followed, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from rich.text import Text

from agentlogger.showing import figures
from agentlogger.showing.characters import one_line
from agentlogger.showing.lines import RESULT, Item, item_line, sums_of
from agentlogger.terminal import console
from agentlogger.terminal.brief import RESERVED, first_that_fit, shortened
from agentlogger.terminal.lines import said_by
from agentlogger.terminal.moments import moment_of
from agentlogger.terminal.tokens import estimate
from agentlogger.terminal.visible import marked_line

Run = Mapping[str, Any]

TEXTS = (2_000, 1_000, 500, 250, 120, 60)
"""To how many characters texts are cut for a model; under the last, lines are left out."""

OTHERS = 8
"""Events that tell nothing of their own, of which the number is said."""

NO_PROMPT, NOT_SENT = "(before any prompt)", "(its text was not sent)"
PROMPT = "▸ "


@dataclass(frozen=True)
class Layout:
    """Sets a story for a terminal of some width, or for a pipe."""

    width: int | None
    zone: tzinfo | None
    spans: bool

    def lines(self, run: Run) -> Iterator[Text]:
        """Every line of a story."""
        yield from self._heading(run)
        for turn in run["turns"]:
            yield Text()
            yield self._prompt(turn)
            for item in turn["items"]:
                row = Text("  ").append(self._clock(item), console.QUIET).append("  ")
                yield self._fit(row.append_text(said_by(item_line(item))))
        if self.spans and run["spans"]:
            yield Text()
            yield Text("Spans", "bold")
            for span in run["spans"]:
                yield self._fit(_span(span))

    def _heading(self, run: Run) -> Iterator[Text]:
        is_session = run["session_id"] is not None
        head = Text("Session " if is_session else "Trace ", "bold")
        head.append_text(marked_line(run["session_id"] if is_session else run["trace_id"], "bold"))
        yield self._fit(head)
        first, last = (self._moment(run[name]) for name in ("first_time", "last_time"))
        length = figures.duration(int((last - first).total_seconds() * figures.SECOND_NS))
        until = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
        yield Text(f"{first:%a %Y-%m-%d %H:%M:%S} to {until} {first:%z}, {length}")
        names = [*run["agents"], *run["models"], *run["users"]]
        yield self._fit(marked_line(", ".join(names), console.AGENT))
        yield self._fit(Text("  ".join(sums_of(run)), console.QUIET))

    def _prompt(self, turn: Mapping[str, Any]) -> Text:
        prompt = turn["prompt"]
        text = _asked(turn)
        row = Text(PROMPT, console.WHAT)
        if prompt is not None:
            row.append(f"{self._moment(prompt['time']):%H:%M:%S}  ", console.QUIET)
        return self._fit(row.append_text(marked_line(text, console.WHAT)))

    def _clock(self, item: Item) -> str:
        return f"{moment_of(int(item['ts_ns']), self.zone):%H:%M:%S}"

    def _moment(self, iso: str) -> datetime:
        return datetime.fromisoformat(iso).astimezone(self.zone)

    def _fit(self, row: Text) -> Text:
        row.no_wrap = True
        if self.width is not None:
            row.truncate(self.width, overflow="ellipsis")
        return row


def footnotes(run: Run) -> Iterator[str]:
    """What is not told, a sentence each."""
    others = sorted(run["others"].items(), key=lambda pair: -pair[1])
    if others:
        named = ", ".join(f"{one_line(event)} {number:,}" for event, number in others[:OTHERS])
        rest = f" and {len(others) - OTHERS} more" if len(others) > OTHERS else ""
        yield f"Not told by themselves: {named}{rest}."
    left = run["left_out"]
    if left is not None:
        least = "at least " if left["is_more"] else ""
        yield f"{least}{left['records']:,} records follow: --after {left['after']}.".capitalize()
    if run["traces_left_out"]:
        yield "Some records of its traces are left out for their number."


def brief_of(run: Run, tokens: int) -> str:
    """A story for a language model, within so many tokens; the middle is left out first."""
    foot = list(footnotes(run))
    room = tokens - RESERVED - sum(estimate(line) + 1 for line in foot)
    limit = TEXTS[-1]
    for limit in TEXTS:
        lines = [*_brief_heading(run), *_brief_lines(run, limit)]
        if sum(estimate(line) + 1 for line in lines) <= room:
            return "\n".join([*lines, *_said_of_cuts(run, limit), *foot])
    # How it began is worth less than how it ended.
    end = first_that_fit(lines[::-1], room * 2 // 3)
    begin = min(first_that_fit(lines, room // 3), len(lines) - end)
    left = len(lines) - end - begin
    gap = f"... {left} lines are left out here: ask for more tokens ..."
    told = [*lines[:begin], *([gap] if left else []), *lines[len(lines) - end :]]
    return "\n".join([*told, *_said_of_cuts(run, limit), *foot])


def _brief_heading(run: Run) -> list[str]:
    what = "session" if run["session_id"] is not None else "trace"
    identifier = one_line(run["session_id"] or run["trace_id"] or "")
    names = one_line(", ".join([*run["agents"], *run["models"], *run["users"]]))
    times = f"{run['first_time'][:19]} to {run['last_time'][:19]} UTC"
    figures_ = ", ".join(sums_of(run)).replace("→", "->")
    return [shortened(f"{what} {identifier}", 200), times, shortened(names, 300), figures_]


def _brief_lines(run: Run, limit: int) -> Iterator[str]:
    for turn in run["turns"]:
        prompt = turn["prompt"]
        text = one_line(_asked(turn))
        clock = f"{prompt['time'][11:19]} " if prompt is not None else ""
        yield f"PROMPT {clock}{shortened(text, limit)}"
        for item in turn["items"]:
            line = item_line(item)
            clock = f"{moment_of(int(item['ts_ns']), UTC):%H:%M:%S}"
            name = one_line(line.what)[:60]
            parts = [clock, item["what"], name if name != item["what"] else ""]
            parts += ["FAILED" if line.failed else "", line.figures.replace("→", "->")]
            said = " ".join(part for part in parts if part)
            text = shortened(one_line(line.text).replace(RESULT.strip(), "=>"), limit)
            yield f"{said} | {text}" if text else said


def _said_of_cuts(run: Run, limit: int) -> list[str]:
    texts = [item_line(item).text for turn in run["turns"] for item in turn["items"]]
    texts += [_asked(turn) for turn in run["turns"]]
    cut = sum(len(one_line(text)) > limit for text in texts)
    return [f"{cut} texts are cut to {limit} characters."] if cut else []


def _asked(turn: Mapping[str, Any]) -> str:
    prompt = turn["prompt"]
    return NO_PROMPT if prompt is None else prompt["text"] or NOT_SENT


def _span(span: Mapping[str, Any]) -> Text:
    row = Text("  " * (span["depth"] + 1))
    row.append_text(marked_line(span["name"] or span["span_id"]))
    if span["ok"] is False:
        row.append(" ✗", console.FAILED)
    if span["duration_ns"] is not None:
        row.append(f" {figures.duration(span['duration_ns'])}", console.QUIET)
    if span["problem"]:
        row.append(f"  {span['problem']}", console.QUIET)
    return row


def session_line(session: Mapping[str, Any]) -> str:
    """A session of a list for a language model."""
    usage = session["usage"]
    names = one_line(", ".join([*session["agents"], *session["models"]]))
    said = (
        f"{session['prompts']} prompts {usage['calls']} calls {session['tools']} tools "
        f"{session['errors']} errors {figures.dollars(usage['cost_micro_usd'])}"
    )
    parts: Sequence[str] = (
        session["last_time"][:19],
        one_line(session["session_id"])[:200],
        shortened(names, 120),
        said,
    )
    return " | ".join(part for part in parts if part)
