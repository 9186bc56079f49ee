"""`ETag` and `If-None-Match`: a record or page that has not changed is not sent again.

The tag is a digest of the answer itself, so it is right whatever changes one: a span that ends, a
redaction, a record that comes late into a page of the past. It spares the network and the client's
parser, and not the database. A stream has none, since its digest is known when it has been sent.
"""

from __future__ import annotations

from flask import Flask, Response, request

READING = {"GET", "HEAD"}


def init_app(app: Flask) -> None:
    """Tag what the API answers, and answer 304 where the client has it already."""
    app.after_request(_tag)


def _tag(response: Response) -> Response:
    if (
        request.method in READING
        and request.path.startswith("/api/v1/")
        and response.status_code == 200  # noqa: PLR2004
        and not response.is_streamed
    ):
        response.add_etag()
        response.make_conditional(request)
    return response
