"""`/api/v1/tail`: the records that come from now on, or from where one was, as they are stored."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, current_app, request, stream_with_context, url_for
from flask_smorest import Blueprint

from agentlogger.blueprints import follower as words
from agentlogger.blueprints.follower import Follower, Piece, told
from agentlogger.blueprints.followers import Followers
from agentlogger.blueprints.gate import caller, needs, still_may
from agentlogger.blueprints.reading_on import FOLLOWED
from agentlogger.config import Settings
from agentlogger.errors import CursorInvalid, MediaTypeNotGiven
from agentlogger.limits import TAIL_HEARTBEAT_SECONDS
from agentlogger.query import parsing
from agentlogger.schemas.tail import TailQuerySchema
from agentlogger.store import positions
from agentlogger.store import tail as store
from agentlogger.store.positions import Position
from agentlogger.store.tail import Wanted

tail = Blueprint("tail", __name__, url_prefix="/api/v1", description="Live tail")

FOLLOWERS = "agentlogger.followers"

SSE = "text/event-stream"
NDJSON = "application/x-ndjson"

RETRY_MILLISECONDS = 2_000
"""When a browser comes again after an end, half of it more or less: not all in one moment."""


@dataclass(frozen=True)
class Words:
    """How events are written."""

    media_type: str
    events: Callable[[Piece], bytes]
    heartbeat: Callable[[str], bytes]
    begin: Callable[[], bytes]


def _retry() -> bytes:
    return f"retry: {int(RETRY_MILLISECONDS * random.SystemRandom().uniform(0.5, 1.5))}\n".encode()


WORDS = {
    SSE: Words(SSE, words.as_sse, words.sse_heartbeat, _retry),
    NDJSON: Words(NDJSON, words.as_lines, words.line_heartbeat, bytes),
}


def init_app(app: Flask, settings: Settings) -> None:
    """Give the application places for those who follow."""
    app.extensions[FOLLOWERS] = Followers(app, settings.tails)


@tail.route("/tail", methods=["GET"])
@tail.arguments(TailQuerySchema(), location="query", unknown=None)
@tail.doc(
    summary="Follow records as they are stored",
    description="Events, as text/event-stream or as NDJSON: `open` first, then `record` for each "
    "new record and `update` for each that was completed, `gap` where some were not sent, `end` "
    "at the end. The id of each is where to read on.",
    responses={
        "200": {
            "description": "Events, until the client or the server ends",
            "content": {
                # Some readers take a schema here for the body's, others for that of each event.
                SSE: {},
                NDJSON: {"schema": {"type": "string"}},
            },
        },
        "406": {"description": "Another media type was asked for"},
        "503": {"description": "As many tails are open as are served at once"},
    },
)
@needs("read")
def follow(asked: dict[str, Any]) -> Response:
    """Follow the caller's records."""
    accepted = request.accept_mimetypes
    spoken = accepted.best_match(list(WORDS)) if accepted else SSE
    if spoken is None:
        raise MediaTypeNotGiven(f"A tail is given as {SSE} or {NDJSON}: ask for one of them.")
    query = parsing.read(asked.get("q", ""))
    position = _position(asked)
    is_own = request.environ.get("SERVER_PROTOCOL", "").startswith("HTTP/1")
    one = Follower(
        caller().scope,
        query.tree,
        position,
        _links(asked),
        request.environ.get("gunicorn.socket") if is_own else None,
    )
    followers: Followers = current_app.extensions[FOLLOWERS]
    followers.join(one)
    opened = Piece([told("open", position, hints=query.hints)])
    stream = _stream(one, followers, WORDS[spoken], opened, asked["seconds"])
    response = Response(stream_with_context(stream), content_type=f"{spoken}; charset=utf-8")
    # A proxy that collects answers would hold events back.
    response.headers["X-Accel-Buffering"] = "no"

    @response.call_on_close
    def _close() -> None:
        followers.leave(one)
        # gunicorn's one thread that closes connections would wait for the client to do it first.
        one.shut()

    return response


def _position(asked: dict[str, Any]) -> Position:
    """Where to begin. Raises CursorInvalid, and what a reading raises."""
    given = request.headers.get("Last-Event-ID") or asked.get("after")
    if not given:
        (now,) = store.advance(FOLLOWED, [Wanted(caller().scope, None)], limit=0)
        return now.position
    position = positions.parse(given)
    if position is None:
        raise CursorInvalid(
            "This is the id of no event of a tail: give one as it came, or none, to follow from "
            "now on."
        )
    return position


def _links(asked: dict[str, Any]) -> Callable[[str, str], str]:
    """Makes the addresses where what was missed is found: a tail's or the search's."""
    kept = {name: asked[name] for name in ("q", "project") if asked.get(name)}
    addresses = {"after": url_for("tail.follow"), "from": url_for("logs.list_logs")}
    return lambda name, value: f"{addresses[name]}?{urlencode(kept | {name: value})}"


def _stream(
    one: Follower, followers: Followers, spoken: Words, opened: Piece, seconds: int
) -> Iterator[bytes]:
    until = time.monotonic() + seconds
    asked_at = time.monotonic()
    scope = caller().scope
    piece, is_end = spoken.begin() + spoken.events(opened), False
    while True:
        followers.pace(len(piece))
        one.sends_since = time.monotonic()
        yield piece
        one.sends_since = None
        if is_end:
            return
        if time.monotonic() - asked_at > TAIL_HEARTBEAT_SECONDS:
            asked_at = time.monotonic()
            if not still_may("read", scope):
                one.end("key", "The key or account may no longer read this project.")
        taken, where, is_end = one.take(min(until - time.monotonic(), TAIL_HEARTBEAT_SECONDS))
        if not is_end and time.monotonic() >= until:
            one.end("time", "The time is over: follow on at the same address, from this id.")
            if not taken:
                taken, where, is_end = one.take(0)
        piece = b"".join(map(spoken.events, taken)) or spoken.heartbeat(where)
