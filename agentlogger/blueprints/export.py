"""Lists as streams: all that is wanted, a line each, in memory that does not grow with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from flask import Flask, Response, current_app, request, stream_with_context

from agentlogger.blueprints.request_ids import request_id
from agentlogger.errors import ExportBusy, QueryInvalid, Refusal
from agentlogger.intake import times
from agentlogger.limits import (
    EXPORT_STALL_SECONDS,
    EXPORTS,
    PAGE_RECORDS,
    PAGE_RECORDS_MAX,
    RETRY_AFTER_SECONDS,
)
from agentlogger.schemas.export import FORMATS, Lines, Shape, Tally
from agentlogger.store.logs import Piece, Position

PLACES = "agentlogger.exports"

JSON = "application/json"
ACCEPTED = {"application/x-ndjson": "ndjson", "application/jsonl": "ndjson", "text/csv": "csv"}

STREAMS: dict[str, Any] = {
    "responses": {
        200: {
            "content": {
                "application/x-ndjson": {"schema": {"type": "string"}},
                "text/csv": {"schema": {"type": "string"}},
            }
        },
        503: {"description": "As many streams are being written as a worker writes at once"},
    }
}
"""What the description of a list adds to its page."""

Walk = Callable[[Lines, Position | None, int | None], Piece]
"""The next piece of a list: as these lines, behind this place, with at most so many records."""


def init_app(app: Flask) -> None:
    """Bound how many threads of a worker write streams."""
    app.extensions[PLACES] = threading.BoundedSemaphore(EXPORTS)


def wanted_format(named: str | None) -> str:
    """json, ndjson or csv: as the parameter `format` says, else as the header Accept does."""
    if named is not None:
        return named
    best = request.accept_mimetypes.best_match([JSON, *ACCEPTED], default=JSON)
    return ACCEPTED.get(best or JSON, "json")


def page_limit(
    asked: int | None, *, usual: int = PAGE_RECORDS, most: int = PAGE_RECORDS_MAX
) -> int:
    """How many items a page of JSON has. Raises QueryInvalid where that is more than one may."""
    if asked is None:
        return usual
    if asked > most:
        raise QueryInvalid(
            f"A page has at most {most:,} items: follow next_cursor where there is one, or ask "
            "for format=ndjson, which has them all.",
            errors={"query": {"limit": [f"At most {most} on a page."]}},
        )
    return asked


def streamed(
    name: str,
    shape: Shape,
    walk: Walk,
    *,
    after: Position | None,
    limit: int | None,
    as_of_ns: int,
    cursor: Callable[[Position], str],
    hints: Sequence[str] = (),
) -> Response:
    """A list as a stream in the format of this name. Raises ExportBusy, and what `walk` raises.

    The first piece is read before the answer begins, so that what cannot be read at all is refused
    as anywhere else.
    """
    lines = FORMATS[name](shape)
    places: threading.BoundedSemaphore = current_app.extensions[PLACES]
    if not places.acquire(blocking=False):
        raise ExportBusy(
            f"The worker writes {EXPORTS} streams already: try the same again in a moment.",
            retry_after=RETRY_AFTER_SECONDS,
        )
    given_back = iter((places.release,))

    def give_back() -> None:
        # Once: at the stream's end, or where it has none, since nobody reads it any further.
        for release in given_back:
            release()

    try:
        first = walk(lines, after, limit)
    except BaseException:
        give_back()
        raise
    _bound_the_wait()
    as_of = times.to_iso(as_of_ns)
    content = _content(lines, walk, first, limit, cursor, as_of=as_of, hints=list(hints))
    response = Response(
        stream_with_context(_until_its_end(content, give_back)), content_type=lines.media_type
    )
    response.call_on_close(give_back)
    if name == "csv":
        # A browser would show it as text; a person wants it in a spreadsheet.
        response.headers["Content-Disposition"] = 'attachment; filename="agentlogger.csv"'
    return response


def _until_its_end(content: Iterator[bytes], ended: Callable[[], None]) -> Iterator[bytes]:
    try:
        yield from content
    finally:
        ended()


def _content(
    lines: Lines,
    walk: Walk,
    piece: Piece,
    limit: int | None,
    cursor: Callable[[Position], str],
    **always: Any,
) -> Iterator[bytes]:
    """The lines; `always` is what the trailer says however it ends."""
    tally = Tally()
    head = lines.head()
    if head:
        yield tally.add(head)
    told: dict[str, Any] = {"complete": True}
    while (last := piece.last) is not None:
        yield tally.add(piece.content, piece.records)
        if not piece.more:
            break
        left = None if limit is None else limit - tally.records
        if left == 0:
            told["next_cursor"] = cursor(last)
            break
        try:
            piece = walk(lines, last, left)
        except Refusal as refusal:
            # The status is sent long ago: the last line says what became of it.
            problem = {"code": refusal.code, "detail": str(refusal), "request_id": request_id()}
            told = {"complete": False, "next_cursor": cursor(last), "problem": problem}
            break
    yield lines.trailer(tally.trailer(**always, **told))


def _bound_the_wait() -> None:
    """Have the connection give up on a client that reads nothing for too long.

    It is the answer's own over HTTP/1; gunicorn settles it anew for the next request.
    """
    connection = request.environ.get("gunicorn.socket")
    if connection is not None and request.environ.get("SERVER_PROTOCOL", "").startswith("HTTP/1"):
        with suppress(OSError):
            connection.settimeout(EXPORT_STALL_SECONDS)
