"""Arguments that a person wrote into an address: read by the API's own schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError

from agentlogger.errors import QueryInvalid


def read_arguments(schema: type[Schema], given: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of a query. Raises QueryInvalid with the first mistake."""
    try:
        asked: dict[str, Any] = schema().load(given)
    except ValidationError as fault:
        name, reasons = next(iter(fault.messages_dict.items()))
        reason = reasons[0] if isinstance(reasons, list) else reasons
        raise QueryInvalid(f"The parameter {name!r} means nothing here: {reason}") from None
    return asked
