"""What alerts are of, from when on they judge it, and what happened, in words for a telephone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from agentlogger.limits import ALERT_SUBJECT_CHARACTERS
from agentlogger.store.positions import SECOND_NS
from agentlogger.store.rows import Row

LESS = ("<", "<=")
"""Comparisons that are judged after a whole window only: before, too few have been counted."""

LENGTHS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def sentence_of(rule: Row, subject: str, state: str, value: int | None) -> str:
    """The sentence of a delivery. The name and the subject are others' words, as they are."""
    if state == "test":
        return f"{rule['name']}: this is a test, nothing has happened."
    of = f" of {rule['per']} {subject}" if subject else ""
    head = f"{rule['name']}{' is over' if state == 'resolved' else ''}: "
    window = duration(rule["window_seconds"])
    if rule["kind"] == "silence":
        if state == "resolved":
            return f"{head}data{of} comes again." if value is not None else f"{head}no key{of}."
        return f"{head}no data{of} for {duration(value or 0)}, more than {window}."
    figure = _dollars if rule["kind"] == "budget" else _records
    bound = f"{rule['comparison']} {figure(rule['threshold'])}"
    told = "unknown" if value is None else figure(value)
    return f"{head}{told}{of} in {window} (alerts at {bound})."


def judged_from_ns(rule: Mapping[str, Any], watched_ns: int) -> int:
    """From when on a rule is judged that has been evaluated since then without a pause.

    Of too few nothing is known before a whole window is counted; all else is judged at once.
    """
    waits = rule["window_seconds"] * SECOND_NS if rule["comparison"] in LESS else 0
    return int(watched_ns + waits)


def subject_of(text: str) -> str:
    """A session's or user's name as a subject: of a long one its beginning and a digest."""
    if len(text) <= ALERT_SUBJECT_CHARACTERS:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{text[: ALERT_SUBJECT_CHARACTERS - len(digest) - 1]}…{digest}"


def duration(seconds: int) -> str:
    """Whole units, two of them at most: 10 min, 1 h 30 min."""
    parts: list[str] = []
    for length, unit in LENGTHS:
        if seconds >= length and len(parts) < 2:  # noqa: PLR2004  (two, as said)
            parts.append(f"{seconds // length} {unit}")
            seconds %= length
    return " ".join(parts) or "0 s"


def _dollars(micro_usd: int) -> str:
    return f"${micro_usd / 1_000_000:,.2f}"


def _records(number: int) -> str:
    return f"{number:,} record{'' if number == 1 else 's'}"
