"""Queries as Hypothesis draws them, each with what it means in plain Python.

A meaning is written beside the text that asks for it and knows neither the parser nor its tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from agentlogger.intake.record import Record

TEXT_COLUMNS = ("event", "kind", "agent", "model", "tool", "error_type", "error_message")
SAMPLES = (
    "Bash", "bash", "BA", "a", "A%", "a_b", "a*", "[a]", "?", 'a"b', "a\\b", "ä", "Ä", "İ", "ß",
    "a b", "AND", "-a", "5", "5.0", "true", "", "é\n", "claude-X", "x:y", "\U0001f600",
)  # fmt: skip
NAMES = ("x", "X", "odd name", 'a"b', "a.b", "ä", "a\\b", "\n", "$[0]", "service.name")
NUMBERS = (0, 1, 5, -5, 5.0, 0.1, 1.5, 1e16, 1e-7, 2**53 + 1, 2**63 - 1, -(2**63), 1e300)

texts = st.sampled_from(SAMPLES)
leaves = st.one_of(
    st.none(), st.booleans(), texts, st.sampled_from(NUMBERS), st.sampled_from(("10", "1e3"))
)
values = st.one_of(
    leaves,
    st.lists(st.one_of(leaves, st.lists(leaves, max_size=1)), max_size=2),
    st.dictionaries(texts, leaves, max_size=1),
)
attributes = st.dictionaries(st.sampled_from(NAMES), values, max_size=3)
records = st.fixed_dictionaries(
    {"attributes": attributes, "resource": attributes, "body": values},
    optional={
        "severity_number": st.integers(1, 24),
        "tool": texts, "model": texts, "session_id": texts, "error_message": texts,
        "event": texts, "error_type": texts,
    },
)  # fmt: skip
numbers = st.fixed_dictionaries(
    {
        "duration_ns": st.none() | st.sampled_from([0, 1, 2, 1_500, 2 * 10**9]),
        "tokens_in": st.none() | st.sampled_from([0, 1, 999, 10_000, 10_001]),
        "cost_micro_usd": st.none() | st.sampled_from([0, 1, 500_000, 500_001]),
        "ok": st.none() | st.booleans(),
    }
)
"""Columns that a record is given directly: what is sent for them would fill others too."""


@dataclass(frozen=True)
class Asked:
    """A text, and whether a record is one of those that it asks for."""

    text: str
    holds: Callable[[Record], bool]

    def __repr__(self) -> str:
        """The text alone: it says it all."""
        return self.text


def fold(text: str) -> str:
    return re.sub("[A-Z]+", lambda match: match[0].lower(), text)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def within(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from within(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from within(one)


def members(record: Record, name: str) -> list[Any]:
    """What stands under a name, on the record and on what sent it; lists by their members."""
    found = [where[name] for where in (record.attributes, record.resource) if name in where]
    return [one for value in found for one in (value if isinstance(value, list) else [value])]


def as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def text_holds(value: str | None, holds: Callable[[str], bool]) -> bool:
    return value is not None and holds(value)


def compare(operator: str, left: Any, right: Any) -> bool:
    return {
        "=": left == right, ">": left > right, ">=": left >= right, "<": left < right,
        "<=": left <= right,
    }[operator]  # fmt: skip


operators = st.sampled_from(("=", ">", ">=", "<", "<="))


def words(text: str) -> Asked:
    def holds(record: Record) -> bool:
        columns = [getattr(record, name) for name in TEXT_COLUMNS]
        every = [*filter(None, columns), *within(record.body), *within(record.attributes)]
        return not text or any(fold(text) in fold(one) for one in every)

    return Asked(quoted(text), holds)


def named(key: str, column: str, text: str) -> Asked:
    def holds(record: Record) -> bool:
        return text_holds(getattr(record, column), lambda value: fold(value) == fold(text))

    return Asked(f"{key}:{quoted(text)}", holds)


def prefixed(key: str, column: str, text: str) -> Asked:
    """Only of letters that need no quotes: within those a star is a star."""

    def holds(record: Record) -> bool:
        return text_holds(getattr(record, column), lambda value: fold(value).startswith(fold(text)))

    return Asked(f"{key}:{text}*", holds)


def session(text: str, *, prefix: bool) -> Asked:
    def holds(record: Record) -> bool:
        value = record.session_id
        return text_holds(value, lambda one: one.startswith(text) if prefix else one == text)

    return Asked(f"session:{text}*" if prefix else f"session:{quoted(text)}", holds)


def message(text: str) -> Asked:
    def holds(record: Record) -> bool:
        return text_holds(record.error_message, lambda value: fold(text) in fold(value))

    return Asked(f"error.message:{quoted(text)}", holds)


def measured(written: tuple[str, str, float], operator: str) -> Asked:
    key, column, bound = written
    name, _, amount = key.partition("=")

    def holds(record: Record) -> bool:
        value = getattr(record, column)
        return value is not None and compare(operator, value, bound)

    return Asked(f"{name}:{operator}{amount}", holds)


def attribute(name: str, text: str) -> Asked:
    number = float(text) if re.fullmatch(r"-?[0-9.]+", text) else None

    def holds(record: Record) -> bool:
        return any(
            text_holds(as_text(one), lambda value: fold(value) == fold(text))
            or (number is not None and is_number(one) and one == number)
            for one in members(record, name)
        )

    return Asked(f"@{quoted(name)}:{quoted(text)}", holds)


def attribute_compared(name: str, operator: str, number: float) -> Asked:
    def holds(record: Record) -> bool:
        found = [one for one in members(record, name) if is_number(one)]
        return any(compare(operator, one, number) for one in found)

    # `=` is what no operator is, so a text of the same digits is found too.
    if operator == "=":
        return attribute(name, "5")
    return Asked(f"@{quoted(name)}:{operator}{number!r}", holds)


def level(operator: str, name: str, low: int) -> Asked:
    high = low + 3

    def holds(record: Record) -> bool:
        value = record.severity_number
        return {
            "=": low <= value <= high, ">": value > high, ">=": value >= low, "<": value < low,
            "<=": value <= high,
        }[operator]  # fmt: skip

    return Asked(f"level:{operator}{name}", holds)


def has(name: str) -> Asked:
    def holds(record: Record) -> bool:
        places = (record.attributes, record.resource)
        return any(where.get(name) is not None for where in places)

    return Asked(f"has:@{quoted(name)}", holds)


def has_column(key: str, column: str) -> Asked:
    return Asked(f"has:{key}", lambda record: getattr(record, column) is not None)


def negated(asked: Asked, how: str) -> Asked:
    return Asked(f"{how}({asked.text})", lambda record: not asked.holds(record))


def joined(all_asked: list[Asked], how: str) -> Asked:
    every = any if how == " OR " else all
    text = how.join(asked.text for asked in all_asked)
    return Asked(f"({text})", lambda record: every(asked.holds(record) for asked in all_asked))


def one_of(texts_asked: list[str]) -> Asked:
    members_asked = [named("tool", "tool", text) for text in texts_asked]
    text = ", ".join(quoted(text) for text in texts_asked)
    return Asked(
        f"tool:({text})", lambda record: any(asked.holds(record) for asked in members_asked)
    )


PLAIN = st.sampled_from([text for text in SAMPLES if re.fullmatch(r"[^\s\"()*:-]+", text)])
NAMED = st.sampled_from(
    [("tool", "tool"), ("MODEL", "model"), ("event", "event"), ("error", "error_type")]
)
MEASURED = st.sampled_from(
    [
        ("duration=2s", "duration_ns", 2 * 10**9), ("duration=0.0015ms", "duration_ns", 1_500),
        ("duration=0.5ns", "duration_ns", 0.5), ("tokens.in=10k", "tokens_in", 10_000),
        ("cost=$0.50", "cost_micro_usd", 500_000), ("cost=0.0000005", "cost_micro_usd", 0.5),
    ]
)  # fmt: skip
terms = st.one_of(
    st.builds(words, texts),
    st.builds(lambda pair, text: named(*pair, text), NAMED, texts),
    st.builds(lambda pair, text: prefixed(*pair, text), NAMED, PLAIN),
    st.builds(session, texts, prefix=st.just(False)),
    st.builds(session, PLAIN, prefix=st.just(True)),
    st.builds(message, texts),
    st.builds(measured, MEASURED, operators),
    st.builds(attribute, st.sampled_from(NAMES), texts),
    st.builds(attribute_compared, st.sampled_from(NAMES), operators, st.sampled_from(NUMBERS)),
    st.builds(level, operators, st.just("warn"), st.just(13)),
    st.builds(has, st.sampled_from(NAMES)),
    st.builds(lambda pair: has_column(*pair), NAMED),
    st.builds(one_of, st.lists(texts, min_size=1, max_size=3)),
    st.just(Asked("ok:false", lambda record: record.ok is False)),
    st.just(Asked("-ok:no", lambda record: record.ok is not False)),
)  # fmt: skip
queries = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.builds(negated, inner, st.sampled_from(["-", "NOT "])),
        st.builds(
            joined,
            st.lists(inner, min_size=2, max_size=3),
            st.sampled_from([" OR ", " AND ", " "]),
        ),
    ),
    max_leaves=5,
)
