"""Sent twice, stored once: requests by their digest or key, also those that come at once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from agentlogger.app import create_app
from agentlogger.errors import IdempotencyKeyReused
from agentlogger.intake import batches
from agentlogger.intake.digests import claim as claim_of
from agentlogger.intake.record import Batch
from agentlogger.limits import IDEMPOTENCY_KEY_SECONDS, REQUEST_DIGEST_SECONDS
from agentlogger.models.database import db, table_of
from agentlogger.models.digests import RequestDigest
from agentlogger.store import appending, digests, identities, logs, projects, receipts
from agentlogger.store.appending import Appended, Request
from agentlogger.store.connections import backend_of, writing
from agentlogger.store.group_commit import GroupCommit
from agentlogger.store.logs import LogFilter
from agentlogger.store.scope import OperatorScope, ProjectScope
from tests.conftest import settings_for

SCOPE = projects.DEFAULT
OTHER = ProjectScope(77)
TEST = OperatorScope("a test looks at everything")
NOW = time.time_ns()
SENDERS = 32
DIGESTS = table_of(RequestDigest)


@pytest.fixture(autouse=True)
def inside(app):
    """Every test here is inside the application."""
    with app.app_context():
        yield


def dated(*bodies: object, ids: str = "") -> bytes:
    """Lines of plain JSON, each with a time of its own, and with ids where they are asked for."""
    return "\n".join(
        f'{{"time": {NOW + index}, "body": "{body}"'
        + (f', "id": "{ids} {body}"' if ids else "")
        + "}"
        for index, body in enumerate(bodies)
    ).encode()


def read(body: bytes) -> Batch:
    return batches.from_native(body, NOW, lines=True)


def send(body: bytes, *, key: str | None = None, scope: ProjectScope = SCOPE) -> Appended:
    """What becomes of a request, sent to the lines' door."""
    batch = read(body)
    claim = claim_of("lines", body, key, batch)
    return appending.append(scope, batch.records, claim=claim, size=len(body))


def stored(scope: ProjectScope = SCOPE) -> list[str]:
    return sorted(row["body"] for row in logs.page(scope, LogFilter(), after=None, limit=10_000))


def known() -> int:
    with db.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(DIGESTS)).scalar_one()


def test_a_request_that_comes_again_is_stored_once_and_counted():
    first, again = send(dated("a", "b")), send(dated("a", "b"))

    assert first == Appended(2, 0, [])
    assert again == Appended(0, 2, [], is_repeat=True)
    assert stored() == ["a", "b"]
    assert receipts.total(TEST) == receipts.Count(stored=2, duplicates=2, refused=0)


def test_without_its_digest_it_would_be_stored_twice(monkeypatch):
    """The sabotage of the one before: what it proves hangs on the digest alone."""
    monkeypatch.setattr(digests, "claim", lambda *_: {})

    assert [send(dated("a")).stored, send(dated("a")).stored] == [1, 1]
    assert stored() == ["a", "a"]


def test_equal_records_without_a_time_are_stored_each_time():
    for _ in range(2):
        assert send(b'{"body": "tick"}\n{"time": 1, "body": "tock"}').is_repeat is False

    assert stored() == ["tick", "tick", "tock", "tock"]


def test_a_record_without_a_time_that_has_an_identity_is_as_good_as_dated():
    assert not send(b'{"body": "a", "id": 1}').is_repeat
    assert send(b'{"body": "a", "id": 1}').is_repeat


def test_the_same_of_another_project_is_another_request():
    send(dated("a"), key="k")
    send(dated("b"))

    assert not send(dated("a"), key="k", scope=OTHER).is_repeat
    assert not send(dated("b"), scope=OTHER).is_repeat
    assert stored() == stored(OTHER) == ["a", "b"]


@pytest.mark.parametrize(
    ("key", "seconds"), [(None, REQUEST_DIGEST_SECONDS), ("k", IDEMPOTENCY_KEY_SECONDS)]
)
def test_a_request_is_known_for_its_time_and_not_for_longer(monkeypatch, key, seconds):
    send(dated("a"), key=key)
    began = digests.now_ns()
    later = began + (seconds - 60) * digests.SECOND
    monkeypatch.setattr(digests, "now_ns", lambda: later)
    assert send(dated("a"), key=key).is_repeat

    too_late = began + seconds * digests.SECOND
    monkeypatch.setattr(digests, "now_ns", lambda: too_late)

    assert not send(dated("a"), key=key).is_repeat
    assert send(dated("a"), key=key).is_repeat, "it is known again from now on"
    assert stored() == ["a", "a"]


