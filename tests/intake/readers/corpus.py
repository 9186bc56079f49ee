"""The corpus of emitters (tests/corpus/emitters): what each sends, and which calls there were.

A file holds scenarios of one family: requests in a short form, and the calls that they tell of,
with all requests or with those of one signal alone. A count that a call does not name is unknown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentlogger.intake import batches
from agentlogger.intake.record import Batch, Record

FOLDER = Path(__file__).resolve().parents[2] / "corpus" / "emitters"
BEGAN = 1_795_600_800
SIGNALS = {"logs": "/v1/logs", "traces": "/v1/traces"}
RECEIVED = (BEGAN + 100) * 10**9

READERS: Mapping[str, Callable[[bytes, int], Batch]] = {
    "/v1/logs": batches.from_otlp_json,
    "/v1/traces": batches.from_otlp_json_spans,
    "/v1/traces/ingest": batches.from_agents_json,
}

Request = tuple[str, bytes]
"""The path that a body is posted to, and the body."""


@dataclass(frozen=True)
class Scenario:
    """Requests, and the calls that they tell of."""

    name: str
    requests: tuple[Request, ...]
    calls: list[dict[str, Any]]


def scenarios() -> list[Scenario]:
    """Every scenario, whole and by single signals where the corpus says what is then known."""
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        for name, given in json.loads(path.read_text())["scenarios"].items():
            requests = tuple((one["path"], _body(one)) for one in given["requests"])
            for signal, calls in given["calls"].items():
                only = tuple(one for one in requests if one[0] == SIGNALS.get(signal, one[0]))
                found.append(Scenario(f"{path.stem}: {name} ({signal})", only, calls))
    return found


def read(requests: tuple[Request, ...]) -> list[Record]:
    """The records of requests, which must all be accepted."""
    records: list[Record] = []
    for path, body in requests:
        batch = READERS[path](body, RECEIVED)
        assert batch.rejections == []
        records += batch.records
    return records


def _body(request: dict[str, Any]) -> bytes:
    if "json" in request:
        return json.dumps(request["json"]).encode()
    scope = {"scope": {"name": request["scope"]}}
    resource = {"attributes": _attributes(request["resource"])}
    if "logs" in request:
        scopes = [scope | {"logRecords": [_log(one) for one in request["logs"]]}]
        export = {"resourceLogs": [{"resource": resource, "scopeLogs": scopes}]}
    else:
        scopes = [scope | {"spans": [_span(one) for one in request["spans"]]}]
        export = {"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]}
    return json.dumps(export).encode()


def _log(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "timeUnixNano": _time(given.get("time", 0)),
        "observedTimeUnixNano": _time(given.get("observed", 0)),
        "severityNumber": given.get("severity", 0),
        "eventName": given.get("event_name", ""),
        "body": None if given.get("body") is None else _value(given["body"]),
        "attributes": _attributes(given["attributes"]),
        **_ids(given.get("span")),
    }


def _span(given: dict[str, Any]) -> dict[str, Any]:
    trace = given["span"][0]
    return {
        "name": given["name"],
        "kind": given.get("kind", 0),
        "startTimeUnixNano": _time(given["start"]),
        "endTimeUnixNano": _time(given["end"]),
        "attributes": _attributes(given["attributes"]),
        "parentSpanId": _ids(trace + given["parent"])["spanId"] if "parent" in given else "",
        "status": {"code": given.get("status", 0)},
        "events": [
            {
                "name": event["name"],
                "timeUnixNano": _time(event["at"]),
                "attributes": _attributes(event["attributes"]),
            }
            for event in given.get("events", [])
        ],
        **_ids(given["span"]),
    }


def _ids(short: str | None) -> dict[str, str]:
    """The ids of a span that is written as a letter for its trace and one for itself."""
    if short is None:
        return {"traceId": "", "spanId": ""}
    trace, span = (f"{ord(each):02x}" for each in short)
    return {"traceId": trace * 16, "spanId": (trace + span) * 4}


def _time(seconds: float) -> str:
    return str(BEGAN * 10**9 + round(seconds * 1000) * 10**6) if seconds else "0"


def _attributes(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in given.items()]


def _value(given: Any) -> dict[str, Any]:
    match given:
        case None:
            return {}
        case bool():
            return {"boolValue": given}
        case int():
            return {"intValue": str(given)}
        case float():
            return {"doubleValue": given}
        case str():
            return {"stringValue": given}
        case list():
            return {"arrayValue": {"values": [_value(each) for each in given]}}
        case _:
            return {"kvlistValue": {"values": _attributes(given)}}
