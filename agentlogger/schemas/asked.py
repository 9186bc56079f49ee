"""What all parameters of addresses have in common: none is passed over, and times are in order."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, validates_schema


class AskedSchema(Schema):
    """Parameters of an address, each of which is known."""

    class Meta:
        """A mistyped parameter must not quietly mean everything."""

        unknown = RAISE

    @validates_schema
    def _in_order(self, asked: dict[str, Any], **_: Any) -> None:
        """No list is empty for having its times the wrong way round."""
        begin, end = asked.get("from_ns"), asked.get("to_ns")
        if begin is not None and end is not None and begin > end:
            raise ValidationError(
                "It is later than `to`, and nothing lies between them: the earlier of the two "
                "belongs into `from`.",
                "from",
            )

    def handle_error(self, error: ValidationError, data: Any, **_: Any) -> None:  # noqa: ARG002
        """Say of an unknown parameter which known one it may have been."""
        known = [field.data_key or name for name, field in self.load_fields.items()]
        messages = error.messages_dict
        for name in messages.keys() - {*known, "_schema"}:
            messages[name] = [_unknown(str(name), known)]


def _unknown(name: str, known: list[str]) -> str:
    close = get_close_matches(name.lower(), known, n=1)
    meant = f"; did you mean {close[0]}?" if close else "."
    return f"It is unknown{meant} Known are {', '.join(sorted(known))}."