def test_expired_digests_are_deleted_in_bounded_steps(monkeypatch):
    for number in range(5):
        send(dated(number))
    monkeypatch.setattr(digests, "FORGET_EVERY", 1)
    monkeypatch.setattr(digests, "DIGESTS_FORGOTTEN", 3)
    later = digests.now_ns() + 2 * REQUEST_DIGEST_SECONDS * digests.SECOND
    monkeypatch.setattr(digests, "now_ns", lambda: later)

    left = [(send(dated(number)), known())[1] for number in ("x", "y", "z")]

    assert left == [3, 2, 3], "six of which three went, three of which two went, then none"


def test_a_key_says_alone_which_request_this_is():
    assert not send(b'{"body": "no time"}', key="first").is_repeat
    assert send(b'{"body": "no time"}', key="first").is_repeat
    assert not send(b'{"body": "no time"}', key="second").is_repeat
    with pytest.raises(IdempotencyKeyReused):
        send(b'{"body": "another"}', key="first")

    assert stored() == ["no time", "no time"]
    assert receipts.total(TEST) == receipts.Count(stored=2, duplicates=1, refused=1)


def spoilt(body: bytes, *places: int) -> Batch:
    """A batch with values that no database takes: made here, for they are replaced on the way."""
    batch = read(body)
    for place in places:
        batch.records[place].severity_number = 2**70
    return batch


def test_what_the_database_refused_is_refused_again_to_a_retry_and_the_sum_is_right():
    body = dated("a", "bad", "c", ids="once")
    batch = spoilt(body, 1)
    claim = claim_of("lines", body, None, batch)

    first, again = (appending.append(SCOPE, batch.records, claim=claim) for _ in range(2))

    assert (first.stored, first.duplicates, again.stored, again.duplicates) == (2, 0, 0, 2)
    assert first.rejections == again.rejections
    assert [item.index for item in again.rejections] == [1]
    assert stored() == ["a", "c"]


def test_a_request_of_which_nothing_was_stored_may_come_again():
    body = dated("a")
    batch = spoilt(body, 0)
    claim = claim_of("lines", body, None, batch)

    assert len(appending.append(SCOPE, batch.records, claim=claim).rejections) == 1
    assert send(body) == Appended(1, 0, [])


def requests(*bodies: bytes, scope: ProjectScope = SCOPE) -> list[Request]:
    made = []
    for body in bodies:
        batch = read(body)
        made.append(Request(scope, batch.records, claim_of("lines", body, None, batch), 0))
    return made


def test_in_one_group_the_same_is_stored_once_and_each_is_answered():
    same, other = dated("a", "b", ids="x"), dated("b", "c", ids="x")

    outcomes = appending._append_whole(
        requests(same, other, same, dated("d")) + requests(same, scope=OTHER)
    )

    assert outcomes == [
        Appended(2, 0, []),
        Appended(1, 1, []),
        Appended(0, 2, [], is_repeat=True),
        Appended(1, 0, []),
        Appended(2, 0, []),
    ]
    assert (stored(), stored(OTHER)) == (["a", "b", "c", "d"], ["a", "b"])
    assert receipts.total(TEST) == receipts.Count(stored=6, duplicates=3, refused=0)


def test_a_group_with_a_record_that_the_database_refuses_loses_nothing_else(app, monkeypatch):
    """Three requests wait behind one; the second of them has a record that fits nowhere."""
    held, go = threading.Event(), threading.Event()
    seen: list[int] = []

    def alone(request: Request) -> appending.Outcome:
        if not held.is_set():
            held.set()
            assert go.wait(20)
        return appending._append_alone(request)

    def together(group: Sequence[Request]) -> list[appending.Outcome]:
        seen.append(len(group))
        return appending._append_whole(group)

    group: GroupCommit[Request, appending.Outcome] = GroupCommit(together, alone)
    monkeypatch.setitem(appending._groups, db.engine, group)
    bodies = [dated("first"), dated("a", "b"), dated("c", "bad"), dated("d")]

    with ThreadPoolExecutor(len(bodies)) as threads:
        futures = []
        for body in bodies:
            batch = spoilt(body, 1) if b"bad" in body else read(body)
            futures.append(threads.submit(within, app, appending.append, SCOPE, batch.records))
            while not held.is_set() or len(group._queue) < len(futures) - 1:
                pass
        go.set()
        outcomes = [future.result() for future in futures]

    assert seen == [3]
    assert [(one.stored, len(one.rejections)) for one in outcomes] == [
        (1, 0), (2, 0), (1, 1), (1, 0),
    ]  # fmt: skip
    assert stored() == ["a", "b", "c", "d", "first"]


