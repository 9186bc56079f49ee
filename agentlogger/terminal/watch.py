"""`agentlogger watch`: rates, errors and cost on a screen that refreshes itself."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

import click
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agentlogger.showing import figures
from agentlogger.showing.lines import Record
from agentlogger.terminal import console, options, records, runs, stats
from agentlogger.terminal.following import pause
from agentlogger.terminal.lines import Layout
from agentlogger.terminal.moments import moment_of
from agentlogger.terminal.options import Finds, joined
from agentlogger.terminal.places import Place, reads_from
from agentlogger.terminal.records import Asked
from agentlogger.terminal.sources import INTERRUPTED, Refused, Source
from agentlogger.terminal.visible import marked_line

USAGE = "/api/v1/usage"

WINDOWS = (("1 min", "-1m", 1), ("15 min", "-15m", 15), ("1 h", "-1h", 60), ("24 h", "-1d", 1_440))
"""The columns: their names, how they are asked for, and their minutes."""

OLD_SECONDS = (0, 0, 15, 60)
"""How old the sums of each may be: those of a day are many calls, and change slowly."""

QUERY = "level:>=error"
"""What is shown of records, where nobody asks for others."""

SESSIONS_MOST, SESSIONS_LEAST = 8, 3
HEADINGS = 12
"""Lines of the screen that hold neither sessions nor records."""

EVERY_SECONDS = 5


@dataclass
class Seen:
    """What was seen last, and what stands in the way of seeing more."""

    usage: Sequence[Mapping[str, Any]] = ()
    """Of each of the WINDOWS."""
    usage_at: Sequence[float] = ()
    """When each was asked for, by a clock that only goes on."""
    sessions: Sequence[Mapping[str, Any]] = ()
    records: Sequence[Record] = ()
    hints: Sequence[str] = ()
    at: datetime | None = None
    fault: str = ""


@dataclass
class Watch:
    """Looks again and again at one source."""

    source: Source
    query: str
    zone: tzinfo | None
    seen: Seen = field(default_factory=Seen)

    def look(self, lines: int) -> None:
        """Look once; what cannot be seen for now leaves what was seen. Raises Refused."""
        try:
            usage, usage_at = self._usage(time.monotonic())
            sessions, _, _ = runs.sessions(self.source, {"from": "-1d"}, SESSIONS_MOST)
            found = records.newest(self.source, Asked(self.query, "-1d"), max(1, lines))
        except Refused as refused:
            if not refused.is_passing:
                raise
            self.seen.fault = str(refused)
            return
        now = datetime.now(UTC).astimezone(self.zone)
        self.seen = Seen(usage, usage_at, sessions, found.records, found.hints, now)

    def _usage(self, now: float) -> tuple[list[Mapping[str, Any]], list[float]]:
        """The sums of each window: as they are kept, or new where they are old or outrun.

        A longer time is never shown with fewer calls than a shorter one.
        """
        usage: list[Mapping[str, Any]] = []
        asked_at: list[float] = []
        for place, (_, since, _) in enumerate(WINDOWS):
            kept = self.seen.usage[place] if self.seen.usage else None
            if (
                kept is None
                or now - self.seen.usage_at[place] >= OLD_SECONDS[place]
                or (usage and usage[-1]["calls"] > kept["calls"])
            ):
                usage.append(self.source.get(USAGE, {"from": since})["total"])
                asked_at.append(now)
            else:
                usage.append(kept)
                asked_at.append(self.seen.usage_at[place])
        return usage, asked_at

    def screen(self, width: int, height: int) -> Group:
        """What is seen, for a terminal of this size."""
        seen = self.seen
        parts: list[Any] = self._heading(width)
        if seen.usage:
            parts += [Text(), _sums(seen.usage)]
        room = max(0, height - HEADINGS)
        listed = min(len(seen.sessions), max(SESSIONS_LEAST, room // 3))
        if listed and room > SESSIONS_LEAST:
            parts += [Text(), Text("Sessions", "bold"), self._sessions(seen.sessions[:listed])]
            room -= listed + 2
        if room > 0 and seen.at is not None:
            parts += [Text(), marked_line(self.query, "bold")]
            parts += self._records(width, room)
        return Group(*parts)

    def _heading(self, width: int) -> list[Text]:
        seen = self.seen
        head = marked_line(self.source.name, "bold")
        if seen.at is not None:
            head.append(f"  {seen.at:%H:%M:%S}", console.QUIET)
        notes = [one for one in (seen.fault, *seen.hints) if one]
        return [_fit(head, width), *(_fit(marked_line(one, "bold red"), width) for one in notes)]

    def _sessions(self, sessions: Sequence[Mapping[str, Any]]) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, style=console.QUIET)
        table.add_column(no_wrap=True, max_width=runs.SESSION_CELLS, overflow="ellipsis")
        for _ in ("calls", "cost", "errors"):
            table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True, overflow="ellipsis")
        dearest = max(one["usage"]["cost_micro_usd"] or 0 for one in sessions)
        for one in sessions:
            usage, errors = one["usage"], one["errors"]
            table.add_row(
                f"{moment_of(int(one['last_ns']), self.zone):%H:%M}",
                marked_line(one["session_id"]),
                figures.of(usage["calls"], "call"),
                figures.dollars(usage["cost_micro_usd"], beside=dearest),
                Text(figures.of(errors, "error") if errors else "", console.FAILED),
                marked_line(", ".join([*one["agents"], *one["models"]]), console.AGENT),
            )
        return table

    def _records(self, width: int, room: int) -> list[Text]:
        if not self.seen.records:
            return [Text("None in the last 24 hours.", console.QUIET)]
        layout = Layout(width, ids=False, zone=self.zone)
        return [layout.set(record) for record in reversed(self.seen.records[:room])]


@click.command(cls=Finds)
@click.argument("query", nargs=-1)
@click.option(
    "--every",
    type=click.FloatRange(1, 3_600),
    default=EVERY_SECONDS,
    show_default=True,
    help="Seconds between two looks.",
)
@options.UTC
@reads_from
@click.pass_context
def watch(
    ctx: click.Context, /, *, query: Sequence[str], every: float, utc: bool, place: Place
) -> None:
    """Watch calls, failures, tokens, cost, sessions, and the newest records like QUERY.

    Without a QUERY these are errors. Ctrl-C ends it.
    """
    out = console.console()
    if not console.is_terminal(out):
        raise click.UsageError("watch needs a terminal: for a pipe there is `agentlogger stats`.")
    source = place.open()
    watching = Watch(source, joined(query) or QUERY, UTC if utc else None)
    try:
        with Live(console=out, screen=True, auto_refresh=False) as live:
            while True:
                watching.look(out.height)
                live.update(watching.screen(out.width, out.height), refresh=True)
                pause(every)
    except KeyboardInterrupt:
        ctx.exit(INTERRUPTED)
    finally:
        source.close()


def _sums(usage: Sequence[Mapping[str, Any]]) -> Table:
    """Windows side by side, the last minute first; rates are of a minute."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("")
    for name, _, _ in WINDOWS:
        table.add_column(name, justify="right", no_wrap=True)
    minutes = [minutes for _, _, minutes in WINDOWS]
    rates = [total["calls"] / of for total, of in zip(usage, minutes, strict=True)]
    table.add_row("calls", *(figures.count(total["calls"]) for total in usage))
    table.add_row("calls a minute", *(f"{rate:.1f}" for rate in rates))
    failed = [total["failed"] for total in usage]
    table.add_row(
        "failed", *(Text(f"{number:,}", console.FAILED if number else "") for number in failed)
    )
    for name, column in (("tokens in", "tokens_in"), ("tokens out", "tokens_out")):
        table.add_row(name, *(stats.sum_of(total, column) for total in usage))
    dearest = max(total["cost_micro_usd"] or 0 for total in usage)
    table.add_row(
        "cost", *(stats.sum_of(total, "cost_micro_usd", beside=dearest) for total in usage)
    )
    return table


def _fit(row: Text, width: int) -> Text:
    row.no_wrap = True
    row.truncate(width, overflow="ellipsis")
    return row
