"""The body of the current request, by the one bounded reader."""

from __future__ import annotations

import sys

from flask import request

from agentlogger.intake import body

NO_LIMIT = sys.maxsize
"""Flask's own limit would cut a chunked body and say nothing; ours is the reader's. None would not
lift it: Flask then takes the application's, which is for forms."""


def incoming_body() -> bytes:
    """The request's whole body, inflated. Raises what `read_body` raises."""
    request.max_content_length = NO_LIMIT
    return body.read_body(
        request.stream,
        content_length=request.content_length,
        encoding=request.headers.get("Content-Encoding", ""),
    )


def discard_body() -> None:
    """Throw the request's body away, before it is refused for another reason.

    A server that closes the connection on a client in the middle of sending takes the answer from
    it: gunicorn itself waits for no more than 64 KiB.
    """
    request.max_content_length = NO_LIMIT
    body.discard_body(request.stream, content_length=request.content_length)


def content_type() -> str:
    """The media type without its parameters, in lower case."""
    return request.mimetype
