"""Plain JSON for programs without OpenTelemetry: one object, an array, or a line each (NDJSON).

A record's known fields are those that the API gives back; whatever else it has becomes an
attribute, and so does a known field with a value of another type. Nothing is thrown away.
docs/reference.md shows the shape.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from agentlogger.errors import BodyUndecodable
from agentlogger.intake import exact_json, ids, otlp_json, severity, storable, times, values
from agentlogger.intake.exact_json import LongInteger
from agentlogger.intake.record import Rejection
from agentlogger.intake.sent import Group, Sent
from agentlogger.intake.shown import shown
from agentlogger.intake.storable import Adjustments
from agentlogger.limits import INTEGER_MAX

TIME = ("time", "timestamp", "ts")
TIME_NS = "ts_ns"
OBSERVED = ("observed_time",)
OBSERVED_NS = "observed_ns"
BODY = ("body", "message", "msg")
EVENT = ("event", "event_name")
SEVERITY_NUMBER = ("severity", "severity_number")
SEVERITY_TEXT = ("severity", "severity_text", "level")
"""A number in `level` is none of OpenTelemetry's: every logging library counts it otherwise."""
KNOWN = {
    *TIME,
    TIME_NS,
    *OBSERVED,
    OBSERVED_NS,
    *BODY,
    *EVENT,
    *SEVERITY_NUMBER,
    *SEVERITY_TEXT,
    "attributes",
    "resource",
    "scope",
    "trace_id",
    "span_id",
    "id",
}
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

EXPORTS = {name: f"/v1/{signal}" for signal, name in otlp_json.SIGNALS.items()}
"""Lists by which an export of OTLP is known that came to the door of plain records, and its own
door. Kept as one record it would be found by nothing that its records say."""

DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")

UNITS = (10**9, 10**6, 10**3)
"""How many nanoseconds a second, a millisecond and a microsecond have."""


def read(body: bytes, *, lines: bool) -> Iterator[Sent | Rejection]:
    """The records of a body, in order; with `lines`, one JSON object a line.

    Raises BodyUndecodable where nothing can be read, and BodyTooLarge; a single line that is no
    JSON is refused alone.
    """
    values.bound_json(body)
    if lines:
        return _lines(body)
    try:
        given = exact_json.loads(body)
    except exact_json.NotJson as fault:
        raise BodyUndecodable(
            f"The body {fault}, so nothing of it was read: check what the client sends."
        ) from None
    if isinstance(given, dict):
        given = [given]
    if not isinstance(given, list):
        raise BodyUndecodable(
            f"The body is {shown(given)}, and must be a JSON object, an array of objects, or one "
            "object a line (application/x-ndjson)."
        )
    return (_record(item, index) for index, item in enumerate(given))


def _lines(body: bytes) -> Iterator[Sent | Rejection]:
    filled = (line for line in io.BytesIO(body) if line.strip())
    for index, line in enumerate(filled):
        try:
            given = exact_json.loads(line)
        except exact_json.NotJson as fault:
            yield Rejection(index, "record.undecodable", f"the line {fault}")
        else:
            yield _record(given, index)


def _record(given: Any, index: int) -> Sent | Rejection:
    if not isinstance(given, dict):
        reason = f"a record must be an object, and this is {shown(given)}"
        return Rejection(index, "record.not_object", reason)
    for name, door in EXPORTS.items():
        if isinstance(given.get(name), list):
            reason = f"it holds {name}, so it is an export and no record: send it to {door}"
            return Rejection(index, "record.export", reason)
    return _sent(given)


