"""The shapes of log records: what a read asks for, what it gives, what ingest answers."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from agentlogger.intake.severity import BANDS, NUMBERS
from agentlogger.limits import PAGE_RECORDS, PAGE_RECORDS_MAX
from agentlogger.schemas.asked import AskedSchema
from agentlogger.schemas.calls import RecordCallSchema
from agentlogger.schemas.export import FORMATS
from agentlogger.schemas.moments import Digits, Iso, Moment
from agentlogger.schemas.nullable import NullableSchema
from agentlogger.schemas.text_index import TextIndexSchema
from agentlogger.schemas.texts import PlainText


class SeverityBand(fields.Field[tuple[int, int]]):
    """A severity's name, for its four numbers, or one number from 1 to 24."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[int, int]:
        text = str(value).strip().lower()
        if text.isascii() and text.isdigit() and 1 <= int(text[:3]) <= 24:  # noqa: PLR2004  (OTLP's range)
            return int(text), int(text)
        number = NUMBERS.get(text)
        if number is None:
            raise ValidationError("One of trace, debug, info, warn, error, fatal, or 1 to 24.")
        return next((low, high) for low, high in BANDS.values() if low <= number <= high)


class LogFilterSchema(AskedSchema):
    """Which records are meant."""

    q = PlainText(
        metadata={
            "description": "A query, as in docs/query-language.md: level:>=warn tool:Bash -ok:true "
            '"rate limit". Times stand in from and to.'
        }
    )
    from_ns = Moment(data_key="from", metadata={"description": "Not before: ISO 8601 or -15m."})
    to_ns = Moment(data_key="to", metadata={"description": "Before: ISO 8601 or -15m."})
    severity = SeverityBand(metadata={"description": "Exactly this severity: error, or 1 to 24."})
    severity_min = SeverityBand(metadata={"description": "At least this severity: warn."})
    event = PlainText(metadata={"description": "The event's name."})
    session = PlainText(metadata={"description": "The session's id."})
    model = PlainText(metadata={"description": "The model's name."})
    trace = PlainText(metadata={"description": "The trace's id, 32 hex digits."})


class LogQuerySchema(LogFilterSchema):
    """Which records to list."""

    order = fields.String(
        load_default="desc",
        validate=validate.OneOf(["desc", "asc"]),
        metadata={"description": "desc, newest first, or asc."},
    )
    limit = fields.Integer(
        load_default=None,
        validate=validate.Range(min=1),
        metadata={
            "description": f"Records at most. A page of JSON has {PAGE_RECORDS} where this says "
            f"nothing else, and {PAGE_RECORDS_MAX} at most; a stream has all."
        },
    )
    cursor = fields.String(metadata={"description": "next_cursor of the page before."})
    format = fields.String(
        load_default=None,
        validate=validate.OneOf(["json", *FORMATS]),
        metadata={
            "description": "json, a page; or a stream of all, ndjson or csv, with a trailer as its "
            "last line. Without it the header Accept says which."
        },
    )
    as_of_ns = Moment(
        data_key="as_of",
        metadata={
            "description": "Received before: ISO 8601 or -15m. A stream says in its trailer what "
            "it was, so that one that goes on can be given the same."
        },
    )
    project = fields.String(
        metadata={"description": "A project's name, for who is signed in; a key has its own."}
    )


class LogRecordSchema(NullableSchema):
    """A record. Unknown is null."""

    ALWAYS = frozenset(
        {
            "id", "time", "ts_ns", "ts_source", "received_time", "severity_number",
            "severity_source", "kind", "attributes", "resource",
        }
    )  # fmt: skip

    id = fields.String(attribute="public_id", metadata={"description": "Sorts by time."})
    time = Iso("ts_ns")
    ts_ns = Digits()
    ts_source = fields.String(
        metadata={"description": "emitted, observed, attribute, or received."}
    )
    ts_sent = fields.String(metadata={"description": "The time as sent, where it is unusable."})
    observed_time = Iso("observed_ns")
    observed_ns = Digits()
    received_time = Iso("received_ns")
    severity_number = fields.Integer()
    severity_text = fields.String()
    severity_source = fields.String(metadata={"description": "emitted, or derived where unset."})
    event = fields.String()
    event_name = fields.String(metadata={"description": "OTLP's own field, as sent."})
    kind = fields.String()
    body = fields.Raw()
    trace_id = fields.String()
    span_id = fields.String()
    parent_span_id = fields.String()
    flags = fields.Integer()
    session_id = fields.String()
    prompt_id = fields.String()
    run_id = fields.String()
    agent = fields.String()
    model = fields.String()
    provider = fields.String()
    tool = fields.String()
    tool_call_id = fields.String()
    request_id = fields.String()
    user_id = fields.String()
    duration_ns = fields.Integer()
    ok = fields.Boolean()
    error_type = fields.String()
    error_message = fields.String()
    tokens_in = fields.Integer(metadata={"description": "All input, however it was billed."})
    tokens_out = fields.Integer(metadata={"description": "All output, reasoning included."})
    tokens_cache_read = fields.Integer(metadata={"description": "Part of the input."})
    tokens_cache_write = fields.Integer(metadata={"description": "Part of the input."})
    tokens_tool = fields.Integer(metadata={"description": "Part of the input (Gemini's)."})
    tokens_reasoning = fields.Integer(metadata={"description": "Part of the output."})
    usage_rule = fields.String(metadata={"description": "How the counts were made of those sent."})
    cost_micro_usd = fields.Integer(metadata={"description": "Millionths of a US dollar."})
    cost_source = fields.String(
        metadata={"description": "reported, computed, upper_bound or unknown."}
    )
    price_version = fields.String(metadata={"description": "Whose prices computed the cost."})
    attributes = fields.Dict()
    resource = fields.Dict()
    scope = fields.Dict()
    envelope = fields.Dict(metadata={"description": "Schema URLs, dropped counts, entities."})
    adjustments = fields.Dict(metadata={"description": "What was replaced or cut, by rule."})
    truncated = fields.Dict(
        metadata={
            "description": "In a list, that `body` is the beginning of a longer one, as text, and "
            "about how many characters that has; the record alone has it whole."
        }
    )


class OneLogRecordSchema(LogRecordSchema):
    """A record, with the call of a model that it reports."""

    call = fields.Nested(RecordCallSchema, allow_none=True)


class LogPageSchema(Schema):
    """A page of records, newest first."""

    items = fields.List(fields.Nested(LogRecordSchema))
    next_cursor = fields.String(
        allow_none=True, metadata={"description": "For the next page; null on the last one."}
    )
    hints = fields.List(
        fields.String(),
        metadata={"description": "What of q was searched for as text, and what was meant."},
    )
    text_index = fields.Nested(
        TextIndexSchema,
        allow_none=True,
        metadata={"description": "How far the index of words is; null where none was needed."},
    )


class RejectionSchema(Schema):
    """A record that was refused alone."""

    index = fields.Integer(metadata={"description": "Where it stood in the request, from 0."})
    code = fields.String()
    reason = fields.String()


class ReceiptSchema(Schema):
    """What became of the records of a request: sent = accepted + duplicates + rejected."""

    sent = fields.Integer(metadata={"description": "Records in the request."})
    accepted = fields.Integer(metadata={"description": "Stored, and on disk."})
    duplicates = fields.Integer(metadata={"description": "Recognised as stored before."})
    rejected = fields.List(fields.Nested(RejectionSchema))
    rejected_count = fields.Integer()
    adjusted = fields.Dict(
        metadata={"description": "How often a value was replaced or cut, by rule."}
    )
