"""Times as people type them at a terminal: `15m`, `14:05`, `yesterday`, ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import click

from agentlogger.intake import times

AGO = re.compile(r"-?(\d{1,6})\s?(s|m|h|d|w)")
CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?")
DAYS = {"today": 0, "yesterday": 1}
UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class When(click.ParamType[str]):
    """A time, which becomes what the API reads: `-15m`, or ISO 8601 in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The time for the API."""
        try:
            return moment(str(value))
        except ValueError as fault:
            self.fail(str(fault), param, ctx)


def moment(text: str) -> str:
    """A time as somebody typed it, for the API. Raises ValueError with a sentence."""
    found = _when(text.strip(), datetime.now().astimezone())
    if found is None:
        raise ValueError(
            f"{text!r} is no time: write 15m, 2h or 7d for so long ago, 14:05 for today, "
            "2026-11-22, 2026-11-22T14:05 or yesterday, in this machine's zone."
        )
    return found


def since_then(moment: str) -> str:
    """A time for the API as people say from when on: `in the last 15 minutes`, or the time."""
    ago = AGO.fullmatch(moment)
    if ago is None:
        return f"since {moment}"
    number, unit = int(ago[1]), UNITS[ago[2]]
    return f"in the last {unit}" if number == 1 else f"in the last {number:,} {unit}s"


def is_after(moment: str, other: str) -> bool:
    """Whether a time for the API is after another one."""
    return _nanoseconds(moment) > _nanoseconds(other)


def _nanoseconds(moment: str) -> int:
    now = int(datetime.now(UTC).timestamp()) * 10**9
    if ago := AGO.fullmatch(moment):
        return now - int(ago[1]) * SECONDS[ago[2]] * 10**9
    if moment.isascii() and moment.isdigit():
        return int(moment)
    found = times.from_iso(moment)
    return now if found is None else found


def _when(text: str, now: datetime) -> str | None:
    if ago := AGO.fullmatch(text):
        return f"-{ago[1]}{ago[2]}"
    if text == "now" or (text.isascii() and text.isdigit()):
        return text
    if text in DAYS:
        return _in_utc(_midnight(now - timedelta(days=DAYS[text])))
    try:
        if clock := CLOCK.fullmatch(text):
            hour, minute, second = (int(part or 0) for part in clock.groups())
            return _in_utc(_midnight(now).replace(hour=hour, minute=minute, second=second))
        if re.fullmatch(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d)?", text):
            return _in_utc(datetime.fromisoformat(text))
    except ValueError:
        return None
    return _iso(text)


def _iso(text: str) -> str | None:
    """A whole ISO 8601 time as it is, with this machine's zone where it names none."""
    match = times.ISO_8601.fullmatch(text)
    if match is None:
        return None
    if match["zone"] is None:
        try:
            local = datetime.fromisoformat(match["seconds"].replace(" ", "T"))
        except ValueError:
            return None
        offset = local.astimezone().strftime("%z")
        text = f"{text}{offset[:3]}:{offset[3:5]}"
    found = times.from_iso(text)
    return None if found is None or not times.in_range(found) else text


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)


def _in_utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def moment_of(ts_ns: int, zone: tzinfo | None) -> datetime:
    """A stored time in a zone, this machine's for None; what is less than a millisecond is cut."""
    seconds, rest = divmod(ts_ns, 10**9)
    whole = datetime.fromtimestamp(seconds, UTC) + timedelta(milliseconds=rest // 10**6)
    return whole.astimezone(zone)
