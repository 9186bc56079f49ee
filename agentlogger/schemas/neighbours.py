"""The shapes of a record's neighbours."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from agentlogger.limits import NEIGHBOURS, PAGE_RECORDS_MAX
from agentlogger.schemas.asked import AskedSchema
from agentlogger.schemas.logs import LogRecordSchema

WITHIN = ("session", "trace", "project")
"""What a record and its neighbours have in common."""


class NeighbourQuerySchema(AskedSchema):
    """How many neighbours, and of what."""

    within = fields.String(
        load_default=None,
        validate=validate.OneOf(WITHIN),
        metadata={
            "description": "What they have in common with it; without it the first of session, "
            "trace and project that the record has."
        },
    )
    before = fields.Integer(
        load_default=NEIGHBOURS, validate=validate.Range(min=0, max=PAGE_RECORDS_MAX // 2)
    )
    after = fields.Integer(
        load_default=NEIGHBOURS, validate=validate.Range(min=0, max=PAGE_RECORDS_MAX // 2)
    )
    project = fields.String(
        metadata={"description": "A project's name, for who is signed in; a key has its own."}
    )


class NeighboursSchema(Schema):
    """A record among others, the oldest first, as in a list."""

    within = fields.String()
    before = fields.List(fields.Nested(LogRecordSchema))
    record = fields.Nested(LogRecordSchema)
    after = fields.List(fields.Nested(LogRecordSchema))
    is_first = fields.Boolean(metadata={"description": "Whether nothing is before these."})
    is_last = fields.Boolean(metadata={"description": "Whether nothing is after these."})
