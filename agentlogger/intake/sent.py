"""What a client sent, read but not yet understood: the meeting point of all formats.

The protobuf, the OTLP/JSON and the native reader make the same of the same record; a test compares
them. `canonical.record` makes a row of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agentlogger.intake.storable import Adjustments


@dataclass(slots=True)
class Group:
    """What the records of one scope of one resource share."""

    resource: dict[str, Any]
    scope: dict[str, Any] | None
    scope_name: str
    envelope: dict[str, Any] | None
    notes: tuple[Adjustments, ...]
    redacted: bool = field(default=False, compare=False)
    """Whether its secrets were replaced: once for all records that share it."""
    columns: dict[str, tuple[str, bool]] | None = field(default=None, compare=False)
    """What its resource says for columns of records, and whether that was cut to fit; None until
    it was asked, once its secrets were replaced."""


@dataclass(slots=True)
class Span:
    """What a span says beyond a log record; its start is the record's time."""

    parent_span_id: str
    end_ns: int | str
    status: str
    """ok or error, "" for unset."""
    status_message: str
    around: dict[str, Any]
    """What no column takes: its kind, trace state, links and what was dropped."""


@dataclass(init=False, slots=True)
class Sent:
    """One record as sent, its values storable. Zero and "" mean unset, as in OTLP.

    Made once a record, so that its `__init__` is written out: mypyc compiles that, and would call
    the one that dataclasses generate as Python.
    """

    group: Group
    time_ns: int | str
    """Nanoseconds; a text where what was sent is no such number."""
    observed_ns: int | str
    severity_number: int
    severity_text: str
    event_name: str
    body: Any
    attributes: dict[str, Any]
    dropped_attributes_count: int
    flags: int
    trace_id: str
    span_id: str
    identity: tuple[str, str] | None
    """The kind of identity and its value, where the format itself carries one."""
    notes: Adjustments
    span: Span | None
    parts: tuple[Sent, ...]
    """Records of their own that stand within this one: the events of a span."""

    def __init__(
        self,
        group: Group,
        attributes: dict[str, Any],
        notes: Adjustments,
        *,
        time_ns: int | str = 0,
        observed_ns: int | str = 0,
        severity_number: int = 0,
        severity_text: str = "",
        event_name: str = "",
        body: Any = None,
        dropped_attributes_count: int = 0,
        flags: int = 0,
        trace_id: str = "",
        span_id: str = "",
        identity: tuple[str, str] | None = None,
        span: Span | None = None,
        parts: tuple[Sent, ...] = (),
    ) -> None:
        self.group = group
        self.time_ns = time_ns
        self.observed_ns = observed_ns
        self.severity_number = severity_number
        self.severity_text = severity_text
        self.event_name = event_name
        self.body = body
        self.attributes = attributes
        self.dropped_attributes_count = dropped_attributes_count
        self.flags = flags
        self.trace_id = trace_id
        self.span_id = span_id
        self.identity = identity
        self.notes = notes
        self.span = span
        self.parts = parts
