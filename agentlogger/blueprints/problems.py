"""Errors to answers: problem+json for the API, google.rpc.Status for OTLP, a page for people."""

from __future__ import annotations

import re

import orjson
from flask import Flask, Response, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from agentlogger.blueprints.bodies import content_type
from agentlogger.blueprints.request_ids import request_id
from agentlogger.errors import KeyMissing, QueryInvalid, Refusal
from agentlogger.limits import RETRY_AFTER_SECONDS
from agentlogger.schemas.arguments import mistake

DOUBLED = re.compile(r"(?:/+v1/(?P<signal>logs|traces|metrics)){2,}/*$")
"""What becomes of a whole address where a base is asked for."""

PROBLEM_JSON = "application/problem+json"

RPC_CODES = {
    400: 3,  # INVALID_ARGUMENT
    401: 16,  # UNAUTHENTICATED
    403: 7,  # PERMISSION_DENIED
    404: 5,  # NOT_FOUND
    405: 12,  # UNIMPLEMENTED
    408: 4,  # DEADLINE_EXCEEDED
    413: 8,  # RESOURCE_EXHAUSTED
    415: 3,
    422: 3,
    429: 8,
    503: 14,  # UNAVAILABLE
}
"""HTTP status to google.rpc.Code."""


def init_app(app: Flask) -> None:
    """Answer every error in the form that its door speaks."""
    app.register_error_handler(Refusal, answer_refusal)
    app.register_error_handler(HTTPException, answer_http_exception)
    app.register_error_handler(Exception, answer_fault)


def answer_refusal(refusal: Refusal) -> ResponseReturnValue:
    """A refusal of ours."""
    g.agentlogger_refusal = refusal
    if isinstance(refusal, KeyMissing) and _wants_page():
        return redirect(url_for("users.sign_in", next=request.full_path.rstrip("?")))
    response = _answer(refusal.status, refusal.code, refusal.title, str(refusal), refusal.errors)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    if refusal.status == 401:  # noqa: PLR2004
        response.headers["WWW-Authenticate"] = 'Bearer realm="AgentLogger"'
    return response


def answer_http_exception(exception: HTTPException) -> ResponseReturnValue:
    """An error of the framework: no such page, a method that is not allowed, an invalid form."""
    status = exception.code or 500
    if exception.response is not None or status < 400:  # noqa: PLR2004
        return exception
    title = exception.name
    detail = exception.description or title
    if status == 404 or (status == 405 and _is_astray()):  # noqa: PLR2004
        detail = _no_such_door()
    g.agentlogger_detail = detail
    errors = (getattr(exception, "data", None) or {}).get("messages")
    if errors:
        detail = mistake(next(iter(errors.values())))
        code, title = QueryInvalid.code, QueryInvalid.title
    else:
        code = f"http.{status}"
    response = _answer(status, code, title, detail, errors)
    for header, value in exception.get_headers():
        if header in {"Allow", "Retry-After"}:
            response.headers[header] = value
    return response


def answer_fault(fault: Exception) -> ResponseReturnValue:
    """A fault of ours: told in the log, and to the client without details.

    An OTLP client drops its data on a 500; it is asked to come again instead.
    """
    current_app.logger.error(
        "%s %s failed, request %s", request.method, request.path, request_id(), exc_info=fault
    )
    status = 503 if request.blueprint in {"otlp", "agents"} else 500
    lost = "" if request.method in {"GET", "HEAD"} else ", and nothing was stored"
    response = _answer(
        status,
        "internal",
        "A fault of the server",
        f"Something is wrong in AgentLogger itself{lost}: its log says what, at {request_id()}.",
    )
    if status == 503:  # noqa: PLR2004
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _no_such_door() -> str:
    path = request.path
    if not _speaks_otlp():
        return f"Nothing is at {path[:100]}. The API is described at /docs."
    doubled = DOUBLED.match(path)
    if doubled:
        return (
            f"The path is doubled: {path[:100]}. An SDK adds /v1/{doubled['signal']} to "
            "OTEL_EXPORTER_OTLP_ENDPOINT by itself: set it to this server's address without a path."
        )
    return (
        f"Nothing is at {path[:100]}. OTLP goes to /v1/logs, /v1/traces and /v1/metrics: set "
        "OTEL_EXPORTER_OTLP_ENDPOINT to this server's address without a path, or the endpoint of "
        "one signal, such as OTEL_EXPORTER_OTLP_LOGS_ENDPOINT, to the whole address."
    )


def _answer(
    status: int, code: str, title: str, detail: str, errors: object | None = None
) -> Response:
    if _speaks_otlp():
        response = _status_message(status, detail)
    elif _wants_page():
        page = render_template("problem.html", status=status, title=title, detail=detail)
        response = Response(page, content_type="text/html; charset=utf-8")
    else:
        problem = {
            "type": f"urn:agentlogger:problem:{code}",
            "title": title,
            "status": status,
            "code": code,
            "detail": detail,
            "request_id": request_id(),
        }
        body = orjson.dumps(problem | ({"errors": errors} if errors else {}))
        response = Response(body, content_type=PROBLEM_JSON)
    response.status_code = status
    return response


def _speaks_otlp() -> bool:
    """Whether an exporter waits for the answer: at a door of OTLP, or astray."""
    return request.path == "/v1" or request.path.startswith("/v1/") or _is_astray()


def _is_astray() -> bool:
    """Whether something is sent to an address where nothing is taken but OTLP's other doors.

    An endpoint of one signal is used as it is, and people forget its path. JSON at our own API is
    no export.
    """
    return (
        request.method == "POST"
        and content_type() in {"application/x-protobuf", "application/json"}
        and not request.path.startswith("/api/v1/")
        and request.blueprint != "otlp"
    )


def _wants_page() -> bool:
    """Whether a person waits for the answer: the pages' own addresses, asked for by a browser."""
    return not request.path.startswith(
        ("/api/", "/v1/", "/openapi.json", "/healthz", "/readyz")
    ) and (request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html")


def _status_message(status: int, message: str) -> Response:
    """google.rpc.Status in the request's encoding: field 1 the code, field 2 the message."""
    code = RPC_CODES.get(status, 2)
    if content_type() == "application/json":
        body = orjson.dumps({"code": code, "message": message, "details": []})
        return Response(body, content_type="application/json")
    if content_type() != "application/x-protobuf":
        return Response(message + "\n", content_type="text/plain; charset=utf-8")
    text = message.encode()
    body = b"\x08" + _varint(code) + b"\x12" + _varint(len(text)) + text
    return Response(body, content_type="application/x-protobuf")


def _varint(number: int) -> bytes:
    result = b""
    while number > 0x7F:  # noqa: PLR2004  (seven bits a byte)
        result += bytes([number & 0x7F | 0x80])
        number >>= 7
    return result + bytes([number])
