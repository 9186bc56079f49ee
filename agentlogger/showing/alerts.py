"""What people are shown of an alert: what it asks, in words, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentlogger.showing import figures

UNITS = (("week", 604_800), ("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1))

LATE_SECONDS = 60
"""An alert that was not judged for so long is behind: it is judged every ten seconds, and one
project may be counted for thirty."""

SECOND_NS = 10**9
TWO = 2

BOUNDS = {
    ">": "More than {}",
    ">=": "At least {}",
    "<": "Fewer than {}",
    "<=": "At most {}",
}
COSTS = {">": "more than {}", ">=": "at least {}"}

NOBODY = "It was not judged for more than a minute: no server on this database evaluates alerts."

Alert = Mapping[str, Any]
"""A row of the store: `kind`, `per`, `comparison`, `threshold`, `window_seconds` and so on."""


@dataclass(frozen=True)
class Condition:
    """What an alert asks, as a sentence around its query, which is others' text."""

    before: str
    query: str
    """Empty where there is none."""
    after: str


@dataclass(frozen=True)
class Standing:
    """How an alert stands."""

    state: str
    """firing, cannot tell, behind, waits, ok or off."""
    why: str
    """A sentence, where there is something to be known; else empty."""


ORDER = ("firing", "cannot tell", "behind", "waits", "ok", "off")
"""The states, that which somebody must look at first."""


def condition(alert: Alert) -> Condition:
    """What an alert asks: `More than 20 records like` - `level:>=error` - `within 10 min.`."""
    window = length(alert["window_seconds"])
    is_one = alert["per"] == "project" or alert["key"]
    each = "" if is_one else f", each {alert['per']} by itself"
    if alert["kind"] == "silence":
        of = f" with the key {alert['key']}…" if alert["key"] else ""
        return Condition(f"No data{of} for {window}{each}", "", "")
    bound = figure(alert, alert["threshold"])
    if alert["kind"] == "budget":
        costs = COSTS[alert["comparison"]].format(bound)
        return Condition(f"Calls of models cost {costs} within {window}{each}", "", "")
    many = BOUNDS[alert["comparison"]].format(bound)
    noun = "record" if alert["threshold"] == 1 else "records"
    if not alert["query"]:
        return Condition(f"{many} {noun} within {window}{each}", "", "")
    return Condition(f"{many} {noun} like", alert["query"], f"within {window}{each}")


def standing(alert: Alert, now_ns: int) -> Standing:
    """How an alert stands at this moment."""
    is_late = now_ns - alert["evaluated_ns"] > LATE_SECONDS * SECOND_NS
    problem = alert["problem"] or ""
    if not alert["is_enabled"]:
        return Standing("off", "")
    why = problem or (NOBODY if is_late else "")
    if alert["is_firing"]:
        return Standing("firing", why)
    if problem and is_late:
        return Standing("cannot tell", why)
    if why:
        return Standing("behind", why)
    return Standing("ok" if alert["waits_until_ns"] is None else "waits", "")


def figure(alert: Alert, value: int | None) -> str:
    """A value of an alert: records, dollars, or a length of time; a dash for one unknown."""
    if value is None:
        return figures.UNKNOWN
    if alert["kind"] == "budget":
        return figures.dollars(value, beside=alert["threshold"])
    return f"{value:,}" if alert["kind"] == "count" else _about(value)


def bound(alert: Alert) -> str:
    """From which value on an alert fires: `> 20`, `> $5.00`, `> 30 min`."""
    if alert["kind"] == "silence":
        return f"> {length(alert['window_seconds'])}"
    return f"{alert['comparison']} {figure(alert, alert['threshold'])}"


def _about(seconds: int) -> str:
    """Seconds in the two largest units of which there are some: 3 min 19 s, 2 days 4 h."""
    parts: list[str] = []
    for unit, size in UNITS[1:]:
        if seconds >= size and len(parts) < TWO:
            parts.append(_in(unit, seconds // size))
            seconds %= size
    return " ".join(parts) or "0 s"


def length(seconds: int) -> str:
    """Seconds in the largest unit of which they are whole ones: 90 s, 10 min, 1 day."""
    for unit, size in UNITS:
        if seconds and seconds % size == 0:
            return _in(unit, seconds // size)
    return "0 s"


def _in(unit: str, number: int) -> str:
    return figures.of(number, unit) if unit in {"week", "day"} else f"{number} {unit}"
