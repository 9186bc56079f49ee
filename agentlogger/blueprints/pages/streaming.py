"""Pages of which the head is sent before what takes long is counted: it is seen meanwhile.

What counts is a function that the template calls behind `head_ends`. By then the answer has begun,
and its status is 200 whatever comes: that function has words for what it could not count.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from flask import Response, stream_template
from markupsafe import Markup

log = logging.getLogger(__name__)

HEAD_ENDS = Markup("<!-- what takes long follows -->")
BROKEN = (
    '<p class="failure" role="alert">This page ends here: the server met a fault while it counted,'
    " and its log says which. Load the page again; what is stored is not touched by it.</p>"
)


def streamed(template: str, **shown: Any) -> Response:
    """A page that is sent in two parts, from `head_ends` of the template on when it is there."""
    pieces = stream_template(template, head_ends=HEAD_ENDS, **shown)
    return Response(_parts(pieces), mimetype="text/html")


def _parts(pieces: Iterator[str]) -> Iterator[str]:
    part: list[str] = []
    try:
        for piece in pieces:
            part.append(piece)
            if piece == HEAD_ENDS:
                yield "".join(part)
                part.clear()
    except Exception:  # A browser would show the head alone, and be waiting for ever.
        log.exception("A page broke off.")
        yield BROKEN
    else:
        yield "".join(part)
