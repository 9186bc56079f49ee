"""The JSON API of log records: send, list, open one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from agentlogger.blueprints import accounts, links, text_index
from agentlogger.blueprints.admission import admitted
from agentlogger.blueprints.applying import applied
from agentlogger.blueprints.bodies import content_type, discard_body, incoming_body
from agentlogger.blueprints.export import STREAMS, page_limit, streamed, wanted_format
from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.receiving import append, idempotency_key
from agentlogger.errors import MediaTypeUnsupported, NothingAccepted, RecordMissing
from agentlogger.intake import batches
from agentlogger.limits import REASONS
from agentlogger.query import parsing
from agentlogger.schemas import export
from agentlogger.schemas.cursors import decode_cursor, encode_cursor
from agentlogger.schemas.export import Lines, Shape
from agentlogger.schemas.logs import (
    LogPageSchema,
    LogQuerySchema,
    LogRecordSchema,
    OneLogRecordSchema,
    ReceiptSchema,
)
from agentlogger.store import calls
from agentlogger.store import logs as store
from agentlogger.store.logs import LogFilter, Piece, Position
from agentlogger.store.rows import Row

logs = Blueprint("logs", __name__, url_prefix="/api/v1", description="Log records")

JSON = {"application/json", "text/json"}
LINES = {
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
}

RECORD = Shape(LogRecordSchema)

NOT_ASKED_FOR = {"cursor", "limit", "format", "as_of"}
"""Parameters that a cursor may come with changed: they say how much, and not of what."""


@logs.route("/logs", methods=["POST"])
@logs.response(200, ReceiptSchema)
@logs.doc(
    summary="Send records as plain JSON",
    description="One object, an array of objects, or one object a line (application/x-ndjson). "
    "The answer means that the accepted records are on disk.",
    requestBody={
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        }
    },
)
@needs("ingest")
@admitted
def send_logs() -> dict[str, Any]:
    """Store records sent as plain JSON."""
    media_type = content_type()
    if media_type not in JSON | LINES:
        discard_body()
        raise MediaTypeUnsupported(
            f"Content-Type {media_type[:50]!r} is not read here: send application/json or "
            "application/x-ndjson. OTLP goes to /v1/logs."
        )
    key = idempotency_key()
    body = incoming_body()
    lines = media_type in LINES
    batch = batches.from_native(body, time.time_ns(), applied(), lines=lines)
    appended = append(f"/api/v1/logs {'lines' if lines else 'json'}", body, key, batch)
    receipt = accounts.settle(batch, appended)
    rejections = receipt.rejections
    if rejections and not receipt.stored and not receipt.duplicates:
        first = rejections[0]
        raise NothingAccepted(
            f"None of {receipt.sent} records was accepted; record {first.index}: {first.reason}.",
            errors={"rejected": [asdict(item) for item in rejections[:REASONS]]},
        )
    return {
        "sent": receipt.sent,
        "accepted": receipt.stored,
        "duplicates": receipt.duplicates,
        "rejected": rejections[:REASONS],
        "rejected_count": len(rejections),
        "adjusted": batch.adjusted,
    }


@logs.route("/logs", methods=["GET"])
@logs.arguments(LogQuerySchema(), location="query", unknown=None)
@logs.response(
    200,
    LogPageSchema,
    headers=links.HEADERS,
)
@logs.doc(
    summary="List records, newest first",
    description="A page as JSON; or with `format`, or the header Accept, all records as a stream "
    "of application/x-ndjson or text/csv. The last line of a stream says whether it is complete.",
    **STREAMS,
)
@needs("read")
def list_logs(asked: dict[str, Any]) -> Response:
    """List records by filters, a page at a time or as a stream."""
    named = wanted_format(asked.get("format"))
    if named != "json":
        return _stream_of(asked, named)
    page = page_of(asked)
    told = {"next_cursor": page.next_cursor, "hints": page.hints, "text_index": page.text_index}
    answer = Response(export.page(RECORD, page.items, **told), content_type="application/json")
    if page.next_cursor is not None:
        answer.headers.update(links.next_page("logs.list_logs", page.next_cursor))
    return answer


@logs.route("/logs/<identifier>", methods=["GET"])
@logs.response(200, OneLogRecordSchema)
@logs.alt_response(404, description="No such record in this project")
@logs.doc(summary="One record")
@needs("read")
def one_log(identifier: str) -> Row:
    """One record by its id."""
    row = record_of(identifier)
    return row | {"call": calls.of_record(caller().scope, row["public_id"])}


def record_of(identifier: str) -> Row:
    """The caller's record with this id. Raises RecordMissing."""
    row = store.one(caller().scope, identifier)
    if row is None:
        raise RecordMissing(
            f"No record has the id {identifier[:100]!r} in this project: it may belong to another "
            "project, or was deleted."
        )
    return row


