"""The API's own description: /openapi.json, made by flask-smorest from the routes and schemas."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from flask import Flask, Response, current_app, jsonify
from flask_smorest import Api, Blueprint

from agentlogger import __version__
from agentlogger.blueprints import paths
from agentlogger.blueprints.gate import needs
from agentlogger.blueprints.problems import PROBLEM_JSON
from agentlogger.schemas.problems import ProblemSchema


def _otlp(summary: str, success: str) -> dict[str, Any]:
    """A door of OTLP's. By hand: a body that is not one JSON document does not fit a schema."""
    return {
        "summary": summary,
        "description": "What OpenTelemetry's exporters send (OTLP 1.11.0), in protobuf or JSON, "
        "plain, gzip, deflate or zstd. The answer is OTLP's, in the request's encoding, and means "
        "that what it accepts is on disk.",
        "tags": ["otlp"],
        "requestBody": {
            "content": {
                "application/x-protobuf": {"schema": {"type": "string", "format": "binary"}},
                "application/json": {"schema": {"type": "object"}},
            }
        },
        "responses": {
            "200": {"description": success},
            "400": {"description": "The body cannot be decoded; google.rpc.Status"},
            "413": {"description": "The body is too large; google.rpc.Status"},
            "415": {"description": "Another media type or encoding; google.rpc.Status"},
            "503": {"description": "Not stored; send again after Retry-After seconds"},
        },
    }


AGENTS = {
    "summary": "Send traces of OpenAI's Agents SDK",
    "description": "What the SDK's BackendSpanExporter sends: an object with `data`, a list of "
    "traces and spans. The answer means that the accepted ones are on disk.",
    "tags": ["agents"],
    "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
    "responses": {
        "200": {"description": "Stored, wholly or partly: see rejected"},
        "400": {"description": "The body cannot be decoded"},
        "413": {"description": "The body is too large"},
        "415": {"description": "Another media type or encoding"},
        "422": {"description": "Every item was refused"},
        "503": {"description": "Not stored; send again after Retry-After seconds"},
    },
}
STORED = "Stored, wholly or partly: see partial_success"
OTLP = {
    "/v1/logs": _otlp("Send log records by OTLP/HTTP", STORED),
    "/v1/traces": _otlp("Send spans by OTLP/HTTP", STORED),
    "/v1/traces/ingest": AGENTS,
    "/v1/metrics": _otlp("Send metrics by OTLP/HTTP", "Counted, and not kept"),
}


class _Specification(Api):
    """flask-smorest's, with our shape of an error."""

    ERROR_SCHEMA = ProblemSchema


def init_app(app: Flask, *blueprints: Blueprint) -> None:
    """Register these blueprints, and serve their description and OTLP's at /openapi.json."""
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    app.extensions["agentlogger.described"] = blueprints
    app.add_url_rule("/openapi.json", "openapi_json", _openapi_json)


def document() -> dict[str, Any]:
    """The OpenAPI document of the current application: the caller's own, to be read or changed."""
    return deepcopy(_document(*current_app.extensions["agentlogger.described"]))


@cache
def _document(*blueprints: Blueprint) -> dict[str, Any]:
    """The document, made when it is first asked for: it takes longer than all else at a start.

    By an application that describes and does not serve, since flask-smorest describes a blueprint
    while it registers it.
    """
    describing = Flask(__name__)
    describing.config.update(
        API_TITLE="AgentLogger", API_VERSION=__version__, OPENAPI_VERSION="3.1.0"
    )
    paths.init_app(describing)
    api = _Specification(describing)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    described: dict[str, Any] = api.spec.to_dict()
    described["paths"] |= {path: {"post": door} for path, door in OTLP.items()}
    components = described["components"]
    # flask-smorest describes its own pagination, which nothing here uses, and calls errors JSON.
    components["schemas"].pop("PaginationMetadata", None)
    for response in components.get("responses", {}).values():
        content = response.get("content", {})
        if "application/json" in content:
            response["content"] = {PROBLEM_JSON: content["application/json"]}
    return described


@needs("read")
def _openapi_json() -> Response:
    return jsonify(document())
