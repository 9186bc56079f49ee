"""What must come back, in plain Python from the words of docs/reference.md; no code of ours."""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.intake.exports import Map, Record
from tests.promises.round_trip.events import MARK, NDJSON, SESSION, Format, Said, plain_items

U_FFFD = "\ufffd"
SEVERITIES = {"warn": 13, "error": 17}
INFO = 9
DEEPEST = 64
COLUMN = 512
COLUMNS = {"user_id": "user.id", "tool": "gen_ai.tool.name", "model": "model"}
"""Columns, and the attributes of ours that fill them."""

Notes = Counter[str]


def text(given: str, notes: Notes) -> str:
    """NUL and lone surrogates become U+FFFD."""
    if given.isprintable():
        # Neither is, and asking for all characters at once is forty times as quick.
        return given
    result = ""
    for character in given:
        if character == "\0":
            notes["text.nul"] += 1
            result += U_FFFD
        elif "\ud800" <= character <= "\udfff":
            notes["text.surrogate"] += 1
            result += U_FFFD
        else:
            result += character
    return result


def value(given: Any, notes: Notes, depth: int) -> Any:
    """Any value as JSON has it. `depth` counts the lists and maps around it."""
    match given:
        case None | bool():
            return given
        case str():
            return text(given, notes)
        case bytes():
            return base64.b64encode(given).decode()
        case int():
            if -(2**63) <= given < 2**63:
                return given
            notes["number.range"] += 1
            return str(given)
        case float():
            return _double(given, notes)
    if depth == DEEPEST:
        notes["depth.cut"] += 1
        return None
    if isinstance(given, list):
        return [value(item, notes, depth + 1) for item in given]
    return mapping(given, notes, depth + 1)


def _double(given: float, notes: Notes) -> float | str:
    if not math.isfinite(given):
        notes["number.not_finite"] += 1
        return "NaN" if math.isnan(given) else "Infinity" if given > 0 else "-Infinity"
    if str(given) == "-0.0":
        notes["number.negative_zero"] += 1
        return 0.0
    return given


def mapping(pairs: Map, notes: Notes, depth: int) -> dict[str, Any]:
    """Of equal keys the last wins; different keys stay different."""
    last: dict[str, Any] = {}
    for key, item in pairs:
        if key in last:
            notes["key.duplicate"] += 1
        last[key] = item
    taken = {key for key in last if text(key, Counter()) == key}
    result = {}
    for key, item in last.items():
        name = replaced = text(key, notes)
        number = 1
        while replaced != key and name in taken:
            number += 1
            name = f"{replaced}~{number}"
        if name != replaced:
            notes["key.collision"] += 1
        taken.add(name)
        result[name] = value(item, notes, depth)
    return result


def _time(event: Record, notes: Notes) -> dict[str, Any]:
    """The first time that is set; outside 1970 to 2262 the time of receipt stands in for it."""
    given, source = (event.time, "emitted") if event.time else (event.observed, "observed")
    observed = event.observed if 0 < event.observed < 2**63 else None
    if event.observed and event.time and observed is None:
        notes["observed_time.range"] += 1
    found: dict[str, Any] = {"observed_ns": None if observed is None else str(observed)}
    if 0 < given < 2**63:
        return found | {"ts_ns": str(given), "ts_source": source, "ts_sent": None}
    if given:
        notes["time.range"] += 1
    return found | {"ts_source": "received", "ts_sent": str(given) if given else None}


def _severity(event: Record, notes: Notes, *, plain: bool) -> dict[str, Any]:
    named = SEVERITIES.get(event.severity_text.lower())
    if 1 <= event.severity <= 24:
        return {"severity_number": event.severity, "severity_source": "emitted"}
    if event.severity:
        notes["severity.range"] += 1
    elif plain and named:
        # A name is a severity in its own right, where the format has one field for both.
        return {"severity_number": named, "severity_source": "emitted"}
    return {"severity_number": named or INFO, "severity_source": "derived"}


def _id(given: bytes, size: int, rule: str, notes: Notes) -> str | None:
    if not given:
        return None
    if len(given) == size and any(given):
        return given.hex()
    notes[rule] += 1
    return None


def _columns(attributes: dict[str, Any], resource: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """The columns that the attributes fill; for the user the resource may speak."""
    columns: dict[str, Any] = {"session_id": resource[SESSION]}
    for column, name in COLUMNS.items():
        columns[column] = _column(attributes.get(name), notes)
    columns["user_id"] = columns["user_id"] or _column(resource.get("user.id"), notes)
    return columns


def _column(given: Any, notes: Notes) -> str | None:
    """A text or a number as a text of bounded length."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return None
    shown = str(given)
    if len(shown) > COLUMN:
        notes["text.cut"] += 1
    return shown[:COLUMN] or None


def _around(said: Said, event: Record, notes: Notes) -> dict[str, Any]:
    """What the event shares with others, and what was left out of it."""
    scope = {
        "name": text(said.scope.name, notes),
        "version": text(said.scope.version, notes),
        "attributes": mapping(said.scope.attributes, notes, 2),
        "dropped_attributes_count": said.scope.dropped,
    }
    envelope = {
        "resource_schema_url": text(said.resource.schema_url, notes),
        "resource_dropped_attributes_count": said.resource.dropped,
        "scope_schema_url": text(said.scope.schema_url, notes),
        "dropped_attributes_count": event.dropped,
    }
    return {
        "resource": mapping(said.resource.attributes, notes, 1),
        "scope": {name: part for name, part in scope.items() if part} or None,
        "envelope": {name: part for name, part in envelope.items() if part} or None,
    }


def record(said: Said, event: Record, *, plain: bool) -> dict[str, Any]:
    """The fields that a record must have when it is read; `adjustments` are counts by rule."""
    notes: Notes = Counter()
    attributes = mapping(event.attributes, notes, 1)
    around = _around(said, event, notes)
    trace_id = _id(event.trace_id, 16, "trace_id.invalid", notes)
    return {
        "body": value(event.body, notes, 0),
        "attributes": attributes,
        "event_name": text(event.event_name, notes) or None,
        "severity_text": text(event.severity_text, notes) or None,
        "trace_id": trace_id,
        "run_id": trace_id,
        "span_id": _id(event.span_id, 8, "span_id.invalid", notes),
        "flags": event.flags or None,
        **around,
        **_columns(attributes, around["resource"], notes),
        **_time(event, notes),
        **_severity(event, notes, plain=plain),
        "adjustments": dict(notes),
    }


def records(request: Sequence[Said], format_: Format) -> dict[int, dict[str, Any]]:
    """All records of a request, by their mark."""
    plain = format_.path != "/v1/logs"
    return {
        dict(event.attributes)[MARK]: record(said, event, plain=plain)
        for said in request
        for event in said.events
    }


def refused(request: Sequence[Said], format_: Format) -> list[tuple[int, str]]:
    """Where what is refused stands in the request, and with which code."""
    if format_.path == "/v1/logs":
        return []
    found = []
    for index, (_, junk) in enumerate(plain_items(request)):
        if junk is not None:
            found.append((index, junk.code))
    assert format_.media_type == NDJSON or all(code != "record.undecodable" for _, code in found)
    return found
