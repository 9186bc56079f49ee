"""A record on its way from a body to a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from agentlogger.intake.call import CallReport

PLAIN: Final = (
    "ts_ns", "received_ns", "observed_ns", "ts_source", "ts_sent", "severity_number",
    "severity_text", "severity_source", "event", "event_name", "kind", "trace_id", "span_id",
    "parent_span_id", "flags", "session_id", "prompt_id", "run_id", "agent", "model", "provider",
    "tool", "tool_call_id", "request_id", "user_id", "duration_ns", "ok", "error_type",
    "error_message", "tokens_in", "tokens_out", "tokens_cache_read", "tokens_cache_write",
    "tokens_tool", "tokens_reasoning", "usage_rule", "cost_micro_usd", "cost_source",
    "price_version",
)  # fmt: skip
JSON: Final = ("body", "attributes", "resource", "scope", "envelope", "adjustments")
"""The columns of a record, in the order of `values`."""


@dataclass(init=False, slots=True)
class Record:
    """The values of a record's columns, all of them storable on both databases.

    Times are nanoseconds since 1970, durations nanoseconds. `identity` is the SHA-256 of what the
    client says makes this record the same as another, behind its place among others
    (`identities.py`), or None. A new one says nothing but when it came and what it was made of, and
    columns that are named; `canonical` fills it one by one, as a call with a word for each of them
    takes as long as reading the record.
    """

    ts_ns: int
    received_ns: int
    observed_ns: int | None
    ts_source: str
    ts_sent: str | None
    severity_number: int
    severity_text: str | None
    severity_source: str
    event: str | None
    event_name: str | None
    kind: str
    body: Any
    trace_id: str | None
    span_id: str | None
    parent_span_id: str | None
    flags: int | None
    session_id: str | None
    prompt_id: str | None
    run_id: str | None
    agent: str | None
    model: str | None
    provider: str | None
    tool: str | None
    tool_call_id: str | None
    request_id: str | None
    user_id: str | None
    duration_ns: int | None
    ok: bool | None
    error_type: str | None
    error_message: str | None
    attributes: dict[str, Any]
    resource: dict[str, Any]
    scope: dict[str, Any] | None
    envelope: dict[str, Any] | None
    adjustments: dict[str, Any] | None
    identity: bytes | None
    completes: bool
    """Whether it says how long it took, and so completes one that is stored under its identity
    and does not: a span that was sent at its start and again at its end."""
    tokens_in: int | None
    """All of a call's input, as `call.usage` has it; likewise the counts below."""
    tokens_out: int | None
    tokens_cache_read: int | None
    tokens_cache_write: int | None
    tokens_tool: int | None
    tokens_reasoning: int | None
    usage_rule: str | None
    cost_micro_usd: int | None
    cost_source: str | None
    """reported, computed, upper_bound, or unknown; None for a record that reports no call."""
    price_version: str | None
    """Whose prices computed the cost."""
    call: CallReport | None
    """What it says of one call of a model, where it does."""

    def __init__(
        self,
        received_ns: int,
        attributes: dict[str, Any],
        resource: dict[str, Any],
        **columns: Any,
    ) -> None:
        self.attributes, self.resource = attributes, resource
        self.ts_ns = self.received_ns = received_ns
        self.ts_source = "received"
        self.severity_number = 0
        self.severity_source = "derived"
        self.kind = "log"
        self.completes = False
        self.body = self.call = self.identity = None
        self.observed_ns = self.flags = self.duration_ns = self.cost_micro_usd = None
        self.tokens_in = self.tokens_out = self.tokens_cache_read = self.tokens_cache_write = None
        self.tokens_tool = self.tokens_reasoning = None
        self.ts_sent = self.severity_text = self.event = self.event_name = None
        self.trace_id = self.span_id = self.parent_span_id = None
        self.session_id = self.prompt_id = self.run_id = self.agent = self.model = None
        self.provider = self.tool = self.tool_call_id = self.request_id = self.user_id = None
        self.ok = self.error_type = self.error_message = None
        self.usage_rule = self.cost_source = self.price_version = None
        self.scope = self.envelope = self.adjustments = None
        for column, value in columns.items():
            setattr(self, column, value)

    def values(self) -> tuple[Any, ...]:
        """The values of the columns, those of `PLAIN` and then those of `JSON`.

        Written out: compiled, it takes a third of what `attrgetter` takes of so many (measured).
        """
        return (
            self.ts_ns, self.received_ns, self.observed_ns, self.ts_source, self.ts_sent,
            self.severity_number, self.severity_text, self.severity_source, self.event,
            self.event_name, self.kind, self.trace_id, self.span_id, self.parent_span_id,
            self.flags, self.session_id, self.prompt_id, self.run_id, self.agent, self.model,
            self.provider, self.tool, self.tool_call_id, self.request_id, self.user_id,
            self.duration_ns, self.ok, self.error_type, self.error_message, self.tokens_in,
            self.tokens_out, self.tokens_cache_read, self.tokens_cache_write, self.tokens_tool,
            self.tokens_reasoning, self.usage_rule, self.cost_micro_usd, self.cost_source,
            self.price_version, self.body, self.attributes, self.resource, self.scope,
            self.envelope, self.adjustments,
        )  # fmt: skip


@dataclass(frozen=True)
class Rejection:
    """A record that was refused alone: where it stood in the request, and why."""

    index: int
    code: str
    reason: str


@dataclass
class Batch:
    """What a body held: records, what was refused, and what was replaced, by rule."""

    records: list[Record]
    positions: list[int]
    """For each record, where it stood in the request."""
    rejections: list[Rejection]
    adjusted: dict[str, int]
    """How often each rule was applied, over all records."""

    @property
    def is_dated(self) -> bool:
        """Whether each record has a time of its own, or an identity.

        Equal bytes are then the same records sent twice. Where a record has neither, they may be
        equal events that happened one after the other.
        """
        return all(
            record.ts_source != "received" or record.identity is not None for record in self.records
        )
