"""Servers that break a promise on purpose, to see a proof turn red."""

from __future__ import annotations

from pathlib import Path

BREAKING = Path(__file__).with_name("breaking")


def breaking(promise: str) -> dict[str, str]:
    """The environment of a server that breaks it: the name of a function in `breaking`."""
    return {"PYTHONPATH": str(BREAKING), "BREAK_PROMISE": promise}
