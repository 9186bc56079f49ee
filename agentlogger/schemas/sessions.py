"""The shapes of a list of sessions."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from agentlogger.limits import SESSIONS, SESSIONS_MAX
from agentlogger.schemas.asked import AskedSchema
from agentlogger.schemas.export import FORMATS
from agentlogger.schemas.moments import Digits, Iso, Moment
from agentlogger.schemas.texts import PlainText
from agentlogger.schemas.usage import UsageSchema


class SessionQuerySchema(AskedSchema):
    """Which sessions to list: those of which a record is like this."""

    q = PlainText(
        metadata={"description": "A query, as for records: level:>=error model:claude-*."}
    )
    from_ns = Moment(data_key="from", metadata={"description": "Not before: ISO 8601 or -15m."})
    to_ns = Moment(data_key="to", metadata={"description": "Before: ISO 8601 or -15m."})
    limit = fields.Integer(
        load_default=None,
        validate=validate.Range(min=1),
        metadata={
            "description": f"Sessions at most. A page of JSON has {SESSIONS} where this says "
            f"nothing else, and {SESSIONS_MAX} at most; a stream has all."
        },
    )
    cursor = fields.String(metadata={"description": "next_cursor of the page before."})
    format = fields.String(
        load_default=None,
        validate=validate.OneOf(["json", *FORMATS]),
        metadata={"description": "json, a page; or a stream of all, ndjson or csv."},
    )
    project = fields.String(
        metadata={"description": "A project's name, for who is signed in; a key has its own."}
    )


class SessionSchema(Schema):
    """A session, and what is in it."""

    session_id = fields.String()
    first_time = Iso("first_ns")
    first_ns = Digits()
    last_time = Iso("last_ns")
    last_ns = Digits()
    records = fields.Integer(metadata={"description": "The newest ones, where is_more is true."})
    is_more = fields.Boolean(
        metadata={
            "description": "Whether it has more records than were counted here: times, errors, "
            "prompts and tools are then of the newest ones. Usage is always of all."
        }
    )
    errors = fields.Integer(metadata={"description": "Records of severity error and above."})
    prompts = fields.Integer()
    tools = fields.Integer(metadata={"description": "Calls of tools, each once."})
    agents = fields.List(fields.String(), metadata={"description": "Most records first."})
    models = fields.List(fields.String(), metadata={"description": "Most calls first."})
    users = fields.List(fields.String(), metadata={"description": "Most records first."})
    usage = fields.Nested(UsageSchema)


class SessionPageSchema(Schema):
    """A page of sessions, by their newest record that is like what was asked for."""

    items = fields.List(fields.Nested(SessionSchema))
    next_cursor = fields.String(
        allow_none=True,
        metadata={"description": "For the next page; null on the last. A page may be short."},
    )
    hints = fields.List(
        fields.String(),
        metadata={"description": "What of q was searched for as text, and what was meant."},
    )
