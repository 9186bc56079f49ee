"""What is too much at once is told early to come again; readers never are."""

from __future__ import annotations

import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from agentlogger.app import create_app
from agentlogger.blueprints import admission
from agentlogger.blueprints.admission import ADMISSION, Places
from agentlogger.blueprints.bodies import PATIENCE
from agentlogger.intake.budget import Budget, Full
from agentlogger.intake.patience import Patience
from agentlogger.models.database import db
from agentlogger.store import appending, keys
from agentlogger.store.scope import ProjectScope
from tests.api.test_ingest import told
from tests.conftest import settings_for

JSON = "application/json"
EMPTY = b'{"resourceLogs":[]}'


@pytest.fixture
def limited(database_url, tmp_path):
    """A function that makes an application with rates; a worker of one has all of them."""
    made = []

    def make(workers: str = "1", **rates: str):
        settings = {f"AGENTLOGGER_RATE_{name}": rate for name, rate in rates.items()}
        app = create_app(
            settings_for(database_url, tmp_path, AGENTLOGGER_WORKERS=workers, **settings)
        )
        made.append(app)
        return app

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


def take(places: Places, project: int) -> int:
    """Wait for a place, and leave it at once."""
    with places.place(project, wait=10):
        return project


def key_of(app, project: int) -> dict[str, str]:
    with app.app_context():
        key = keys.create(
            ProjectScope(project), name="of a test", scopes=("ingest", "read"), expires_ns=None
        )
    return {"X-API-Key": key}


def test_a_key_over_its_rate_is_told_when_to_come_again_and_another_is_served(limited, monkeypatch):
    monkeypatch.setattr(admission, "RATE_BURST_SECONDS", 3 * 256)
    app = limited(workers="256", KEY_REQUESTS="1")
    client, noisy, other = app.test_client(), key_of(app, 1), key_of(app, 1)

    answers = [
        client.post("/v1/logs", data=EMPTY, content_type=JSON, headers=noisy) for _ in range(4)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 256
    assert answers[-1].get_json()["code"] == 8
    assert client.post("/v1/logs", data=EMPTY, content_type=JSON, headers=other).status_code == 200
    (item,) = told(client, kind="rate_limited")
    assert (item["code"], item["count"]) == ("ingest.rate", 1)


def test_bytes_are_paid_for_after_they_came(limited):
    client = limited(PROJECT_BYTES="10").test_client()

    first = client.post("/api/v1/logs", json={"message": "x" * 1000})
    second = client.post("/api/v1/logs", json={"message": "x"})

    assert (first.status_code, second.status_code) == (200, 429)
    assert second.get_json()["code"] == "ingest.rate"
    assert 80 < int(second.headers["Retry-After"]) < 110


def test_a_project_alone_has_every_place_but_not_every_place_to_wait_in():
    places = Places(4)
    with ExitStack() as held, ThreadPoolExecutor() as others:
        for _ in range(4):
            held.enter_context(places.place(1, wait=0))
        waiting = [others.submit(take, places, 1) for _ in range(3)]
        while places._waiting.total() < 3:
            time.sleep(0.001)
        with pytest.raises(Full):
            held.enter_context(places.place(1, wait=10))
        assert places._waiting.total() == 3
        held.close()
        assert [one.result() for one in waiting] == [1, 1, 1]


def test_once_another_project_waits_it_is_the_next():
    places, order = Places(4), []
    with ThreadPoolExecutor() as others:
        with ExitStack() as held:
            first = held.enter_context(ExitStack())
            first.enter_context(places.place(1, wait=0))
            for _ in range(3):
                held.enter_context(places.place(1, wait=0))
            waiting = [
                others.submit(lambda project: order.append(take(places, project)), project)
                for project in (1, 1, 2)
            ]
            while places._waiting.total() < 3:
                time.sleep(0.001)
            first.close()
            while not order:
                time.sleep(0.001)
            assert order[0] == 2
        for one in waiting:
            one.result()


def test_who_waits_for_a_place_gets_it_when_one_is_left():
    places, waits = Places(1), threading.Event()

    def second() -> None:
        waits.set()
        with places.place(1, wait=10):
            pass

    with ThreadPoolExecutor() as others:
        with places.place(1, wait=0):
            waiting = others.submit(second)
            waits.wait()
        waiting.result()


def test_memory_is_bounded_and_one_that_is_alone_may_have_more():
    budget = Budget(100)
    with budget.hold() as alone:
        alone.grow_to(500)
        with budget.hold() as other, pytest.raises(Full):
            other.grow_to(1)
    assert budget.held == 0
    with budget.hold() as first, budget.hold() as second:
        first.grow_to(60)
        second.grow_to(40)
        with pytest.raises(Full):
            first.grow_to(61)
    assert budget.held == 0


@pytest.mark.parametrize("encoding", ["", "deflate"])
def test_a_body_for_which_there_is_no_room_is_told_to_come_again_and_then_stored(
    app, client, encoding
):
    budget = app.extensions[ADMISSION].budget
    body = b'{"message":"' + b"x" * 100_000 + b'"}'
    given = {
        "data": zlib.compress(body) if encoding else body,
        "content_type": JSON,
        "headers": {"Content-Encoding": encoding},
    }
    with budget.hold() as others:
        others.grow_to(budget.most - 50_000)
        refused = client.post("/api/v1/logs", **given)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert refused.get_json()["code"] == "ingest.busy"

    assert client.post("/api/v1/logs", **given).status_code == 200
    assert len(client.get("/api/v1/logs").get_json()["items"]) == 1
    assert budget.held == 0


def test_while_all_places_are_taken_senders_are_told_and_readers_are_served(
    database_url, tmp_path, monkeypatch
):
    app = create_app(settings_for(database_url, tmp_path, AGENTLOGGER_THREADS="1"))
    monkeypatch.setattr(admission, "INGEST_WAIT_SECONDS", 0)
    begun, go_on = threading.Event(), threading.Event()
    append = appending.append

    def slowly(*arguments, **named):
        begun.set()
        go_on.wait()
        return append(*arguments, **named)

    monkeypatch.setattr(appending, "append", slowly)

    def send():
        return app.test_client().post("/v1/logs", data=EMPTY, content_type=JSON)

    with ThreadPoolExecutor() as others:
        first = others.submit(send)
        begun.wait()
        refused = send()
        listed = app.test_client().get("/api/v1/logs")
        go_on.set()
        assert first.result().status_code == 200
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert listed.status_code == 200
    assert send().status_code == 200
    with app.app_context():
        db.engine.dispose()


class Sleeper:
    """A body of which nothing comes until it has been waited for too long."""

    failed = False

    def __init__(self, admission) -> None:
        self.budget = admission.budget
        self.held = 0

    def read(self, _size: int = -1, /) -> bytes:
        self.held = self.budget.held
        return b"["


def test_a_slow_body_gives_its_memory_back_and_stands_in_the_ledger(app, client):
    app.extensions[PATIENCE] = Patience(0)
    body = Sleeper(app.extensions[ADMISSION])

    answer = client.post(
        "/v1/logs",
        data=bytes(1_000),
        content_type=JSON,
        environ_overrides={"wsgi.input": body},
    )

    assert (answer.status_code, answer.get_json()["code"]) == (408, 4)
    assert (body.held, body.failed) == (1_000, True)
    assert app.extensions[ADMISSION].budget.held == 0
    (item,) = told(client, kind="undecodable")
    assert (item["code"], item["count"]) == ("body.slow", 1)