def within(app: Flask, call: Callable[..., Any], *given: Any) -> Any:
    """Call in another thread, inside the application."""
    with app.app_context():
        return call(*given)


def test_the_same_from_32_senders_at_once_is_stored_once(app, database_url, tmp_path):
    """Half of them come to a second application on the same database, as to another worker."""
    second = create_app(settings_for(database_url, tmp_path))
    body = dated(*range(20), ids="at once")
    start = threading.Barrier(SENDERS)

    def one(number: int) -> Appended:
        start.wait()
        return within(second if number % 2 else app, send, body)

    try:
        with ThreadPoolExecutor(SENDERS) as threads:
            outcomes = list(threads.map(one, range(SENDERS)))
    finally:
        with second.app_context():
            db.engine.dispose()

    assert sum(outcome.stored for outcome in outcomes) == 20
    assert sum(outcome.is_repeat for outcome in outcomes) == SENDERS - 1
    assert all(outcome.stored + outcome.duplicates == 20 for outcome in outcomes)
    assert len(stored()) == 20
    assert receipts.total(TEST) == receipts.Count(20, 20 * (SENDERS - 1), 0)


def test_the_same_ids_from_32_senders_at_once_in_any_order_are_stored_once(
    app, database_url, tmp_path
):
    """No two requests are the same here, and each has the identities in another order."""
    second = create_app(settings_for(database_url, tmp_path))
    start = threading.Barrier(SENDERS)

    def one(number: int) -> Appended:
        names = [str(name) for name in range(40)]
        random.Random(number).shuffle(names)
        body = dated(*names, ids="any order")
        start.wait()
        return within(second if number % 2 else app, send, body)

    try:
        with ThreadPoolExecutor(SENDERS) as threads:
            outcomes = list(threads.map(one, range(SENDERS)))
    finally:
        with second.app_context():
            db.engine.dispose()

    assert sum(outcome.stored for outcome in outcomes) == 40
    assert all(outcome.stored + outcome.duplicates == 40 for outcome in outcomes)
    assert not any(outcome.is_repeat for outcome in outcomes)
    assert len(stored()) == 40


def test_digests_and_identities_are_claimed_in_sorted_order_over_the_whole_group(monkeypatch):
    """Else two groups could wait for each other."""
    backend = backend_of(db.engine.url)
    taken: list[list[tuple[int, bytes]]] = []
    asked: list[list[tuple[int, bytes]]] = []
    insert_new, fetch = backend.insert_new, backend.fetched

    def noted(connection: Any, table: Any, rows: Any) -> Any:
        taken.append([row[:2] for row in rows])
        return insert_new(connection, table, rows)

    def fetched(connection: Any, statement: str, parameters: Any = ()) -> Any:
        if "INSERT INTO request_digests" in statement:
            # Six values for each request, the key first.
            asked.append(list(zip(parameters[:-1:6], parameters[1:-1:6], strict=True)))
        return fetch(connection, statement, parameters)

    monkeypatch.setattr(backend, "insert_new", noted)
    monkeypatch.setattr(backend, "fetched", fetched)
    group = [
        one
        for scope in (OTHER, SCOPE)
        for one in requests(
            dated("z", "a", ids="s"), dated("m", ids="s"), dated("b", "y", ids="s"), scope=scope
        )
    ]

    appending._append_whole(group)

    for keys, count in ((taken, 10), (asked, 6)):
        (rows,) = keys
        assert (rows, len(rows)) == (sorted(rows), count)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_retry_waits_for_the_first_try_and_does_not_race_it(app):
    """On PostgreSQL only: SQLite has one writer. The first is held before its commit."""
    body = dated("a")
    with writing() as connection, ThreadPoolExecutor(1) as threads:
        claim = claim_of("lines", body, None, read(body))
        assert claim is not None
        key = (SCOPE.project_id, claim.digest)
        assert digests.claim(TEST, connection, {key: (claim, 1)}) == {}
        retry = threads.submit(within, app, send, body)
        with pytest.raises(TimeoutError):
            retry.result(0.2)
        connection.rollback()
        # The first try failed: the second is stored.
        assert retry.result(20) == Appended(1, 0, [])


def test_an_identity_that_is_released_may_be_claimed_again():
    key = (SCOPE.project_id, b"i" * 32)
    with writing() as connection:
        assert identities.claim(TEST, connection, {key: (1, 2)}) == {key}
        assert identities.claim(TEST, connection, {key: (1, 2)}) == set()
        identities.release(TEST, connection, [key])
        assert identities.claim(TEST, connection, {key: (3, 4)}) == {key}
