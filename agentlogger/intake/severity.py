"""Severity: as emitted, else from its name, else from what the record says happened."""

from __future__ import annotations

from typing import Any

from agentlogger.intake import aliases

TRACE, DEBUG, INFO, WARN, ERROR, FATAL = 1, 5, 9, 13, 17, 21
LARGEST = 24

NUMBERS = {
    "trace": TRACE,
    "debug": DEBUG,
    "information": INFO,
    "info": INFO,
    "notice": INFO + 1,
    "warning": WARN,
    "warn": WARN,
    "err": ERROR,
    "error": ERROR,
    "critical": FATAL,
    "crit": FATAL,
    "alert": FATAL,
    "emergency": FATAL,
    "fatal": FATAL,
}
"""The number of a severity's name, as OpenTelemetry's log data model maps them."""

BANDS = {
    "trace": (TRACE, TRACE + 3),
    "debug": (DEBUG, DEBUG + 3),
    "info": (INFO, INFO + 3),
    "warn": (WARN, WARN + 3),
    "error": (ERROR, ERROR + 3),
    "fatal": (FATAL, LARGEST),
}
"""The numbers that a name stands for when people ask for it."""


def band_name(number: int) -> str:
    """The name of a number's band, for people: info for 9 to 12; "unset" for 0."""
    return next((name for name, (low, high) in BANDS.items() if low <= number <= high), "unset")


def derived(event: str | None, attributes: dict[str, Any], *, failed: bool) -> int:
    """The severity of a record whose emitter set none, which most agents do not."""
    name = event or ""
    if failed or name.endswith(aliases.ERROR_EVENTS):
        return ERROR
    if name.endswith(aliases.WARN_EVENTS) or attributes.get("decision") in aliases.REFUSALS:
        return WARN
    if aliases.HOOK.search(name):
        return DEBUG
    if name.endswith(aliases.CHATTER) and attributes.get("event.kind") != "response.completed":
        return DEBUG
    return INFO
