"""The shapes of a run as it is told: turns, what happened in them, and the trees of its traces."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from agentlogger.limits import RUN_RECORDS, RUN_RECORDS_MAX
from agentlogger.schemas.asked import AskedSchema
from agentlogger.schemas.many import Many
from agentlogger.schemas.moments import Digits, Iso
from agentlogger.schemas.nullable import NullableSchema
from agentlogger.schemas.usage import UsageSchema


class RunQuerySchema(AskedSchema):
    """Which part of a run to tell."""

    after = fields.String(
        metadata={"description": "left_out.after of the part before: go on behind this record."}
    )
    limit = fields.Integer(
        load_default=RUN_RECORDS,
        validate=validate.Range(min=1, max=RUN_RECORDS_MAX),
        metadata={"description": "Records to tell."},
    )
    project = fields.String(
        metadata={"description": "A project's name, for who is signed in; a key has its own."}
    )


class ItemSchema(NullableSchema):
    """Something that happened. Unknown is null."""

    ALWAYS = frozenset({"what", "time", "ts_ns", "records", "truncated"})

    what = fields.String(
        metadata={
            "description": "call, tool, response, decision, error, agent, session, compaction, "
            "hook, eval or retrieval."
        }
    )
    time = Iso("ts_ns")
    ts_ns = Digits()
    records = fields.List(fields.String(), metadata={"description": "Those that tell of it."})
    event = fields.String()
    text = fields.String(metadata={"description": "What was said, or the beginning of it."})
    agent = fields.String()
    model = fields.String()
    provider = fields.String()
    tool = fields.String()
    tool_call_id = fields.String()
    arguments = fields.String()
    result = fields.String()
    decision = fields.String()
    decided_by = fields.String()
    ok = fields.Boolean()
    duration_ns = fields.Integer()
    error_type = fields.String()
    error_message = fields.String()
    call_id = Digits(metadata={"description": "Of a call: its id in /api/v1/calls."})
    failed_before = fields.Integer()
    tokens_in = fields.Integer()
    tokens_out = fields.Integer()
    tokens_cache_read = fields.Integer()
    tokens_cache_write = fields.Integer()
    tokens_tool = fields.Integer()
    tokens_reasoning = fields.Integer()
    cost_micro_usd = fields.Integer()
    cost_source = fields.String()
    truncated = fields.List(
        fields.String(), metadata={"description": "Which texts are only the beginning."}
    )


class PromptSchema(NullableSchema):
    """What somebody asked."""

    ALWAYS = frozenset({"record", "time", "truncated"})

    record = fields.String()
    time = Iso("ts_ns")
    prompt_id = fields.String()
    user_id = fields.String()
    text = fields.String()
    truncated = fields.List(fields.String())


class TurnSchema(Schema):
    """A prompt and what followed, in the order of its time."""

    prompt = fields.Nested(
        PromptSchema,
        allow_none=True,
        metadata={"description": "Null for what was before any, or of a prompt that is not here."},
    )
    usage = fields.Nested(UsageSchema, metadata={"description": "Of the calls of this turn."})
    items = Many(fields.Nested(ItemSchema))


class SpanLineSchema(NullableSchema):
    """A span as a line of its trace's tree. What it tells is its own, and no sum."""

    ALWAYS = frozenset({"record", "trace_id", "span_id", "depth", "time", "ts_ns", "within"})

    record = fields.String()
    trace_id = fields.String()
    span_id = fields.String()
    parent_span_id = fields.String()
    depth = fields.Integer(metadata={"description": "How deep it stands below its root."})
    problem = fields.String(
        metadata={"description": "parent_missing, cycle or same_id: why it stands here."}
    )
    name = fields.String(attribute="event")
    kind = fields.String()
    time = Iso("ts_ns")
    ts_ns = Digits()
    duration_ns = fields.Integer()
    ok = fields.Boolean()
    within = fields.Integer(metadata={"description": "What else was recorded within it."})


class LeftOutSchema(Schema):
    """What of a run is not told here."""

    records = fields.Integer()
    is_more = fields.Boolean(metadata={"description": "Whether there are more than were counted."})
    after = fields.String(metadata={"description": "Ask again with this to go on."})


class RunSchema(NullableSchema):
    """A session or a trace as it is told."""

    ALWAYS = frozenset(
        {
            "first_time", "last_time", "records", "usage", "turns", "others", "spans",
            "traces_left_out", "agents", "models", "users",
        }
    )  # fmt: skip

    session_id = fields.String()
    trace_id = fields.String()
    first_time = Iso("first_ns")
    last_time = Iso("last_ns")
    records = fields.Integer(metadata={"description": "That are told here."})
    agents = fields.List(fields.String())
    models = fields.List(fields.String())
    users = fields.List(fields.String())
    usage = fields.Nested(
        UsageSchema,
        metadata={"description": "Of all calls of the session; of a trace, of those told here."},
    )
    turns = fields.List(fields.Nested(TurnSchema))
    others = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "Records by event that tell nothing of their own."},
    )
    spans = Many(
        fields.Nested(SpanLineSchema),
        metadata={"description": "Each span below its parent, trace by trace."},
    )
    left_out = fields.Nested(LeftOutSchema)
    traces_left_out = fields.Boolean(
        metadata={"description": "Whether records of its traces are missing for their number."}
    )
