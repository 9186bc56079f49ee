"""The body of the current request, by the one bounded reader."""

from __future__ import annotations

from flask import request

from agentlogger.intake.body import read_body


def incoming_body() -> bytes:
    """The request's whole body, inflated. Raises what `read_body` raises."""
    # Flask's own limit would cut a chunked body and say nothing; ours is the reader's.
    request.max_content_length = None
    return read_body(
        request.stream,
        content_length=request.content_length,
        encoding=request.headers.get("Content-Encoding", ""),
    )


def content_type() -> str:
    """The media type without its parameters, in lower case."""
    return request.mimetype
