"""The shapes of facets: of which keys, and which values there are."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from agentlogger.limits import FACET_KEYS, FACET_RECORDS, FACET_VALUES, FACET_VALUES_MAX
from agentlogger.schemas.logs import LogFilterSchema
from agentlogger.schemas.moments import Iso

USUAL_KEYS = ("level", "kind", "agent", "model", "tool", "user", "session")
"""What is counted where the request names no keys."""


class Names(fields.Field[list[str]]):
    """Names with commas between."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[str]:
        names = list(dict.fromkeys(name.strip() for name in str(value).split(",") if name.strip()))
        if not 1 <= len(names) <= FACET_KEYS:
            raise ValidationError(f"1 to {FACET_KEYS} keys, with commas between.")
        return names


class FacetQuerySchema(LogFilterSchema):
    """Which records to look at, and of which keys to count the values."""

    keys = Names(
        load_default=None,
        metadata={
            "type": "string",
            "description": f"Keys of the query language, {FACET_KEYS} at most, with commas "
            f"between; without it {', '.join(USUAL_KEYS)}.",
        },
    )
    values = fields.Integer(
        load_default=FACET_VALUES,
        validate=validate.Range(min=1, max=FACET_VALUES_MAX),
        metadata={"description": "Values of each key at most, those of most records."},
    )
    project = fields.String(
        metadata={"description": "A project's name, for who is signed in; a key has its own."}
    )


class FacetValueSchema(Schema):
    """A value, and how many records have it."""

    value = fields.String()
    records = fields.Integer()


class FacetSchema(Schema):
    """The values of a key."""

    key = fields.String(metadata={"description": "Its name in the query language."})
    values = fields.List(
        fields.Nested(FacetValueSchema), metadata={"description": "Those of most records first."}
    )
    distinct = fields.Integer(metadata={"description": "Values that there are."})
    others = fields.Integer(metadata={"description": "Records with a value that is not listed."})
    without = fields.Integer(metadata={"description": "Records without a value."})


class FacetsSchema(Schema):
    """The values of several keys in the same records."""

    records = fields.Integer(metadata={"description": "Records that were looked at."})
    exact = fields.Boolean(
        metadata={"description": "Whether these are all that are meant, or only the newest."}
    )
    sampled = fields.String(
        allow_none=True,
        metadata={
            "description": f"What ended it before all were looked at: records, {FACET_RECORDS:,} "
            "of them; or time. Null where it is exact."
        },
    )
    since = Iso(
        "since_ns",
        allow_none=True,
        metadata={"description": "What lies before was not looked at; null where it is exact."},
    )
    items = fields.List(fields.Nested(FacetSchema))
    hints = fields.List(
        fields.String(),
        metadata={"description": "What of q was searched for as text, and what was meant."},
    )
