"""The shapes of usage: by what it is asked for, and sums of calls."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from agentlogger.intake import times
from agentlogger.schemas.calls import CallFilterSchema
from agentlogger.schemas.nullable import NullableSchema

GROUPS = ("model", "agent", "provider", "session", "user", "day")


class UsageQuerySchema(CallFilterSchema):
    """Which calls to sum, and by what."""

    group_by = fields.String(
        load_default=None,
        validate=validate.OneOf(GROUPS),
        metadata={"description": "What the calls of a group have in common."},
    )


class UsageSchema(NullableSchema):
    """Calls, summed. What no call told is null."""

    ALWAYS = frozenset({"calls", "failed", "unanswered", "untold"})

    calls = fields.Integer(metadata={"description": "Attempts, failed ones among them."})
    failed = fields.Integer()
    unanswered = fields.Integer(metadata={"description": "Calls of which no record tells an end."})
    tokens_in = fields.Integer(metadata={"description": "All of the input."})
    tokens_fresh = fields.Integer()
    tokens_cache_read = fields.Integer()
    tokens_cache_write = fields.Integer()
    tokens_tool = fields.Integer()
    tokens_in_undivided = fields.Integer()
    tokens_out = fields.Integer(metadata={"description": "All of the output."})
    tokens_answer = fields.Integer()
    tokens_reasoning = fields.Integer()
    tokens_out_undivided = fields.Integer()
    cost_micro_usd = fields.Integer()
    upper_bounds = fields.Integer(
        metadata={"description": "Calls whose cost is an upper bound: what was cached is unknown."}
    )
    untold = fields.Method(
        "_untold",
        metadata={
            "type": "object",
            "description": "For each sum, the calls that did not fail and did not tell it.",
        },
    )

    def _untold(self, row: dict[str, Any]) -> dict[str, int]:
        prefix = "untold_"
        return {
            name.removeprefix(prefix): number
            for name, number in row.items()
            if name.startswith(prefix)
        }


class InCommonSchema(Schema):
    """By what calls are grouped."""

    group = fields.Method(
        "_group",
        metadata={"type": "string", "description": "What they have in common; a day as its date."},
    )

    def _group(self, row: dict[str, Any]) -> str | None:
        group = row["group"]
        return times.to_iso(group)[:10] if isinstance(group, int) else group


class UsageGroupSchema(InCommonSchema, UsageSchema):
    """Calls that have something in common, summed."""


class UsageAnswerSchema(Schema):
    """All calls that are meant as one sum, and by group."""

    total = fields.Nested(UsageSchema)
    groups = fields.List(fields.Nested(UsageGroupSchema))