def _sent(given: dict[str, Any]) -> Sent:
    notes = Adjustments()
    rest = dict(storable.pairs_of(given, notes))
    scope = _map(rest, "scope", notes)
    name = scope.get("name")
    trace_id = _take(rest, ("trace_id",), {str})
    span_id = _take(rest, ("span_id",), {str})
    number = _take(rest, SEVERITY_NUMBER, {int}) or 0
    text = _take(rest, SEVERITY_TEXT, {str}) or ""
    return Sent(
        group=Group(
            resource=_map(rest, "resource", notes),
            scope=scope or None,
            scope_name=name if isinstance(name, str) else "",
            envelope=None,
            notes=(),
        ),
        time_ns=_time(rest, TIME, TIME_NS, notes),
        observed_ns=_time(rest, OBSERVED, OBSERVED_NS, notes),
        severity_number=number or severity.NUMBERS.get(text.strip().lower(), 0),
        severity_text=storable.text(text, notes),
        event_name=storable.text(_take(rest, EVENT, {str}) or "", notes),
        body=storable.value(_body(rest), notes),
        trace_id=ids.from_text(trace_id, ids.TRACE_ID_BYTES, notes),
        span_id=ids.from_text(span_id, ids.SPAN_ID_BYTES, notes),
        identity=_identity(rest),
        attributes=_attributes(rest, notes),
        notes=notes,
    )


def _take(rest: dict[str, Any], names: Iterable[str], kinds: set[type]) -> Any:
    """The first of these fields that has a value of these types, an empty text being none.

    It is taken from the record's fields; what is left there becomes attributes.
    """
    for name in names:
        given = rest.get(name)
        if given.__class__ in kinds and given != "":
            return rest.pop(name)
    return None


def _body(rest: dict[str, Any]) -> Any:
    """The first of its fields that is set, to whatever value."""
    return next((rest.pop(name) for name in BODY if rest.get(name) is not None), None)


def _identity(rest: dict[str, Any]) -> tuple[str, str] | None:
    """What the client names the record by; the name itself stays among the attributes."""
    given = rest.get("id")
    if given.__class__ not in {str, int, LongInteger} or given == "":
        return None
    return "id", str(given)


def _map(rest: dict[str, Any], name: str, notes: Adjustments) -> dict[str, Any]:
    """A field that must be an object; anything else stays among the attributes."""
    if not isinstance(rest.get(name), dict):
        return {}
    pairs = storable.pairs_of(rest.pop(name), notes)
    return storable.attributes(pairs, storable.value, notes, 1)


def _attributes(rest: dict[str, Any], notes: Adjustments) -> dict[str, Any]:
    """The attributes, and every field that has no column of its own.

    A field that would take an attribute's name gets one beside it.
    """
    given = rest.pop("attributes") if isinstance(rest.get("attributes"), dict) else {}
    pairs = dict(storable.pairs_of(given, notes))
    last: dict[str, int] = {}
    for field, item in rest.items():
        if item is None and (field in KNOWN or field in READ_BACK):
            continue
        name = READ_BACK.get(field, field)
        free = storable.free_name(name, pairs, last)
        if free != name:
            notes.note("key.collision")
        pairs[free] = item
    return storable.attributes(pairs.items(), storable.value, notes, 1)


def _time(
    rest: dict[str, Any], names: tuple[str, ...], exact_name: str, notes: Adjustments
) -> int | str:
    """ISO 8601 or a number since 1970; a text is what was sent where that is no time.

    A number under `exact_name` is nanoseconds. Under the others it is the largest unit in which it
    lies before 2262: programs count in all of them, and taken for nanoseconds their records
    would lie in January 1970, where nobody finds them and retention deletes them. Only the first
    weeks of 1970 can be mistaken so.
    """
    kinds: set[type] = {str, int, float, LongInteger}
    given = _take(rest, names, kinds)
    is_exact = given is None
    if is_exact:
        given = _take(rest, (exact_name,), kinds)
    if given is None:
        return 0
    number = _decimal(given)
    if number is None or not 0 <= number <= INTEGER_MAX:
        return times.storable_or_text(str(given))
    for unit in () if is_exact or not number else UNITS:
        if number * unit <= INTEGER_MAX:
            notes.note("time.unit", sent=str(given))
            return int(number * unit)
    return int(number)


def _decimal(given: Any) -> Decimal | None:
    """A number, exactly as it was written; None where it is none."""
    if isinstance(given, str):
        return Decimal(given) if DECIMAL.fullmatch(given) else None
    return Decimal(repr(given)) if math.isfinite(given) else None
