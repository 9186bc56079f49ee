"""Links from one page of a list to the next, in the header Link (RFC 8288)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import request, url_for

HEADERS: dict[str, Any] = {
    "Link": {"description": "The next page (RFC 8288)", "schema": {"type": "string"}}
}
"""What the description of a list says of its answer's headers."""


def next_page(endpoint: str, cursor: str) -> dict[str, str]:
    """The header that leads from this answer to the page at the cursor: what was asked, and it.

    A browser sends the empty fields of a form along, and a link has none.
    """
    asked = {name: text for name, text in request.args.items() if text}
    return {"Link": f'<{url_for(endpoint)}?{urlencode(asked | {"cursor": cursor})}>; rel="next"'}
