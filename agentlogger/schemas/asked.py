"""What parameters of addresses have in common: each is known, and times are in order."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates_schema

from agentlogger.schemas.known import KnownSchema


class AskedSchema(KnownSchema):
    """Parameters of an address."""

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