@dataclass(frozen=True)
class Page:
    """Records, the cursor of the next page, and what of the query was searched for as text."""

    items: list[Row]
    next_cursor: str | None
    hints: Sequence[str]
    text_index: dict[str, Any] | None
    """How far the index of words is behind; None where none was looked for."""


def page_of(asked: dict[str, Any]) -> Page:
    """A page for arguments that LogQuerySchema has read. Raises QueryTooLarge, QueryInvalid."""
    limit = page_limit(asked["limit"])
    wanted, hints = wanted_of(asked)
    written, after = _place(asked)
    newest_first = asked["order"] == "desc"
    found = store.search(
        caller().scope, wanted, after=after, limit=limit + 1, newest_first=newest_first
    )
    rows, known = found.rows, text_index.told(found.lag)
    if len(rows) <= limit:
        return Page(rows, None, hints, known)
    last = rows[limit - 1]
    return Page(rows[:limit], encode_cursor(last["ts_ns"], last["id"], written), hints, known)


def _stream_of(asked: dict[str, Any], named: str) -> Response:
    """All of the records that are asked for, received before now where nothing else is said."""
    as_of_ns = asked.get("as_of_ns") or time.time_ns()
    wanted, hints = wanted_of(asked | {"as_of_ns": as_of_ns})
    written, after = _place(asked)
    scope, newest_first = caller().scope, asked["order"] == "desc"

    def walk(lines: Lines, behind: Position | None, most: int | None) -> Piece:
        return store.piece(
            scope,
            wanted,
            lines.line,
            after=behind,
            newest_first=newest_first,
            most=most,
        )

    return streamed(
        named,
        RECORD,
        walk,
        after=after,
        limit=asked["limit"],
        as_of_ns=as_of_ns,
        cursor=lambda last: encode_cursor(last.ts_ns, last.record_id, written),
        hints=hints,
    )


def wanted_of(asked: dict[str, Any]) -> tuple[LogFilter, Sequence[str]]:
    """Which records are meant, and what of the query was searched for as text.

    The arguments are those that LogFilterSchema has read. Raises QueryTooLarge.
    """
    least, most = asked.get("severity") or (None, None)
    if "severity_min" in asked:
        least = max(least or 0, asked["severity_min"][0])
    query = parsing.read(asked.get("q", ""))
    wanted = LogFilter(
        severity_min=least,
        severity_max=most,
        query=query.tree,
        from_ns=asked.get("from_ns"),
        to_ns=asked.get("to_ns"),
        received_to_ns=asked.get("as_of_ns"),
        event=asked.get("event"),
        session=asked.get("session"),
        model=asked.get("model"),
        trace=asked.get("trace"),
    )
    return wanted, query.hints


def _place(asked: dict[str, Any]) -> tuple[dict[str, str], Position | None]:
    """The filters, for the next cursor, and the place that this one names. Raises CursorInvalid.

    The filters are as the client wrote them: a relative time means another number on each page. A
    browser sends the empty fields of a form along, and a link has none.
    """
    written = {
        name: text for name, text in request.args.items() if text and name not in NOT_ASKED_FOR
    }
    after = Position(*decode_cursor(asked["cursor"], written)) if asked.get("cursor") else None
    return written, after
