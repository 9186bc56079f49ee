"""Values as both databases can hold them: what they cannot is replaced by rule, and marked.

PostgreSQL refuses NUL and lone surrogates in text and JSONB, SQLite stops at the one and raises at
the other; NaN is no JSON; integers end at 64 bits in both. The rules are README's and
docs/reference.md's; none of them refuses a record.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from agentlogger.intake.exact_json import Repeated
from agentlogger.limits import ATTRIBUTES, DEPTH, INTEGER_MAX, INTEGER_MIN

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

RULES = {
    "text.nul": "NUL becomes U+FFFD",
    "text.surrogate": "a lone surrogate becomes U+FFFD",
    "text.cut": "a text is longer than its column and is cut there; the attributes keep it whole",
    "number.not_finite": "NaN and the infinities become their names as text",
    "number.range": "an integer beyond 64 bits becomes text",
    "key.duplicate": "of equal keys the last one wins",
    "depth.cut": "what lies deeper than 64 levels becomes null",
    "attributes.cut": "attributes beyond 1,000 are left out",
    "time.range": "a time outside 1970 to 2262 becomes the time of receipt; ts_sent keeps it",
    "severity.range": "a severity number outside 0 to 24 counts as unset",
    "trace_id.invalid": "a trace id that is not 16 bytes, or all zero, counts as absent",
    "span_id.invalid": "a span id that is not 8 bytes, or all zero, counts as absent",
    "id.base64": "an id in base64 is read as such, where OTLP/JSON asks for hex",
}
"""Every rule by its code; docs/reference.md lists them, and a test compares the two."""


class Adjustments:
    """What was replaced in one record (or in the resource that it shares)."""

    __slots__ = ("counts", "sent")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.sent: dict[str, str] = {}

    def note(self, rule: str, count: int = 1, *, sent: str | None = None) -> None:
        """Count a rule's use, and keep what was sent where it fits into a line."""
        self.counts[rule] = self.counts.get(rule, 0) + count
        if sent is not None:
            self.sent[rule] = sent[:200]

    def add(self, others: Iterable[Adjustments]) -> None:
        """Take over what was replaced in what the record shares with others."""
        for other in others:
            for rule, count in other.counts.items():
                self.note(rule, count, sent=other.sent.get(rule))

    def as_column(self) -> dict[str, Any] | None:
        """The record's `adjustments` column; None where nothing was touched."""
        return {
            rule: {"count": count} | ({"sent": self.sent[rule]} if rule in self.sent else {})
            for rule, count in self.counts.items()
        } or None


def text(value: str, notes: Adjustments) -> str:
    """A text without NUL and lone surrogates."""
    if "\0" in value:
        notes.note("text.nul", value.count("\0"))
        value = value.replace("\0", REPLACEMENT)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            lone = sum("\ud800" <= character <= "\udfff" for character in value)
            notes.note("text.surrogate", lone)
            return "".join(
                REPLACEMENT if "\ud800" <= character <= "\udfff" else character
                for character in value
            )
    return value


def integer(value: int, notes: Adjustments) -> int | str:
    """An integer of 64 bits, or its digits."""
    if INTEGER_MIN <= value <= INTEGER_MAX:
        return value
    notes.note("number.range")
    return str(value)


def number(value: float, notes: Adjustments) -> float | str:
    """A finite number, or the name that OTLP/JSON gives to what is none."""
    if math.isfinite(value):
        return value
    notes.note("number.not_finite")
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def value(given: Any, notes: Adjustments, depth: int = 0) -> Any:
    """Any JSON value, made storable. `depth` counts the lists and maps around it."""
    kind = given.__class__
    if kind is str:
        return text(given, notes)
    if kind is bool or given is None:
        return given
    if kind is int:
        return integer(given, notes)
    if kind is float:
        return number(given, notes)
    if depth >= DEPTH:
        notes.note("depth.cut")
        return None
    if kind is list:
        return [value(item, notes, depth + 1) for item in given]
    if kind is Repeated:
        notes.note("key.duplicate", given.repeats)
    return mapping(((key, value(item, notes, depth + 1)) for key, item in given.items()), notes)


def mapping(pairs: Iterable[tuple[str, Any]], notes: Adjustments) -> dict[str, Any]:
    """A map of storable keys from pairs whose values are storable; of equal keys the last wins."""
    result: dict[str, Any] = {}
    for given, item in pairs:
        key = text(given, notes)
        if key in result:
            notes.note("key.duplicate")
        result[key] = item
    return result


def attributes(pairs: Iterable[tuple[str, Any]], notes: Adjustments) -> dict[str, Any]:
    """The attributes of a record, a resource or a scope: a map of bounded size."""
    result = mapping(pairs, notes)
    if len(result) > ATTRIBUTES:
        notes.note("attributes.cut", len(result) - ATTRIBUTES)
        result = dict(list(result.items())[:ATTRIBUTES])
    return result


def column(given: Any, notes: Adjustments, limit: int) -> str | None:
    """A value as the text of a canonical column, or None where it is none."""
    if given is None or given == "":
        return None
    if given.__class__ is not str:
        if given.__class__ in {dict, list}:
            return None
        given = str(given)
    if len(given) > limit:
        notes.note("text.cut")
        return str(given[:limit])
    return str(given)
