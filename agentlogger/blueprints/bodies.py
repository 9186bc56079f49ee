"""The body of the current request, by the one bounded reader."""

from __future__ import annotations

import sys
from typing import Any

import orjson
from flask import Flask, current_app, g, request

from agentlogger.blueprints import accounts
from agentlogger.config import Settings
from agentlogger.errors import BodyTooLarge, BodyUndecodable, MediaTypeUnsupported
from agentlogger.intake import body
from agentlogger.intake.budget import Hold
from agentlogger.intake.patience import Patience, PatientStream
from agentlogger.limits import DECODED_FACTOR, FORM_BYTES, INGEST_WAIT_SECONDS

PATIENCE = "agentlogger.patience"

NO_LIMIT = sys.maxsize
"""Flask's own limit would cut a chunked body and say nothing; ours is the reader's. None would not
lift it: Flask then takes the application's, which is for forms."""


def init_app(app: Flask, settings: Settings) -> None:
    """Bound how long the application waits for a body."""
    app.extensions[PATIENCE] = Patience(settings.body_seconds)


def incoming_body() -> bytes:
    """The request's whole body, inflated, within the memory that the request was given.

    Raises what `read_body` raises, and Full where there is no room for what is made of it.
    """
    stream = _stream()
    hold: Hold = g.agentlogger_hold
    try:
        whole = body.read_body(
            stream,
            content_length=request.content_length,
            encoding=request.headers.get("Content-Encoding", ""),
            grow=hold.grow_to,
        )
    finally:
        g.agentlogger_wire_bytes = stream.received
        accounts.count_bytes(stream.received)
        _end(stream)
    hold.grow_to(len(whole) * DECODED_FACTOR, wait=INGEST_WAIT_SECONDS)
    return whole


def body_of(schema: type) -> dict[str, Any]:
    """The description of a body that `incoming_fields` reads, for the API's own description."""
    return {"content": {"application/json": {"schema": schema}}, "required": True}


def incoming_fields() -> Any:
    """The JSON of a request that carries a few fields, as a form does, and no records.

    Raises MediaTypeUnsupported, BodyTooLarge, BodyUndecodable, and what `read_body` raises.
    """
    if content_type() != "application/json":
        discard_body(FORM_BYTES)
        raise MediaTypeUnsupported(
            f"Content-Type {content_type()[:50]!r} is not read here: send application/json."
        )
    stream = _stream()
    try:
        whole = body.read_body(
            stream,
            content_length=request.content_length,
            encoding=request.headers.get("Content-Encoding", ""),
            grow=_as_a_form,
        )
        return orjson.loads(whole)
    except orjson.JSONDecodeError as fault:
        raise BodyUndecodable(f"The body is no JSON ({fault}): send one object.") from None
    finally:
        _end(stream)


def _as_a_form(size: int) -> None:
    if size > FORM_BYTES:
        raise BodyTooLarge(f"The body is over {FORM_BYTES:,} bytes: nothing was changed.")


def discard_body(most: int | None = None) -> None:
    """Throw the request's body away, before it is refused for another reason.

    One of more than `most` bytes is not read to its end, where that is said.

    A server that closes the connection on a client in the middle of sending takes the answer from
    it: gunicorn itself waits for no more than 64 KiB.
    """
    stream = _stream()
    body.discard_body(stream, content_length=request.content_length, most=most)
    _end(stream)


def _stream() -> PatientStream:
    """The body as the server gives it, with a bound for how long it is waited for."""
    request.max_content_length = NO_LIMIT
    # Of HTTP/2 the connection is no request's own, and is left alone.
    is_own = request.environ.get("SERVER_PROTOCOL", "").startswith("HTTP/1")
    connection = request.environ.get("gunicorn.socket") if is_own else None
    return PatientStream(request.stream, current_app.extensions[PATIENCE], connection)


def _end(stream: PatientStream) -> None:
    """Let a connection whose body was given up on be closed behind the answer.

    gunicorn closes one where reading the body raised, and a read that was shut looks like an end:
    what the client still sends would be read as its next request.
    """
    given = request.environ["wsgi.input"]
    if stream.is_slow and hasattr(given, "failed"):
        given.failed = True


def content_type() -> str:
    """The media type without its parameters, in lower case."""
    return request.mimetype
