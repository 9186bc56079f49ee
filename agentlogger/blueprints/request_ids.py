"""Each request has an id, the client's own or one that is made: in answer, problem and log.

A proxy or a client that names its requests finds them in this server's log by that name.
"""

from __future__ import annotations

import re
import uuid

from flask import Flask, Response, g, request

HEADER = "X-Request-ID"

USABLE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
"""What is taken as it is: it is repeated in a header and in the log, so it holds no space, no quote
and no control character. Whatever else a client sends, the request is given an id of our own."""


def init_app(app: Flask) -> None:
    """Tell the id of a request with each answer, a refusal by the gate included."""
    app.after_request(_tell)


def request_id() -> str:
    """The id of the request at work."""
    if "agentlogger_request_id" not in g:
        given = request.headers.get(HEADER, "")
        g.agentlogger_request_id = given if USABLE.fullmatch(given) else uuid.uuid4().hex
    named: str = g.agentlogger_request_id
    return named


def _tell(response: Response) -> Response:
    response.headers[HEADER] = request_id()
    return response
