"""What a search for words is told of their index: what it does not have, and reads instead."""

from __future__ import annotations

from typing import Any

from agentlogger.intake import times
from agentlogger.store.texts.lag import Lag

NOTED_RECORDS = 1_000
"""From so many records behind on a person is told: looking at fewer takes some 25 ms."""


def told(lag: Lag | None) -> dict[str, Any] | None:
    """The fields of TextIndexSchema for a search; None where it asked no index."""
    if lag is None:
        return None
    return {
        "begun": lag.is_begun,
        "records_behind": lag.behind,
        "seconds_behind": round(lag.seconds, 3),
        "before": None if lag.before_ns is None else times.to_iso(lag.before_ns),
        "note": _note(lag),
    }


def _note(lag: Lag) -> str | None:
    if not lag.is_begun:
        return "There is no index of words yet, so every record was looked at."
    left = [f"{lag.behind:,} records that came lately"] if lag.behind >= NOTED_RECORDS else []
    if lag.before_ns is not None:
        left.append(f"those before {times.to_iso(lag.before_ns)[:16].replace('T', ' ')} UTC")
    if not left:
        return None
    return f"The index of words does not have {' and '.join(left)} yet: each was looked at."
