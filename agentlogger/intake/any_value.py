"""OTLP/JSON's AnyValue, `{"intValue": "5"}`, as the JSON value that it stands for.

Emitters write integers as numbers and beyond 64 bits, `{}` for what is undefined, null for NaN, and
simple clients plain values. What is no AnyValue is taken as the plain value that it is, so nothing
that was sent is lost.
"""

from __future__ import annotations

import re
from typing import Any, Final

from agentlogger.intake import storable
from agentlogger.intake.exact_json import LONGEST_WITHIN_64_BITS, LongInteger, Repeated
from agentlogger.intake.shown import shown
from agentlogger.intake.storable import Adjustments, Reader
from agentlogger.limits import ATTRIBUTES_READ, DEPTH

DIGITS: Final = re.compile(r"-?[0-9]+")
NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
NAMED_NUMBERS: Final = {"NaN", "Infinity", "-Infinity"}


def any_value(given: Any, notes: Adjustments, depth: int) -> Any:
    """The storable value of an AnyValue. `depth` counts the lists and maps around it."""
    if given.__class__ is dict and len(given) == 1:
        (name,) = given
        read = READERS.get(name)
        if read is not None:
            item = given[name]
            return None if item is None else read(item, notes, depth)
    return _unusual(given, notes, depth)


def _unusual(given: Any, notes: Adjustments, depth: int) -> Any:
    """The value of an AnyValue in snake_case, or with more than its one key, or of none at all.

    OTLP ignores unknown fields, and null means unset.
    """
    if not isinstance(given, dict):
        return storable.value(given, notes, depth)
    if not given:
        return None
    names = [name for name in given if name in READERS or name in SNAKE_CASE]
    names = [name for name in names if given[name] is not None] or names[:1]
    if len(names) != 1:
        return storable.value(given, notes, depth)
    if isinstance(given, Repeated):
        notes.note("key.duplicate", given.repeats)
    name = names[0]
    item = given[name]
    if name in SNAKE_CASE:
        notes.note("field.snake_case", sent=name)
        name = SNAKE_CASE[name]
    return None if item is None else READERS[name](item, notes, depth)


def attributes(given: Any, notes: Adjustments, depth: int) -> dict[str, Any]:
    """Attributes: a list of KeyValues, or the plain object that simple clients write."""
    if isinstance(given, list):
        if len(given) > ATTRIBUTES_READ:
            notes.note("attributes.cut", len(given) - ATTRIBUTES_READ)
            given = given[:ATTRIBUTES_READ]
        return storable.attributes(_pairs(given, notes), any_value, notes, depth)
    if isinstance(given, dict):
        return storable.attributes(storable.pairs_of(given, notes), any_value, notes, depth)
    if given is not None:
        notes.note("field.invalid", sent=f"attributes: {shown(given)}")
    return {}


def _pairs(given: list[Any], notes: Adjustments) -> list[tuple[str, Any]]:
    pairs = []
    for pair in given:
        if pair.__class__ is not dict and not _is_message(pair, notes):
            continue
        key = pair.get("key")
        if key.__class__ is not str:
            key = "" if key is None else shown(key)
        pairs.append((key, pair.get("value")))
    return pairs


def _is_message(pair: Any, notes: Adjustments) -> bool:
    if isinstance(pair, Repeated):
        notes.note("key.duplicate", pair.repeats)
        return True
    notes.note("field.invalid", sent=f"attribute: {shown(pair)}")
    return False


def _plain(item: Any, notes: Adjustments, depth: int) -> Any:
    return (
        storable.text(item, notes) if item.__class__ is str else storable.value(item, notes, depth)
    )


def _integer(item: Any, notes: Adjustments, depth: int) -> Any:
    if isinstance(item, float) and item.is_integer():
        return storable.integer(int(item), notes)
    if item.__class__ is str and DIGITS.fullmatch(item):
        if len(item) > LONGEST_WITHIN_64_BITS:
            return storable.value(LongInteger(item), notes, depth)
        return storable.integer(int(item), notes)
    return storable.value(item, notes, depth)


def _double(item: Any, notes: Adjustments, depth: int) -> Any:
    text = isinstance(item, str) and (NUMBER.fullmatch(item) or item in NAMED_NUMBERS)
    if text or item.__class__ is int:
        # An integer of 64 bits fits into a double, and the digits of a larger one are a text.
        return storable.number(float(item), notes)
    return storable.value(item, notes, depth)


def _array(item: Any, notes: Adjustments, depth: int) -> Any:
    values = _values(item, notes)
    if values is None:
        return storable.value(item, notes, depth)
    if depth >= DEPTH:
        notes.note("depth.cut")
        return None
    return [any_value(part, notes, depth + 1) for part in values]


def _map(item: Any, notes: Adjustments, depth: int) -> Any:
    values = _values(item, notes)
    if values is None:
        return storable.value(item, notes, depth)
    if depth >= DEPTH:
        notes.note("depth.cut")
        return None
    return storable.mapping(_pairs(values, notes), any_value, notes, depth + 1)


def _values(item: Any, notes: Adjustments) -> list[Any] | None:
    """The parts of an ArrayValue or KeyValueList, None where it is neither."""
    if not isinstance(item, dict):
        return item if isinstance(item, list) else None
    values = item.get("values")
    if values is None and item.keys() <= {"values"}:
        values = []
    if isinstance(values, list) and isinstance(item, Repeated):
        notes.note("key.duplicate", item.repeats)
    return values if isinstance(values, list) else None


def _reference(_item: Any, notes: Adjustments, _depth: int) -> None:
    notes.note("value.reference")


READERS: dict[str, Reader] = {
    "stringValue": _plain,
    "intValue": _integer,
    "doubleValue": _double,
    "boolValue": _plain,
    "bytesValue": _plain,
    "arrayValue": _array,
    "kvlistValue": _map,
    "stringValueStrindex": _reference,
}
"""How each kind of AnyValue is read. Text, booleans and bytes (in base64) are what JSON has."""

SNAKE_CASE = {re.sub(r"(?=[A-Z])", "_", name).lower(): name for name in READERS}
