"""What a search for words is told of their index: what it does not have, and reads instead."""

from __future__ import annotations

from typing import Any

from agentlogger.blueprints.gate import caller
from agentlogger.intake import times
from agentlogger.store import text_lag
from agentlogger.store.logs import LogFilter
from agentlogger.store.text_lag import Known

NOTED_RECORDS = 1_000
"""From so many records behind on a person is told: looking at fewer takes some 25 ms."""


def told(wanted: LogFilter) -> dict[str, Any] | None:
    """The fields of TextIndexSchema for the caller's search; None where it asks no index."""
    known = text_lag.of_search(caller().scope, wanted)
    if known is None:
        return None
    return {
        "begun": known.is_begun,
        "records_behind": known.behind,
        "seconds_behind": round(known.seconds, 3),
        "before": None if known.before_ns is None else times.to_iso(known.before_ns),
        "note": _note(known),
    }


def _note(known: Known) -> str | None:
    if not known.is_begun:
        return "There is no index of words yet, so every record was looked at."
    left = [f"{known.behind:,} records that came lately"] if known.behind >= NOTED_RECORDS else []
    if known.before_ns is not None:
        left.append(f"those before {times.to_iso(known.before_ns)[:16].replace('T', ' ')} UTC")
    if not left:
        return None
    return f"The index of words does not have {' and '.join(left)} yet: each was looked at."
