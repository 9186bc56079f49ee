"""A live tail: what is stored is shown to who follows, once, and a position reads on."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import orjson
import pytest
from flask import Flask
from sqlalchemy import event

from agentlogger.app import create_app
from agentlogger.blueprints import follower, reading_on
from agentlogger.blueprints.follower import Follower
from agentlogger.models.database import db
from agentlogger.query import parsing, refining
from agentlogger.query.tree import EVERYTHING
from agentlogger.store import positions, tail
from agentlogger.store.projects import DEFAULT
from agentlogger.store.tail import Wanted
from tests.conftest import settings_for

LINES = "application/x-ndjson"
SSE = "text/event-stream"
WAIT_SECONDS = 60
"""How long a tail waits for what must come: a test that fails ends then, and no other waits."""


def send(client, *bodies: object, **more) -> None:
    lines = [orjson.dumps({"body": body, **more}).decode() for body in bodies]
    answer = client.post("/api/v1/logs", data="\n".join(lines), content_type=LINES)
    assert answer.get_json()["accepted"] == len(bodies)


@contextmanager
def following(client, *, accept: str = LINES, headers=(), **asked) -> Iterator[Iterator[bytes]]:
    """The pieces of a tail that is open."""
    answer = client.get(
        "/api/v1/tail",
        query_string={"seconds": WAIT_SECONDS, **asked},
        headers={"Accept": accept, **dict(headers)},
    )
    try:
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].startswith(accept)
        yield iter(answer.response)
    finally:
        answer.close()


def events(pieces: Iterator[bytes]) -> Iterator[dict]:
    """The events of a tail as NDJSON, but for heartbeats."""
    for piece in pieces:
        for line in piece.splitlines():
            one = orjson.loads(line)
            if one["event"] != "heartbeat":
                yield one


def bodies(some) -> list:
    return [one["data"]["body"] for one in some]


def test_what_is_stored_is_shown_where_it_is_like_the_query_and_read_on_by_its_id(client):
    send(client, "before")
    with following(client, q="tool:Bash") as pieces:
        tailed = events(pieces)
        assert next(tailed)["event"] == "open"
        send(client, "a", "b", tool="Bash")
        send(client, "another", tool="Read")
        send(client, "c", tool="Bash")
        shown = list(islice(tailed, 3))
    assert bodies(shown) == ["a", "b", "c"]
    assert {one["event"] for one in shown} == {"record"}

    # Each id is behind its own record, also in the middle of what was stored together.
    for number, rest in enumerate((["b", "another", "c"], ["another", "c"])):
        with following(client, after=shown[number]["id"]) as pieces:
            assert bodies(islice(events(pieces), 1, 1 + len(rest))) == rest
    with following(client, after=shown[2]["id"], seconds=0) as pieces:
        assert [one["event"] for one in events(pieces)] == ["open", "end"]


def test_a_browser_is_told_the_same_in_its_own_words_and_comes_again_by_its_header(client):
    with following(client, accept=SSE) as pieces:
        begun = next(pieces).decode()
        send(client, {"text": "two\nlines"}, "x" * 10_000)
        shown = b""
        while shown.count(b"\n\n") < 2:
            shown += next(pieces)
    first, last = (one.split("\n") for one in shown.decode().strip().split("\n\n"))
    assert begun.startswith("retry: ")
    assert [line.partition(": ")[0] for line in first] == ["id", "event", "data"]
    # A record is written as in a list, its long body as the beginning.
    listed = client.get("/api/v1/logs").get_json()["items"]
    assert [orjson.loads(one[2].removeprefix("data: ")) for one in (last, first)] == listed

    came = {"Last-Event-ID": first[0].removeprefix("id: ")}
    with following(client, accept=LINES, headers=came, after="of the first time") as pieces:
        opened, again = islice(events(pieces), 2)
    assert (opened["event"], again["data"]) == ("open", listed[0])


def test_a_record_that_is_completed_is_shown_again_as_an_update(client):
    def span(**end: str) -> dict:
        one = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331"}
        one |= {"name": "chat", "startTimeUnixNano": str(time.time_ns())} | end
        return {"resourceSpans": [{"scopeSpans": [{"spans": [one]}]}]}

    with following(client) as pieces:
        tailed = events(pieces)
        next(tailed)
        assert client.post("/v1/traces", json=span()).status_code == 200
        begun = next(tailed)
        end = str(time.time_ns() + 10**9)
        assert client.post("/v1/traces", json=span(endTimeUnixNano=end)).status_code == 200
        ended = next(tailed)

    assert (begun["event"], begun["data"]["duration_ns"]) == ("record", None)
    assert ended["event"] == "update"
    assert ended["data"]["id"] == begun["data"]["id"]
    assert ended["data"]["duration_ns"] > 0


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"query_string": {"after": "yesterday"}}, 400, "query.cursor"),
        ({"query_string": {"since": "-5m"}}, 422, "query.invalid"),
        ({"query_string": {"q": "x" * 2_001}}, 422, "query.too_large"),
        ({"headers": {"Accept": "text/html"}}, 406, "accept.media_type"),
    ],
)
def test_what_cannot_be_followed_is_said(client, given, status, code):
    answer = client.get("/api/v1/tail", **given)

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_what_is_no_query_is_looked_for_as_text_and_the_tail_says_so(client):
    with following(client, q="(open", seconds=0) as pieces:
        opened = next(events(pieces))
    assert "searched for" in opened["data"]["hints"][0]


def test_a_tail_beyond_the_budget_is_told_to_come_again_and_takes_the_place_of_one_that_ends(
    database_url, tmp_path
):
    app = create_app(settings_for(database_url, tmp_path, AGENTLOGGER_TAILS="1"))
    client = app.test_client()
    with following(client) as pieces:
        next(pieces)
        refused = client.get("/api/v1/tail")
        assert (refused.status_code, refused.get_json()["code"]) == (503, "tail.busy")
        assert refused.headers["Retry-After"] == "2"
    with following(client, seconds=0) as pieces:
        assert [one["event"] for one in events(pieces)] == ["open", "end"]
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def inside(app: Flask) -> Iterator[None]:
    """The test is inside the application, and reads for those who follow by itself."""
    with app.app_context():
        yield


def one_that_follows(query=EVERYTHING) -> Follower:
    (now,) = tail.advance(reading_on.FOLLOWED, [Wanted(DEFAULT, None)], limit=0)
    return Follower(DEFAULT, query, now.position, "{}={}".format)


def taken(one: Follower) -> list[follower.Event]:
    return [event for piece in one.take(0)[0] for event in piece.events]


def data(some) -> list[dict]:
    return [orjson.loads(one.data) for one in some]


@pytest.mark.usefixtures("inside")
def test_what_is_read_in_parts_is_shown_once_also_from_within_a_request(client, monkeypatch):
    monkeypatch.setattr(tail, "KEYS_AT_ONCE", 2)
    monkeypatch.setattr(reading_on, "TAIL_RECORDS", 1)
    one = one_that_follows()
    send(client, 0, 1, 2, 3, 4)
    send(client, 5)
    send(client, 6, 7)
    parts = []
    while reading_on.read_on([one]):
        parts.append([each["body"] for each in data(taken(one))])

    assert parts == [[0, 1], [2, 3], [4, 5]]
    assert [each["body"] for each in data(taken(one))] == [6, 7]


@pytest.mark.usefixtures("inside")
def test_a_client_that_is_slow_for_a_while_misses_nothing(client, monkeypatch):
    monkeypatch.setattr(follower, "TAIL_BYTES", 1)
    one = one_that_follows()
    reading_on.read_on([one])
    shown = []
    for number in range(3):
        send(client, number)
        reading_on.read_on([one])
    while some := taken(one):
        shown += some
        reading_on.read_on([one])

    assert [each["body"] for each in data(shown)] == [0, 1, 2]


@pytest.mark.usefixtures("inside")
def test_a_client_that_stays_too_slow_is_told_how_many_it_missed_and_where_they_are(
    client, monkeypatch
):
    monkeypatch.setattr(follower, "TAIL_BYTES", 1)
    monkeypatch.setattr(reading_on, "TAIL_BEHIND_SECONDS", 0)
    slow, other = one_that_follows(), one_that_follows()
    reading_on.read_on([slow, other])
    for number in range(3):
        send(client, number)
        reading_on.read_on([slow, other])
        taken(other)
    (first,) = data(taken(slow))
    reading_on.read_on([slow, other])
    (gap,) = taken(slow)
    send(client, 3)
    reading_on.read_on([slow, other])

    assert first["body"] == 0
    assert (gap.kind, orjson.loads(gap.data)["records"]) == ("gap", 2)
    assert [each["body"] for each in data(taken(slow))] == [3]
    where, _, position = orjson.loads(gap.data)["read_on"].partition("=")
    assert where == "after"
    assert positions.parse(position) is not None
    with following(client, after=position) as pieces:
        assert bodies(islice(events(pieces), 1, 4)) == [1, 2, 3]


@pytest.mark.usefixtures("inside")
def test_who_is_behind_since_more_is_stored_than_read_is_told_so_and_shown_the_newest(
    client, monkeypatch
):
    monkeypatch.setattr(tail, "KEYS_AT_ONCE", 1)
    monkeypatch.setattr(tail, "KEYS_MOST", 1)
    monkeypatch.setattr(reading_on, "TAIL_RECORDS", 1)
    monkeypatch.setattr(reading_on, "TAIL_LATE_SECONDS", 0)
    one = one_that_follows()
    reading_on.read_on([one])
    send(client, 0, 1, 2)
    while reading_on.read_on([one]):
        pass
    send(client, "now")
    reading_on.read_on([one])
    first, gap, newest = taken(one)

    assert (gap.kind, orjson.loads(gap.data)["records"]) == ("gap", 2)
    assert [each["body"] for each in data([first, newest])] == [0, "now"]


@pytest.mark.usefixtures("inside")
def test_a_word_is_followed_however_json_writes_it(client):
    words = ('a"b', "a\\b", "a\nb", "a\tb", "Ä/€", "\x7f", "\U0001f600")
    followers = [one_that_follows(parsing.read(refining.phrase(word)).tree) for word in words]
    send(client, *(f"x{word}Y" for word in words))
    send(client, *words, attributes={"key": "of none"})
    reading_on.read_on(followers)

    for one, word in zip(followers, words, strict=True):
        assert [each["body"] for each in data(taken(one))] == [f"x{word}Y", word]


def test_who_comes_from_another_history_has_a_gap_and_then_what_is_still_kept(client):
    with following(client, seconds=0) as pieces:
        now = positions.parse(next(events(pieces))["id"])
    send(client, "kept")
    other = positions.Position(now.origin ^ 1, now.moment_ns, now.upto)
    with following(client, after=other.text()) as pieces:
        _, gap, kept = islice(events(pieces), 3)

    assert (gap["event"], gap["data"]["records"]) == ("gap", None)
    assert client.get(gap["data"]["read_on"]).get_json()["items"] != []
    assert kept["data"]["body"] == "kept"


@pytest.mark.usefixtures("inside")
def test_a_hundred_tails_ask_the_database_no_more_than_one_does(client):
    asked = []
    ours = threading.get_ident()

    def note(*given):
        # Another thread wakes other processes meanwhile, when it comes to it. What a connection
        # asks about its server when it is new, since that thread has the other, is about no tail.
        if threading.get_ident() == ours and re.search(r"\b(arrivals|log_records)\b", given[2]):
            asked.append(given[2])

    event.listen(db.engine, "before_cursor_execute", note)

    def statements(some: list[Follower]) -> int:
        reading_on.read_on(some)
        send(client, "hello")
        asked.clear()
        reading_on.read_on(some)
        return len(asked)

    one = statements([one_that_follows()])
    queries = [parsing.read(text).tree for text in ("", "hello", "tool:Bash")]
    hundred = [one_that_follows(queries[number % 3]) for number in range(100)]
    while reading_on.read_on(hundred):
        pass

    assert statements(hundred) == one > 0
    assert [len(taken(each)) for each in hundred[:3]] == [1, 1, 0]


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("in_parts", [False, True])
def test_who_came_at_other_times_is_read_for_together_and_shown_the_rest_once(
    client, monkeypatch, in_parts
):
    if in_parts:
        # The newest are near, and the others far: these come in turn.
        monkeypatch.setattr(tail, "LOOKED_AT", 2)
        monkeypatch.setattr(tail, "LOOKED_AT_FAR", 2)
        monkeypatch.setattr(tail, "KEYS_AT_ONCE", 1)
        monkeypatch.setattr(tail, "KEYS_MOST", 1)
    judged = []
    like_some = tail._like_some
    monkeypatch.setattr(
        tail, "_like_some", lambda *given: judged.append(given[2]) or like_some(*given)
    )
    queries = [EVERYTHING, parsing.read("odd").tree]
    followers = []
    for number in range(5):
        followers.append(one_that_follows(queries[number % 2]))
        send(client, f"{number} even", f"{number} odd")
    while reading_on.read_on(followers):
        pass

    everything = [f"{number} {kind}" for number in range(5) for kind in ("even", "odd")]
    for number, one in enumerate(followers):
        rest = everything[2 * number :]
        due = rest if number % 2 == 0 else rest[1::2]
        assert sorted(each["body"] for each in data(taken(one))) == due
    assert len({one.position for one in followers}) == 1
    if not in_parts:
        (batch,) = judged
        assert sum(len(run.keys) for run in batch) == len(everything)


@pytest.mark.usefixtures("inside")
def test_a_query_that_fails_ends_its_own_tail_and_no_other(client, monkeypatch):
    advance = tail.advance

    def failing(scope, wanted, **named):
        if any(parsing.read("bad").tree in one.queries for one in wanted):
            raise RuntimeError
        return advance(scope, wanted, **named)

    good, bad = one_that_follows(), one_that_follows(parsing.read("bad").tree)
    monkeypatch.setattr(tail, "advance", failing)
    send(client, "a")
    reading_on.read_on([good, bad])

    assert [each["body"] for each in data(taken(good))] == ["a"]
    assert data(taken(bad))[0]["reason"] == "fault"
