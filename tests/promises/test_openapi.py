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


def broken_by(app) -> dict[str, str]:
    """For each operation that breaks its description, the first thing that is wrong with it."""

    def from_this_machine(environ, start_response):
        return app(environ | {"REMOTE_ADDR": "127.0.0.1"}, start_response)

    schema = schemathesis.openapi.from_wsgi("/openapi.json", from_this_machine)
    ids = ids_of_what_is_there(app)
    found = {}
    for result in schema.get_all_operations():
        operation = result.ok()

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
    items = app.test_client().get("/api/v1/logs").get_json()["items"]
    return {"/api/v1/logs/{identifier}": [{"identifier": item["id"]} for item in items]}


STORED = [
    {"message": "a log record"},
    {
        "time": "2026-11-22T10:00:00Z",
        "event": "gen_ai.client.inference.operation.details",
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
def test_every_operation_answers_as_it_is_described(app):
    assert app.test_client().post("/api/v1/logs", json=STORED).status_code == 200

    broken = broken_by(app)

    assert broken == {}, "\n".join(f"{label}:\n{fault}" for label, fault in broken.items())


@pytest.mark.promise
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_number_that_is_described_as_text_is_found_out(app, monkeypatch):
    """On SQLite only: the answers are the same on both."""
    monkeypatch.setattr(Digits, "_serialize", lambda _self, value, *_, **__: value)
    app.test_client().post("/api/v1/logs", json=STORED)

    assert {"GET /api/v1/logs", "GET /api/v1/logs/{identifier}"} <= broken_by(app).keys()
