"""Severity: as emitted, else from its name, else from what the record says happened."""

from __future__ import annotations

from typing import Final

from agentlogger.intake import aliases

TRACE, DEBUG, INFO, WARN, ERROR, FATAL = 1, 5, 9, 13, 17, 21
LARGEST: Final = 24

NUMBERS: Final = {
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

BANDS: Final = {
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


def usual(event: str) -> tuple[int, bool]:
    """The severity of an event by its name, where it did not fail and its emitter set none.

    With it, whether the event is a stream's: the one that completes it is above the others.
    """
    if event.endswith(aliases.ERROR_EVENTS):
        return ERROR, False
    if event.endswith(aliases.WARN_EVENTS):
        return WARN, False
    if aliases.HOOK.search(event):
        return DEBUG, False
    return (DEBUG, True) if event.endswith(aliases.CHATTER) else (INFO, False)
