"""Spans as sent, whichever encoding: what both readers make of a span's fields.

A span is one record, whose time is its start; each of its events is a record that has the span as
its parent (specification of OTLP 1.11.0, message Span).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agentlogger.intake.sent import Group, Sent, Span
from agentlogger.intake.storable import Adjustments

KINDS = ("", "internal", "server", "client", "producer", "consumer")
"""SpanKind by its number; 0 is unspecified."""

STATUSES = ("", "ok", "error")
"""Status.StatusCode by its number; 0 is unset."""


@dataclass(slots=True)
class Read:
    """A span's fields, storable."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    kind: int
    start_ns: int | str
    end_ns: int | str
    attributes: dict[str, Any]
    dropped_attributes_count: int
    flags: int
    status: int
    status_message: str
    around: dict[str, Any]
    """trace_state, links, dropped_events_count and dropped_links_count; what is unset is empty."""
    events: list[Event]
    notes: Adjustments


@dataclass(slots=True)
class Event:
    """The fields of a span's event, storable."""

    time_ns: int | str
    name: str
    attributes: dict[str, Any]
    dropped_attributes_count: int
    notes: Adjustments


def sent(span: Read, group: Group) -> Sent:
    """The record that a span is, and those of its events within it."""
    key = span.trace_id + span.span_id if span.trace_id and span.span_id else ""
    around = {"kind": _named(span.kind, KINDS)} | span.around
    return Sent(
        group=group,
        time_ns=span.start_ns,
        event_name=span.name,
        attributes=span.attributes,
        dropped_attributes_count=span.dropped_attributes_count,
        flags=span.flags,
        trace_id=span.trace_id,
        span_id=span.span_id,
        identity=("span", key) if key else None,
        notes=span.notes,
        span=Span(
            parent_span_id=span.parent_span_id,
            end_ns=span.end_ns,
            status=str(_named(span.status, STATUSES)),
            status_message=span.status_message,
            around={name: item for name, item in around.items() if item},
        ),
        parts=tuple(
            _event(event, span, group, f"{key}{index}" if key else "")
            for index, event in enumerate(span.events)
        ),
    )


def _event(event: Event, span: Read, group: Group, key: str) -> Sent:
    return Sent(
        group=group,
        time_ns=event.time_ns or span.start_ns,
        event_name=event.name,
        attributes=event.attributes,
        dropped_attributes_count=event.dropped_attributes_count,
        flags=span.flags,
        trace_id=span.trace_id,
        span_id=span.span_id,
        identity=("span.event", key) if key else None,
        notes=event.notes,
    )


def _named(number: int, names: tuple[str, ...]) -> str | int:
    """The name of an enum's value, or the number of one that nobody knows."""
    return names[number] if 0 <= number < len(names) else number
