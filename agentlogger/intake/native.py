"""Plain JSON for programs without OpenTelemetry: one object, an array, or a line each (NDJSON).

A record's known fields are those that the API gives back; whatever else it has becomes an
attribute, so nothing is thrown away. docs/reference.md shows the shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentlogger.errors import BodyUndecodable
from agentlogger.intake import exact_json, severity, storable, times
from agentlogger.intake.otlp_json import DIGITS, SPAN_ID_CHARACTERS, TRACE_ID_CHARACTERS, read_id
from agentlogger.intake.record import Rejection
from agentlogger.intake.sent import Group, Sent
from agentlogger.intake.storable import Adjustments
from agentlogger.limits import REASON_CHARACTERS

TIME = ("time", "timestamp", "ts", "ts_ns")
OBSERVED = ("observed_time", "observed_ns")
BODY = ("body", "message", "msg")
EVENT = ("event", "event_name")
SEVERITY = ("severity", "severity_number", "severity_text", "level")
READ_BACK = {
    "session_id": "session.id",
    "prompt_id": "prompt.id",
    "run_id": "workflow.run_id",
    "user_id": "user.id",
    "agent": "gen_ai.agent.name",
    "model": "gen_ai.request.model",
    "provider": "gen_ai.provider.name",
    "tool": "gen_ai.tool.name",
    "tool_call_id": "gen_ai.tool.call.id",
    "error_type": "error.type",
    "error_message": "error.message",
}
"""Columns by their own names: they become the attribute that fills the column."""


def read(body: bytes, *, lines: bool) -> Iterator[Sent | Rejection]:
    """The records of a body, in order; with `lines`, one JSON object a line.

    Raises BodyUndecodable where nothing can be read; a single line that is no JSON is refused
    alone.
    """
    if lines:
        yield from _lines(body)
        return
    given = exact_json.loads(body)
    if isinstance(given, dict):
        given = [given]
    if not isinstance(given, list):
        raise BodyUndecodable(
            "The body must be a JSON object, an array of objects, or one object a line "
            "(application/x-ndjson)."
        )
    for index, item in enumerate(given):
        yield _record(item, index)


def _lines(body: bytes) -> Iterator[Sent | Rejection]:
    index = 0
    for line in body.split(b"\n"):
        if not line.strip():
            continue
        try:
            yield _record(exact_json.loads(line), index)
        except BodyUndecodable as fault:
            yield Rejection(index, fault.code, str(fault))
        index += 1


def _record(given: Any, index: int) -> Sent | Rejection:
    if not isinstance(given, dict):
        shown = repr(given)[:REASON_CHARACTERS]
        return Rejection(
            index, "record.not_object", f"a record must be an object, and this is {shown}"
        )
    return _sent(given)


def _sent(given: dict[str, Any]) -> Sent:
    notes = Adjustments()
    rest = dict(given)
    if isinstance(given, exact_json.Repeated):
        notes.note("key.duplicate", given.repeats)
    resource = _map(rest, "resource", notes)
    scope = _map(rest, "scope", notes)
    number, name = _severity(rest)
    trace_id = read_id(rest.pop("trace_id", ""), TRACE_ID_CHARACTERS, "trace_id.invalid", notes)
    span_id = read_id(rest.pop("span_id", ""), SPAN_ID_CHARACTERS, "span_id.invalid", notes)
    identity = rest.pop("id", None)
    sent = Sent(
        group=Group(resource, scope or None, str((scope or {}).get("name", "")), None, ()),
        time_ns=_time(rest, TIME),
        observed_ns=_time(rest, OBSERVED),
        severity_number=number,
        severity_text=storable.text(name, notes),
        event_name=storable.text(_first_text(rest, EVENT), notes),
        body=storable.value(_first(rest, BODY), notes),
        attributes={},
        dropped_attributes_count=0,
        flags=0,
        trace_id=trace_id,
        span_id=span_id,
        identity=("id", str(identity)) if isinstance(identity, str | int) and identity else None,
        notes=notes,
    )
    sent.attributes = _attributes(rest, notes)
    return sent


def _map(rest: dict[str, Any], name: str, notes: Adjustments) -> dict[str, Any]:
    """A field that must be an object; anything else stays among the attributes."""
    if not isinstance(rest.get(name), dict):
        return {}
    given = rest.pop(name)
    return storable.attributes(
        ((key, storable.value(item, notes, 1)) for key, item in given.items()), notes
    )


def _attributes(rest: dict[str, Any], notes: Adjustments) -> dict[str, Any]:
    """The attributes, and every field that has no column of its own."""
    given = rest.pop("attributes", None)
    if given is not None and not isinstance(given, dict):
        rest["attributes"] = given
        given = None
    if isinstance(given, exact_json.Repeated):
        notes.note("key.duplicate", given.repeats)
    pairs = [(READ_BACK.get(key, key), item) for key, item in rest.items() if item is not None]
    return storable.attributes(
        ((key, storable.value(item, notes, 1)) for key, item in [*(given or {}).items(), *pairs]),
        notes,
    )


def _first(rest: dict[str, Any], names: tuple[str, ...]) -> Any:
    found = next((name for name in names if rest.get(name) is not None), None)
    return None if found is None else rest.pop(found)


def _first_text(rest: dict[str, Any], names: tuple[str, ...]) -> str:
    found = next((name for name in names if isinstance(rest.get(name), str)), None)
    return "" if found is None else str(rest.pop(found))


def _time(rest: dict[str, Any], names: tuple[str, ...]) -> int | str:
    """ISO 8601, or a number of nanoseconds; anything else counts as a time that means nothing."""
    given = _first(rest, names)
    if given is None or given == "":
        return 0
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    if isinstance(given, str):
        if DIGITS.fullmatch(given):
            return int(given)
        written = times.from_iso(given)
        return given if written is None else written
    return repr(given)[:REASON_CHARACTERS]


def _severity(rest: dict[str, Any]) -> tuple[int, str]:
    """The number and the name, whichever of the fields hold them."""
    number, name = 0, ""
    for field in SEVERITY:
        given = rest.get(field)
        if isinstance(given, str) and given and not name:
            name = str(rest.pop(field))
        elif isinstance(given, int) and not isinstance(given, bool) and not number:
            number = int(rest.pop(field))
    return number or severity.NUMBERS.get(name.strip().lower(), 0), name
