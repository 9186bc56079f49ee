"""What somebody asks of a list, as it stands in the address: links to the same with a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import url_for

from agentlogger.intake import times

Given = Mapping[str, str]

RANGES = (
    ("15 min", "-15m"), ("1 h", "-1h"), ("6 h", "-6h"), ("24 h", "-24h"), ("7 days", "-7d"),
    ("30 days", "-30d"), ("all", ""),
)  # fmt: skip
"""The spans of time that are a click away; in the address they stay relative."""

UP_TO_A_DAY = frozenset({"1 h", "6 h", "24 h"})
"""Those of them that can be counted of a project of ten million records."""

LEVELS = (("all", ""), ("warn", "warn"), ("error", "error"))
"""The severities that are a click away: this one and what is above."""

NOT_A_FILTER = frozenset({"project", "cursor", "counts"})

FILTERS = frozenset(
    {"q", "from", "to", "severity", "severity_min", "event", "session", "model", "trace", "project"}
)
"""What says which records are meant, in a list and in what counts them."""


@dataclass(frozen=True)
class Choice:
    """One of several links, of which the one that holds is marked."""

    name: str
    href: str
    is_chosen: bool


def ranges(endpoint: str, given: Given) -> list[Choice]:
    """Links to spans of time up to now."""
    chosen = given.get("from", "") if not given.get("to") else None
    return [
        Choice(name, changed(endpoint, given, {"from": since, "to": ""}), chosen == since)
        for name, since in RANGES
    ]


def shorter(endpoint: str, given: Given) -> list[Choice]:
    """Links to spans of time up to now that are no longer than a day."""
    return [one for one in ranges(endpoint, given) if one.name in UP_TO_A_DAY]


def levels(endpoint: str, given: Given) -> list[Choice]:
    """Links to severities."""
    chosen = given.get("severity_min", "")
    return [
        Choice(name, changed(endpoint, given, {"severity_min": least}), chosen == least)
        for name, least in LEVELS
    ]


def changed(endpoint: str, given: Given, change: Given) -> str:
    """The address of the same with other parameters, from its first page on; "" takes one away."""
    wanted: dict[str, Any] = {**given, **change}
    return url_for(endpoint, **{k: v for k, v in wanted.items() if v and k != "cursor"})


def chips(endpoint: str, given: Given, names: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """The filters of these names that hold: name, value, and the address without it."""
    return [
        (name, given[name], changed(endpoint, given, {name: ""})) for name in names if name in given
    ]


def is_filtered(given: Given) -> bool:
    """Whether anything but a project is asked for."""
    return any(name not in NOT_A_FILTER for name in given)


def filters(given: Given) -> dict[str, str]:
    """Those of the parameters that say which records are meant."""
    return {name: text for name, text in given.items() if name in FILTERS and text}


def moment(ts_ns: int) -> str:
    """A time as an address has it, no longer than it must be."""
    whole, fraction = times.to_iso(ts_ns)[:-1].split(".")
    return f"{whole}Z" if int(fraction) == 0 else f"{whole}.{fraction}Z"
