"""What was sent to the API as arguments of an address or as fields of JSON, read by its schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError

from agentlogger.errors import QueryInvalid

NAME_CHARACTERS = 100
"""Of a name that a sentence tells: whoever mistypes one sees which."""


def read_arguments(schema: type[Schema], given: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of a query. Raises QueryInvalid with the first mistake."""
    try:
        asked: dict[str, Any] = schema().load(given)
    except ValidationError as fault:
        raise QueryInvalid(mistake(fault.messages_dict)) from None
    return asked


def mistake(messages: Mapping[str, Any]) -> str:
    """What is wrong with the first parameter of those that a schema refused, in a sentence."""
    name, reasons = next(iter(messages.items()))
    reason = reasons[0] if isinstance(reasons, list) else reasons
    return f"The parameter {name[:NAME_CHARACTERS]!r} means nothing here: {reason}"


def read_fields(schema: Schema, given: Any) -> dict[str, Any]:
    """The fields of a body. Raises QueryInvalid, which says what is wrong with each."""
    try:
        read: dict[str, Any] = schema.load(given)
    except ValidationError as fault:
        raise QueryInvalid(
            "A field has a value that means nothing here; `errors` says which.",
            errors=fault.messages_dict,
        ) from None
    return read
