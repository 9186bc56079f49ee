"""The shapes of calls of models: what a read asks for, a call, what records report of it."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from agentlogger.limits import PAGE_RECORDS, PAGE_RECORDS_MAX
from agentlogger.schemas.asked import AskedSchema
from agentlogger.schemas.export import FORMATS
from agentlogger.schemas.moments import Digits, Iso, Moment
from agentlogger.schemas.nullable import NullableSchema
from agentlogger.schemas.texts import PlainText


class CallFilterSchema(AskedSchema):
    """Which calls are meant."""

    from_ns = Moment(data_key="from", metadata={"description": "Not before: ISO 8601 or -15m."})
    to_ns = Moment(data_key="to", metadata={"description": "Before: ISO 8601 or -15m."})
    session = PlainText(metadata={"description": "The session's id."})
    model = PlainText(metadata={"description": "The model's name."})
    agent = PlainText(metadata={"description": "The agent's name."})
    provider = PlainText(metadata={"description": "The provider's name."})
    user = PlainText(metadata={"description": "Whose agent it is."})
    limit = fields.Integer(
        load_default=PAGE_RECORDS, validate=validate.Range(min=1, max=PAGE_RECORDS_MAX)
    )
    project = fields.String(
        metadata={"description": "A project's name, for who is signed in; a key has its own."}
    )


class CallQuerySchema(CallFilterSchema):
    """Which calls to list."""

    limit = fields.Integer(
        load_default=None,
        validate=validate.Range(min=1),
        metadata={"description": f"At most; a page has {PAGE_RECORDS_MAX}, and a stream all."},
    )
    cursor = fields.String(metadata={"description": "next_cursor of the page before."})
    format = fields.String(
        load_default=None,
        validate=validate.OneOf(["json", *FORMATS]),
        metadata={"description": "json, a page; or a stream of all, ndjson or csv."},
    )


class CallReportSchema(NullableSchema):
    """What one record says of a call. What it does not say is null."""

    ALWAYS = frozenset({"record", "source", "rank", "counts"})

    record = fields.String(metadata={"description": "The record's id."})
    source = fields.String(metadata={"description": "Which kind of record it is: log, span, ..."})
    rank = fields.Integer(metadata={"description": "The highest one that tells a field counts."})
    counts = fields.List(fields.String(), metadata={"description": "For which fields it counts."})
    rule = fields.String(
        attribute="usage_rule", metadata={"description": "What made its counts of those sent."}
    )
    ok = fields.Boolean()
    duration_ns = fields.Integer()
    tokens_in = fields.Integer()
    tokens_out = fields.Integer()
    tokens_cache_read = fields.Integer()
    tokens_cache_write = fields.Integer()
    tokens_tool = fields.Integer()
    tokens_reasoning = fields.Integer()
    cost_micro_usd = fields.Integer()


class CallSchema(NullableSchema):
    """A call of a model. Unknown is null."""

    ALWAYS = frozenset({"id", "time", "ts_ns", "reports"})

    id = Digits(attribute="call_id")
    time = Iso("ts_ns")
    ts_ns = Digits()
    session_id = fields.String()
    run_id = fields.String()
    agent = fields.String()
    model = fields.String()
    provider = fields.String()
    user_id = fields.String()
    api_key = fields.String(metadata={"description": "The key that it came with, as it begins."})
    ok = fields.Boolean()
    duration_ns = fields.Integer()
    failed_before = fields.Integer(
        metadata={"description": "Attempts that failed before, of which no record tells."}
    )
    tokens_in = fields.Integer(metadata={"description": "All of the input."})
    tokens_out = fields.Integer(metadata={"description": "All of the output."})
    tokens_cache_read = fields.Integer()
    tokens_cache_write = fields.Integer()
    tokens_tool = fields.Integer()
    tokens_reasoning = fields.Integer()
    usage_rule = fields.String(metadata={"description": "What made the counts of those sent."})
    cost_micro_usd = fields.Integer()
    cost_source = fields.String(metadata={"description": "reported, computed or upper_bound."})
    price_version = fields.String(metadata={"description": "Which prices it was computed with."})
    reports = fields.List(fields.Nested(CallReportSchema))


class RecordCallSchema(CallSchema):
    """The call that a record reports."""

    counts = fields.List(
        fields.String(), metadata={"description": "For which fields this record's word counts."}
    )


class CallPageSchema(Schema):
    """A page of calls, newest first."""

    items = fields.List(fields.Nested(CallSchema))
    next_cursor = fields.String(
        allow_none=True, metadata={"description": "For the next page; null on the last one."}
    )
