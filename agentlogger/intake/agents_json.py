"""OpenAI's Agents SDK: what its own exporter posts to `/v1/traces/ingest`, which is no OTLP.

`{"data": [{"object": "trace", ...}, {"object": "trace.span", ...}]}`: ids are texts with a prefix,
times ISO 8601. A span's data become attributes `span_data.<field>`, its error `error.<field>`; all
other fields keep their names. A trace is a record without a length, whose group is the session of
its spans where both come in one request.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentlogger.errors import BodyUndecodable
from agentlogger.intake import exact_json, storable, times
from agentlogger.intake.record import Rejection
from agentlogger.intake.sent import Group, Sent, Span
from agentlogger.intake.shown import shown
from agentlogger.intake.storable import Adjustments

TRACE, SPAN = "trace", "trace.span"
SCOPE = "openai-agents"
"""What stands for the scope, which this format has none of."""

INNER = ("span_data", "error")
"""Objects of a span whose fields become attributes of their own."""
PLACED = {"object", "id", "trace_id", "parent_id", "started_at", "ended_at", *INNER}
"""Fields that have a place of their own in a record."""

NAMES = {"agent": "gen_ai.agent.name", "function": "gen_ai.tool.name"}
"""What a span's name is the name of, by its type."""


def read(body: bytes) -> Iterator[Sent | Rejection]:
    """The traces and spans of an export, in order. Raises BodyUndecodable."""
    try:
        given = exact_json.loads(body)
    except exact_json.NotJson as fault:
        raise BodyUndecodable(
            f"The body {fault}, so nothing of it was read: check what the client sends."
        ) from None
    data = given.get("data") if isinstance(given, dict) else None
    if not isinstance(data, list):
        raise BodyUndecodable(
            f"The body is {shown(given)}, and must be an object with data, a list of traces and "
            "spans, as OpenAI's Agents SDK sends it. OTLP goes to /v1/traces."
        )
    return _walk(data)


def _walk(data: list[Any]) -> Iterator[Sent | Rejection]:
    group = Group(resource={}, scope={"name": SCOPE}, scope_name=SCOPE, envelope=None, notes=())
    sessions = {
        item["id"]: item["group_id"]
        for item in data
        if isinstance(item, dict)
        and item.get("object") == TRACE
        and isinstance(item.get("id"), str)
        and isinstance(item.get("group_id"), str)
    }
    for index, item in enumerate(data):
        yield _item(item, index, group, sessions)


def _item(item: Any, index: int, group: Group, sessions: dict[str, str]) -> Sent | Rejection:
    if not isinstance(item, dict):
        reason = f"an item of data must be an object, and this is {shown(item)}"
        return Rejection(index, "record.not_object", reason)
    if item.get("object") not in (TRACE, SPAN):
        reason = f"object must be {TRACE} or {SPAN}, and is {shown(item.get('object'))}"
        return Rejection(index, "record.not_object", reason)
    if not _text(item, "id"):
        reason = f"id must be a text, and is {shown(item.get('id'))}"
        return Rejection(index, "record.not_object", reason)
    return _trace(item, group) if item["object"] == TRACE else _span(item, group, sessions)


def _trace(item: dict[str, Any], group: Group) -> Sent:
    notes = Adjustments()
    name = _text(item, "workflow_name")
    trace_id = storable.text(_text(item, "id"), notes)
    return _sent(
        group,
        notes,
        name=f"{TRACE} {name}" if name else TRACE,
        start=0,
        trace_id=trace_id,
        span_id="",
        attributes={key: value for key, value in item.items() if key not in {"object", "id"}},
        identity=("openai.trace", trace_id),
    )


def _span(item: dict[str, Any], group: Group, sessions: dict[str, str]) -> Sent:
    notes = Adjustments()
    trace_id = storable.text(_text(item, "trace_id"), notes)
    span_id = storable.text(_text(item, "id"), notes)
    attributes = {key: value for key, value in item.items() if key not in PLACED}
    for field in INNER:
        inner = item.get(field)
        if isinstance(inner, dict):
            attributes.update({f"{field}.{key}": value for key, value in inner.items()})
        elif inner is not None:
            attributes[field] = inner
    kind, name = attributes.get("span_data.type"), attributes.get("span_data.name")
    if isinstance(kind, str) and kind in NAMES and name is not None:
        attributes.setdefault(NAMES[kind], name)
    if _text(item, "trace_id") in sessions:
        attributes.setdefault("group_id", sessions[_text(item, "trace_id")])
    failed = item.get("error") is not None
    sent = _sent(
        group,
        notes,
        name=" ".join(each for each in (kind, name) if isinstance(each, str) and each),
        start=_time(item, "started_at"),
        trace_id=trace_id,
        span_id=span_id,
        attributes=attributes,
        identity=("openai.span", f"{trace_id}\0{span_id}"),
    )
    sent.span = Span(
        parent_span_id=storable.text(_text(item, "parent_id"), notes),
        end_ns=_time(item, "ended_at"),
        status="error" if failed else "",
        status_message="",
        around={},
    )
    return sent


def _sent(
    group: Group,
    notes: Adjustments,
    *,
    name: str,
    start: int | str,
    trace_id: str,
    span_id: str,
    attributes: dict[str, Any],
    identity: tuple[str, str],
) -> Sent:
    return Sent(
        group=group,
        time_ns=start,
        event_name=storable.text(name, notes),
        attributes=storable.attributes(
            storable.pairs_of(attributes, notes), storable.value, notes, 1
        ),
        trace_id=trace_id,
        span_id=span_id,
        identity=identity,
        notes=notes,
    )


def _text(item: dict[str, Any], name: str) -> str:
    given = item.get(name)
    return given if isinstance(given, str) else ""


def _time(item: dict[str, Any], name: str) -> int | str:
    given = item.get(name)
    return times.storable_or_text(given) if isinstance(given, str) else 0
