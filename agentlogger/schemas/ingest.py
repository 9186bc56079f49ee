"""The shapes of the ingest ledger."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from agentlogger.intake.findings import KINDS
from agentlogger.limits import PAGE_RECORDS, PAGE_RECORDS_MAX
from agentlogger.schemas.asked import AskedSchema
from agentlogger.schemas.moments import Iso
from agentlogger.schemas.texts import PlainText


class FindingQuerySchema(AskedSchema):
    """Which findings to list."""

    kind = fields.String(
        validate=validate.OneOf(KINDS), metadata={"description": "Only findings of this kind."}
    )
    key = PlainText(metadata={"description": "Only of the key that begins like this."})
    limit = fields.Integer(
        load_default=PAGE_RECORDS, validate=validate.Range(min=1, max=PAGE_RECORDS_MAX)
    )
    project = fields.String(
        metadata={"description": "A project's name, for who is signed in; a key has its own."}
    )


class FindingSchema(Schema):
    """Something that happened to what one sender sent, and what to do about it."""

    kind = fields.String()
    code = fields.String(metadata={"description": "A refusal's code, or a rule's."})
    door = fields.String(metadata={"description": "The address it was sent to."})
    count = fields.Integer(metadata={"description": "Records or values; of requests, requests."})
    first_time = Iso("first_ns")
    last_time = Iso("last_ns")
    reason = fields.String(metadata={"description": "What was said of the last one."})
    fix = fields.String(metadata={"description": "What to do about it."})
    sample = fields.String(metadata={"description": "The beginning of what was sent."})
    key = fields.String(metadata={"description": "The key's first characters."})
    key_name = fields.String()
    agent = fields.String(metadata={"description": "The sender's User-Agent."})
    service = fields.String(metadata={"description": "service.name of the first record."})


class FindingPageSchema(Schema):
    """Findings, the one that happened last first."""

    items = fields.List(fields.Nested(FindingSchema))
