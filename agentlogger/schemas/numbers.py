"""The shapes of numbers: of which calls, by what, and what they come to."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from agentlogger.limits import GROUPS_STREAMED, PAGE_RECORDS, PAGE_RECORDS_MAX
from agentlogger.schemas.export import FORMATS
from agentlogger.schemas.logs import LogFilterSchema
from agentlogger.schemas.usage import InCommonSchema, UsageSchema

GROUPS = ("model", "tool", "agent", "provider", "session", "user", "day")


class NumbersQuerySchema(LogFilterSchema):
    """Of which records and calls, and by what to group them."""

    by = fields.String(
        load_default="model",
        validate=validate.OneOf(GROUPS),
        metadata={"description": "What the calls of a group have in common."},
    )
    limit = fields.Integer(
        load_default=None,
        validate=validate.Range(min=1, max=GROUPS_STREAMED),
        metadata={
            "description": f"Groups at most. JSON has {PAGE_RECORDS} where this says nothing else, "
            f"and {PAGE_RECORDS_MAX} at most; a stream has all."
        },
    )
    format = fields.String(
        load_default=None,
        validate=validate.OneOf(["json", *FORMATS]),
        metadata={"description": "json, sums and groups; or a stream of groups, ndjson or csv."},
    )
    project = fields.String(
        metadata={"description": "A project's name, for who is signed in; a key has its own."}
    )


class SumSchema(UsageSchema):
    """Calls, summed, with how long they took and what failed beside them."""

    ALWAYS = UsageSchema.ALWAYS | {"errors", "timed"}

    errors = fields.Integer(metadata={"description": "Records of severity error and above."})
    timed = fields.Integer(metadata={"description": "Calls that tell how long they took."})
    duration_p50_ns = fields.Integer(metadata={"description": "Half of these took no longer."})
    duration_p95_ns = fields.Integer()
    duration_p99_ns = fields.Integer()


class GroupSchema(SumSchema, InCommonSchema):
    """The numbers of calls that have something in common."""


class NumbersSchema(Schema):
    """The numbers of all calls that are meant, and by group."""

    by = fields.String()
    total = fields.Nested(SumSchema)
    groups = fields.List(fields.Nested(GroupSchema))
    hints = fields.List(
        fields.String(),
        metadata={"description": "What of q was searched for as text, and what was meant."},
    )
