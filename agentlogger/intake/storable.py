"""Values as both databases can hold them: what they cannot is replaced by rule, and marked.

PostgreSQL refuses NUL and lone surrogates in text and JSONB, SQLite stops at the one and raises at
the other; NaN is no JSON; integers end at 64 bits in both. None of the rules refuses a record.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from itertools import islice
from typing import Any, Final

from agentlogger.intake.exact_json import LargeDouble, LongInteger, Repeated
from agentlogger.intake.redaction.rules import WORDS
from agentlogger.intake.redaction.snippets import without_secrets
from agentlogger.limits import ATTRIBUTES, DEPTH, INTEGER_MAX, INTEGER_MIN

Reader = Callable[[Any, "Adjustments", int], Any]
"""Makes a sent value storable, given how many lists and maps lie around it."""

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
SURROGATES: Final = dict.fromkeys(range(0xD800, 0xE000), REPLACEMENT)

SENT_CHARACTERS: Final = 200
"""Characters of a sent value that are kept on the mark of its replacement."""

RULES: Final = {
    "text.nul": "NUL becomes U+FFFD",
    "text.surrogate": "a lone surrogate becomes U+FFFD",
    "text.cut": "a text is longer than its column and is cut there; the attributes keep it whole",
    "number.not_finite": "NaN and the infinities become their names as text",
    "number.range": "an integer beyond 64 bits becomes text",
    "number.negative_zero": "negative zero becomes zero",
    "key.duplicate": "of equal keys the last one wins",
    "key.collision": "a key that a replacement or a new name makes equal to another gets ~2 at its "
    "end, so that no value is lost",
    "depth.cut": "what lies deeper than 64 levels becomes null",
    "attributes.cut": "attributes beyond 1,000 are left out",
    "time.range": "a time outside 1970 to 2262 becomes the time of receipt; ts_sent keeps it",
    "time.unit": "a number too small for nanoseconds is read as seconds, milliseconds or "
    "microseconds since 1970",
    "span.end": "a span's end that is before its start, or outside 1970 to 2262, counts as unset",
    "observed_time.range": "an observed time outside 1970 to 2262 counts as unset",
    "severity.range": "a severity number outside 0 to 24 counts as unset",
    "severity.name": "a severity given as its enum's name is read as its number",
    "enum.name": "a span's kind or status given as its enum's name is read as its number",
    "trace_id.invalid": "a trace id that is not 16 bytes, or all zero, counts as absent",
    "span_id.invalid": "a span id that is not 8 bytes, or all zero, counts as absent",
    "id.base64": "an id in base64 is read as such, where OTLP/JSON asks for hex",
    "field.snake_case": "a field with a snake_case name is read, where OTLP/JSON asks for "
    "lowerCamelCase",
    "field.invalid": "a field with a value of another type than OTLP's counts as unset",
    "value.reference": "a reference to a table of texts that only profiles have becomes null",
    **WORDS,
}
"""Every rule by its code; docs/reference.md lists them, and a test compares the two."""


LARGE: Final = 1e16
"""From here on a double is written with an exponent."""


class Adjustments:
    """What was replaced in one record (or in the resource that it shares)."""

    __slots__ = ("counts", "sent")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.sent: dict[str, str] = {}

    def note(self, rule: str, count: int = 1, *, sent: str | None = None) -> None:
        """Count a rule's use, and keep the beginning of what was sent, without its secrets."""
        self.counts[rule] = self.counts.get(rule, 0) + count
        if sent is not None:
            cut = sent if len(sent) <= SENT_CHARACTERS else f"{sent[: SENT_CHARACTERS - 1]}…"
            self.sent[rule] = without_secrets(text(cut, Adjustments()))

    def add(self, others: Iterable[Adjustments]) -> None:
        """Take over what was replaced in what the record shares with others."""
        for other in others:
            for rule, count in other.counts.items():
                self.note(rule, count, sent=other.sent.get(rule))

    def as_column(self) -> dict[str, Any] | None:
        """The record's `adjustments` column; None where nothing was touched."""
        if not self.counts:
            return None
        return {
            rule: {"count": count} | ({"sent": self.sent[rule]} if rule in self.sent else {})
            for rule, count in sorted(self.counts.items())
        }


