"""The fields of OTLP/JSON's messages, read as their types in OTLP.

A value of another type counts as unset and is marked: the message around it is kept.
"""

from __future__ import annotations

import re
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber

from agentlogger.errors import BodyUndecodable
from agentlogger.intake import storable
from agentlogger.intake.any_value import DIGITS
from agentlogger.intake.exact_json import LONGEST_WITHIN_64_BITS, Repeated
from agentlogger.intake.shown import shown
from agentlogger.intake.storable import Adjustments

UINT32_MAX = 2**32 - 1

SEVERITIES: dict[str, int] = dict(SeverityNumber.items())

_SNAKE_CASE: dict[str, str] = {}


def in_snake_case(name: str) -> str:
    """The snake_case name of a field."""
    snake = _SNAKE_CASE.get(name)
    if snake is None:
        snake = _SNAKE_CASE[name] = re.sub(r"(?=[A-Z])", "_", name).lower()
    return snake


def field(message: dict[str, Any], name: str, notes: Adjustments) -> Any:
    """A field by its lowerCamelCase name, or by the snake_case one that some libraries write."""
    if name in message:
        return message[name]
    snake = in_snake_case(name)
    if snake == name or snake not in message:
        return None
    notes.note("field.snake_case", sent=snake)
    return message[snake]


def messages(message: dict[str, Any], name: str, notes: Adjustments) -> list[dict[str, Any]]:
    """A list of messages; null is an empty one. Raises BodyUndecodable for anything else.

    It is for what wraps records: without it nobody can tell what records there are.
    """
    found = elements(message, name, notes)
    for index, item in enumerate(found):
        if not isinstance(item, dict):
            raise BodyUndecodable(
                f"{name}[{index}] must be an object and is {shown(item)}, so nothing of the body "
                "was read: check the exporter."
            )
    return found


def elements(message: dict[str, Any], name: str, notes: Adjustments) -> list[Any]:
    """A list of anything; null is an empty one. Raises BodyUndecodable for anything else."""
    if isinstance(message, Repeated):
        notes.note("key.duplicate", message.repeats)
    found = field(message, name, notes)
    if found is None:
        return []
    if not isinstance(found, list):
        raise BodyUndecodable(
            f"{name} must be a list and is {shown(found)}, so nothing of the body was read: check "
            "the exporter."
        )
    return found


def inner(message: dict[str, Any], name: str, notes: Adjustments) -> dict[str, Any]:
    """A message within a message; an empty one where there is none."""
    found = field(message, name, notes)
    if isinstance(found, Repeated):
        notes.note("key.duplicate", found.repeats)
    if isinstance(found, dict):
        return found
    _mark_unless_unset(name, found, notes)
    return {}


def text(message: dict[str, Any], name: str, notes: Adjustments) -> str:
    """A text, "" where it is unset. A number is taken as the text that it is."""
    found = field(message, name, notes)
    if isinstance(found, str):
        return storable.text(found, notes)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return str(found)
    _mark_unless_unset(name, found, notes)
    return ""


def count(message: dict[str, Any], name: str, notes: Adjustments) -> int:
    """An unsigned integer of 32 bits, 0 where it is unset."""
    found = field(message, name, notes)
    number = whole(found)
    if number is not None and 0 <= number <= UINT32_MAX:
        return number
    _mark_unless_unset(name, found, notes)
    return 0


def severity(message: dict[str, Any], name: str, notes: Adjustments) -> int:
    """A severity's number, 0 where it is unset."""
    return enum(message, name, SEVERITIES, notes, rule="severity.name")


def enum(
    message: dict[str, Any],
    name: str,
    names: dict[str, int],
    notes: Adjustments,
    *,
    rule: str = "enum.name",
) -> int:
    """An enum's number, 0 where it is unset; OTLP forbids an enum's name, and some write it."""
    found = field(message, name, notes)
    if isinstance(found, str) and found in names:
        notes.note(rule, sent=found)
        return names[found]
    number = whole(found)
    if number is None:
        _mark_unless_unset(name, found, notes)
    return number or 0


def nanoseconds(message: dict[str, Any], name: str, notes: Adjustments) -> int | str:
    """A time; 0 is unset, and a text is what was sent where that is no number of nanoseconds."""
    found = field(message, name, notes)
    if found is None or found == "":
        return 0
    number = whole(found)
    if number is not None:
        return number
    return found if isinstance(found, str) else shown(found)


def whole(found: Any) -> int | None:
    """A whole number, written as a number or as its digits; None where it is none.

    Digits far beyond 64 bits are none: there is nothing that they could count.
    """
    if isinstance(found, str):
        fits = len(found) <= LONGEST_WITHIN_64_BITS and DIGITS.fullmatch(found)
        return int(found) if fits else None
    if isinstance(found, float):
        return int(found) if found.is_integer() else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _mark_unless_unset(name: str, found: Any, notes: Adjustments) -> None:
    """Mark a value that is not of its field's type; null and an empty text mean unset in JSON."""
    if found is not None and found != "":
        notes.note("field.invalid", sent=f"{name}: {shown(found)}")
