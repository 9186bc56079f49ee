"""The shapes of the schema watch."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from agentlogger.limits import PAGE_RECORDS, PAGE_RECORDS_MAX
from agentlogger.schemas.asked import AskedSchema
from agentlogger.schemas.many import Many
from agentlogger.schemas.moments import Iso, Moment
from agentlogger.schemas.texts import PlainText


class SightingQuerySchema(AskedSchema):
    """What is asked for."""

    service = PlainText(metadata={"description": "service.name; empty for none."})
    version = PlainText(metadata={"description": "service.version; empty for none."})
    event = PlainText(metadata={"description": "The event's name; empty for none."})
    attribute = PlainText(metadata={"description": "Only events with it, and only it of them."})
    new_since_ns = Moment(
        data_key="new_since",
        metadata={"description": "Only what was not received before: ISO 8601 or -7d."},
    )
    limit = fields.Integer(
        load_default=PAGE_RECORDS, validate=validate.Range(min=1, max=PAGE_RECORDS_MAX)
    )
    project = fields.String(
        metadata={"description": "A project's name, for who is signed in; a key has its own."}
    )


class AttributeSchema(Schema):
    """An attribute of an event's records."""

    name = fields.String()
    records = fields.Integer(metadata={"description": "Those that have it."})
    first_time = Iso("first_ns")
    last_time = Iso("last_ns")


class SightingSchema(Schema):
    """An event as one version of a service sends it."""

    service = fields.String(metadata={"description": "service.name, empty where there is none."})
    version = fields.String(metadata={"description": "service.version, likewise."})
    event = fields.String(metadata={"description": "A span's name is its event; likewise."})
    records = fields.Integer()
    first_time = Iso("first_ns")
    last_time = Iso("last_ns")
    attributes = Many(fields.Nested(AttributeSchema), metadata={"description": "By name."})
    is_cut = fields.Boolean(
        metadata={"description": "Whether some records had more attributes than are kept."}
    )


class UnseenSchema(Schema):
    """Records of kinds for which there was no room."""

    records = fields.Integer()
    first_time = Iso("first_ns")
    last_time = Iso("last_ns")


class SightingPageSchema(Schema):
    """What was seen, the last received first."""

    items = fields.List(fields.Nested(SightingSchema))
    is_more = fields.Boolean(metadata={"description": "Whether there are more than `limit`."})
    left_out = fields.Nested(
        UnseenSchema,
        allow_none=True,
        metadata={"description": "Records that are in no item since the project has too many."},
    )
