"""What is read of a row: what is not known is null, and the description of the API says so."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import Schema, fields


class NullableSchema(Schema):
    """A shape that is only read, in which any field may be null but those of `ALWAYS`."""

    ALWAYS: ClassVar[frozenset[str]] = frozenset()

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Describe the field as nullable, so that a client made from the description reads it."""
        field_obj.allow_none = field_name not in self.ALWAYS
