"""What all that clients name has in common: no name is passed over, and the nearest is told."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from marshmallow import RAISE, Schema, ValidationError


class KnownSchema(Schema):
    """Parameters of an address, or fields of a body, each of which is known."""

    class Meta:
        """A mistyped name must not quietly mean everything, or nothing."""

        unknown = RAISE

    def handle_error(self, error: ValidationError, data: Any, **_: Any) -> None:  # noqa: ARG002
        """Say of an unknown name which known one it may have been."""
        known = [field.data_key or name for name, field in self.load_fields.items()]
        messages = error.messages_dict
        for name in messages.keys() - {*known, "_schema"}:
            meant = or_meant(str(name), known)
            messages[name] = [f"It is unknown{meant} Known are {', '.join(sorted(known))}."]


def or_meant(name: str, known: Sequence[str]) -> str:
    """The end of a sentence about an unknown name: which of the known may be meant, if any."""
    close = get_close_matches(name.lower(), known, n=1)
    return f"; did you mean {close[0]}?" if close else "."