def text(value: str, notes: Adjustments) -> str:
    """A text without NUL and lone surrogates."""
    if "\0" in value:
        notes.note("text.nul", value.count("\0"))
        value = value.replace("\0", REPLACEMENT)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            notes.note("text.surrogate", sum(ord(each) in SURROGATES for each in value))
            return value.translate(SURROGATES)
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
        if value == 0 and math.copysign(1, value) < 0:
            # JSONB has no negative zero, and the two databases shall answer the same.
            notes.note("number.negative_zero")
            return 0.0
        if -LARGE < value < LARGE:
            return value
        # By itself: beside a plain one in an expression, mypyc would take it for one.
        return LargeDouble(value)
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
    if kind is float or kind is LargeDouble:
        return number(given, notes)
    if kind is LongInteger:
        notes.note("number.range")
        return str(given)
    if depth >= DEPTH:
        notes.note("depth.cut")
        return None
    if kind is list:
        return [value(item, notes, depth + 1) for item in given]
    return mapping(pairs_of(given, notes), value, notes, depth + 1)


def pairs_of(given: dict[str, Any], notes: Adjustments) -> Collection[tuple[str, Any]]:
    """The pairs of a JSON object; keys that came more than once are noted."""
    if isinstance(given, Repeated):
        notes.note("key.duplicate", given.repeats)
    return given.items()


def mapping(
    pairs: Collection[tuple[str, Any]],
    read: Reader,
    notes: Adjustments,
    depth: int,
    most: int | None = None,
) -> dict[str, Any]:
    """A map with storable keys, its values read by `read`; of equal keys the last wins.

    With `most`, only so many keys are kept; the values of the others are not read.
    """
    sent = dict(pairs)
    if len(sent) < len(pairs):
        notes.note("key.duplicate", len(pairs) - len(sent))
    if most is not None and len(sent) > most:
        notes.note("attributes.cut", len(sent) - most)
        sent = dict(islice(sent.items(), most))
    together = "".join(sent)
    names = sent if together.isascii() and "\0" not in together else _distinct(sent, notes)
    return {
        name: read(given, notes, depth) for name, given in zip(names, sent.values(), strict=True)
    }


def _distinct(keys: Iterable[str], notes: Adjustments) -> Iterator[str]:
    """Storable names for different keys, in their order and different again.

    Keys that are storable keep their name.
    """
    names = {key: text(key, notes) for key in keys}
    taken = {key for key, name in names.items() if key == name}
    last: dict[str, int] = {}
    for key, name in names.items():
        unique = name if key == name else free_name(name, taken, last)
        if unique != name:
            notes.note("key.collision")
        taken.add(unique)
        yield unique


def free_name(name: str, taken: Container[str], last: dict[str, int]) -> str:
    """The name itself, or where it is taken `name~2`, `name~3`, and so on.

    `last` remembers how far each name has come, so that many equal names cost no more than one.
    """
    unique = name
    while unique in taken:
        last[name] = last.get(name, 1) + 1
        unique = f"{name}~{last[name]}"
    return unique


def attributes(
    pairs: Collection[tuple[str, Any]], read: Reader, notes: Adjustments, depth: int
) -> dict[str, Any]:
    """The attributes of a record, a resource or a scope: a map of bounded size."""
    return mapping(pairs, read, notes, depth, ATTRIBUTES)


def column(given: Any, notes: Adjustments, limit: int) -> str | None:
    """A storable text or number as the text of a canonical column; None for anything else."""
    if isinstance(given, str):
        written = given
    elif isinstance(given, bool) or not isinstance(given, int | float):
        return None
    else:
        written = str(given)
    if len(written) > limit:
        notes.note("text.cut")
        return written[:limit]
    return written or None
