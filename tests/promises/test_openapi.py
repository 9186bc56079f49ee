"""The API does what its description says, whatever it is sent: schemathesis reads /openapi.json.

`AGENTLOGGER_EXAMPLES` says how many requests are drawn for each operation.
"""

from __future__ import annotations

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from agentlogger.schemas.moments import Digits

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = int(os.environ.get("AGENTLOGGER_EXAMPLES", "200"))
DRAWN = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def faults_of(app) -> dict[str, str]:
    """For each operation the first thing in which it breaks its description; empty where none."""

    def from_this_machine(environ, start_response):
        return app(environ | {"REMOTE_ADDR": "127.0.0.1"}, start_response)

    schema = schemathesis.openapi.from_wsgi("/openapi.json", from_this_machine)
    ids = ids_of_what_is_there(app)
    found = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        found[operation.label] = ""

        @DRAWN
        @given(operation.as_strategy())
        def conforms(case):
            case.call_and_validate(checks=CHECKS)

        try:
            # What is drawn filters nearly everything away: this is what is there, too.
            if operation.method.upper() == "GET":
                for path_parameters in ids.get(operation.path, [{}]):
                    case = operation.Case(path_parameters=path_parameters)
                    case.call_and_validate(checks=CHECKS)
            conforms()
        except (AssertionError, BaseExceptionGroup) as fault:
            found[operation.label] = str(fault)[:3_000]
    return found


def ids_of_what_is_there(app) -> dict[str, list[dict[str, str]]]:
    """For each path with an id in it, the ids of what can be read there."""
    client = app.test_client()
    records = [item["id"] for item in client.get("/api/v1/logs").get_json()["items"]]
    sessions = client.get("/api/v1/sessions").get_json()["items"]
    searches = client.get("/api/v1/searches").get_json()["items"]
    alerts = [item["id"] for item in client.get("/api/v1/alerts").get_json()["items"]]
    there = {
        "logs/{identifier}": records,
        "logs/{identifier}/neighbours": records,
        "sessions/{identifier}": [item["session_id"] for item in sessions],
        "traces/{identifier}": [TRACE],
        "searches/{identifier}": [item["id"] for item in searches],
        "alerts/{identifier}": alerts,
        "alerts/{identifier}/test": alerts,
        "alerts/{identifier}/states": alerts,
        "alerts/{identifier}/deliveries": alerts,
    }
    return {
        f"/api/v1/{path}": [{"identifier": identifier} for identifier in identifiers]
        for path, identifiers in there.items()
    }


TRACE = "5b8efff798038103d269b633813fc60c"

STORED = [
    {"message": "a log record"},
    {
        "time": "2026-11-22T10:00:00Z",
        "event": "gen_ai.client.inference.operation.details",
        "session_id": "s",
        "trace_id": TRACE,
        "attributes": {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.response.model": "claude-sonnet-5",
            "gen_ai.response.id": "msg_1",
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 5,
        },
    },
]
"""What there is to read: a record that says little, and one of a model's call."""


@pytest.mark.promise
def test_every_operation_answers_as_it_is_described(app, capsys):
    assert app.test_client().post("/api/v1/logs", json=STORED).status_code == 200
    saved = {"name": "errors", "query": "level:error"}
    assert app.test_client().post("/api/v1/searches", json=saved).status_code == 201
    alert = {
        "name": "silent", "kind": "silence", "window_seconds": 600, "url": "http://127.0.0.1:9/",
    }  # fmt: skip
    assert app.test_client().post("/api/v1/alerts", json=alert).status_code == 201

    faults = faults_of(app)
    broken = {label: fault for label, fault in faults.items() if fault}

    with capsys.disabled():
        print(
            f"\n{len(faults)} operations, {EXAMPLES} requests drawn for each: "
            f"{len(broken)} answered otherwise than described."
        )
    assert broken == {}, "\n".join(f"{label}:\n{fault}" for label, fault in broken.items())


@pytest.mark.promise
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_number_that_is_described_as_text_is_found_out(app, monkeypatch):
    """On SQLite only: the answers are the same on both. Of one record: lists are written faster."""
    monkeypatch.setattr(Digits, "_serialize", lambda _self, value, *_, **__: value)
    app.test_client().post("/api/v1/logs", json=STORED)

    assert faults_of(app)["GET /api/v1/logs/{identifier}"]
