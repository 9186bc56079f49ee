"""A receiver is told: signed, tried again, in order, by one of all workers, and all is logged."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from ipaddress import ip_address
from typing import Any

import pytest

from agentlogger.app import create_app, duties
from agentlogger.duties import alerting, leased, webhooks
from agentlogger.duties.leased import Turn
from agentlogger.limits import WEBHOOK_ATTEMPTS
from agentlogger.models.database import db
from agentlogger.store.alerts import deliveries
from agentlogger.store.alerts.deliveries import Due
from agentlogger.store.leases import LeaseLost
from tests.alerts.test_alerting import ERROR, ERRORS
from tests.conftest import settings_for
from tests.documentation import pages

LONG_SECONDS = 120
"""Nothing here takes a second; a machine may stall for many."""

ANY = ERRORS | {"threshold": 0}


def wait_until(condition) -> None:
    deadline = time.monotonic() + LONG_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def log_of(watch, alert: str) -> list[dict]:
    items: list[dict] = watch.get(f"{alert}/deliveries")["items"]
    return items


def test_four_workers_and_a_receiver_that_fails_twice(
    watch, receiver, database_url, tmp_path, monkeypatch
):
    for module in (alerting, webhooks):
        monkeypatch.setattr(module, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(leased, "LOOK_SECONDS", 0.01)
    # A stall of this machine shall not take the work from the one that has it.
    monkeypatch.setattr(leased, "LEASE_SECONDS", 600.0)
    monkeypatch.setattr(deliveries, "WAITS_SECONDS", (0,) * (WEBHOOK_ATTEMPTS - 1))
    receiver.answers += [500, 503]
    alert = watch.make(**ANY)
    watch.send(ERROR)
    apps = [create_app(settings_for(database_url, tmp_path)) for _ in range(4)]
    workers = [duty for app in apps for duty in duties(app)]
    for worker in workers:
        worker.start()
    try:
        wait_until(lambda: [one["status"] for one in log_of(watch, alert)] == ["delivered"])
        # And nothing more is sent, though each goes on looking.
        for _ in range(3):
            before = watch.get(alert)["evaluated_time"]
            wait_until(lambda before=before: watch.get(alert)["evaluated_time"] != before)
    finally:
        for worker in workers:
            worker.stop()
        for app in apps:
            with app.app_context():
                db.engine.dispose()

    (delivery,) = log_of(watch, alert)
    assert [one["status"] for one in delivery["tries"]] == [500, 503, 204]
    assert [one["error"] is None for one in delivery["tries"]] == [False, False, True]
    assert (delivery["attempts"], delivery["next_time"]) == (3, None)
    sent = [headers[webhooks.DELIVERY] for headers, _ in receiver.received]
    assert sent == [delivery["id"]] * 3
    assert {body.decode() for _, body in receiver.received} == {delivery["body"]}


def test_the_signature_is_checked_as_the_page_says(watch, receiver):
    made = watch.client.post(
        "/api/v1/alerts", json={"name": "It", "window_seconds": 60, "url": receiver.url, **ERRORS}
    )
    secret, alert = made.get_json()["secret"], made.headers["Location"]
    tested = watch.client.post(f"{alert}/test")
    assert (tested.status_code, tested.get_json()["status"]) == (202, "waiting")
    watch.deliver()

    ((headers, body),) = receiver.received
    (page,) = pages.code_blocks(pages.read("docs/alerts.md"), "python")
    named: dict[str, Any] = {}
    exec(page, named)  # noqa: S102  (it is ours)
    given = headers[webhooks.SIGNATURE]
    assert named["is_genuine"](secret, given, body)
    assert not named["is_genuine"](secret, given, body + b" ")
    assert not named["is_genuine"](f"{secret}x", given, body)
    assert not named["is_genuine"](secret, given.replace("t=1", "t=2"), body)
    assert (headers["Content-Type"], headers[webhooks.ATTEMPT]) == ("application/json", "1")
    assert receiver.bodies[0]["type"] == "alert.test"
    assert receiver.bodies[0]["project"] == "default"
    assert secret not in watch.client.get(alert).get_data(as_text=True)
    assert secret not in watch.client.get("/api/v1/alerts").get_data(as_text=True)
    assert receiver.url not in watch.client.get("/api/v1/alerts").get_data(as_text=True)


def test_what_fails_is_tried_for_a_day_and_what_comes_later_waits_for_it(watch, receiver):
    receiver.answers += [500] * (WEBHOOK_ATTEMPTS - 1) + [302]
    alert = watch.make(**ANY)
    watch.send(ERROR)
    watch.look()
    watch.deliver()
    watch.deliver()
    assert len(receiver.received) == 1
    watch.ahead_ns += 660 * 10**9
    watch.look()
    waits = []
    while (older := log_of(watch, alert)[1])["next_time"] is not None:
        newer = log_of(watch, alert)[0]
        assert (newer["state"], newer["attempts"]) == ("resolved", 0)
        waits.append(older["next_time"])
        watch.ahead_ns += 13 * 3_600 * 10**9
        watch.deliver()

    newer, older = log_of(watch, alert)
    assert (older["status"], older["attempts"]) == ("failed", WEBHOOK_ATTEMPTS)
    assert "Redirects are not followed" in older["tries"][-1]["error"]
    assert len(waits) == WEBHOOK_ATTEMPTS - 1 == len(deliveries.WAITS_SECONDS)
    assert newer["status"] == "delivered"
    figures = watch.client.get("/metrics").get_data(as_text=True)
    assert 'agentlogger_alert_deliveries{status="failed"} 1.0' in figures
    assert 'agentlogger_alerts{state="quiet"} 1.0' in figures
    assert "agentlogger_alert_subjects_firing 0.0" in figures


def test_a_test_waits_for_nothing_and_the_oldest_deliveries_make_room(watch, receiver, monkeypatch):
    monkeypatch.setattr(deliveries, "ALERT_DELIVERIES", 3)
    receiver.answers += [500]
    alert = watch.make(**ANY)
    watch.send(ERROR)
    watch.look()
    watch.deliver()
    for _ in range(3):
        watch.client.post(f"{alert}/test")
    watch.deliver()

    assert [one["state"] for one in log_of(watch, alert)] == ["test"] * 3
    assert len(receiver.received) == 4
    assert watch.get(f"{alert}/deliveries?limit=2")["items"] == log_of(watch, alert)[:2]


def test_a_try_that_nobody_ended_is_told_and_tried_again_by_the_next(watch, receiver):
    alert = watch.make(**ANY)
    watch.client.post(f"{alert}/test")
    with watch.app.app_context():
        killed, other = (Turn("webhooks", every_seconds=1) for _ in range(2))
        assert killed.take()
        taken = killed.lease
        due = deliveries.begin(webhooks.SENDS, taken, watch.now())
        assert due is not None
        killed.give_back()
        assert other.take()
        with pytest.raises(LeaseLost):
            deliveries.begin(webhooks.SENDS, taken, watch.now() + 10**12)
        other.give_back()
    watch.deliver()
    assert receiver.received == []
    watch.ahead_ns += 61 * 10**9
    watch.deliver()

    (delivery,) = log_of(watch, alert)
    assert [one["status"] for one in delivery["tries"]] == [None, 204]
    assert delivery["tries"][0]["error"] == deliveries.NO_OUTCOME
    with watch.app.app_context():
        # One that was taken for dead and comes back changes nothing.
        deliveries.end(webhooks.SENDS, due, deliveries.Outcome(500, "late", 1), watch.now())
    assert log_of(watch, alert) == [delivery]


def test_a_receiver_that_never_ends_its_answer_is_given_up_on(monkeypatch):
    monkeypatch.setattr(webhooks, "WEBHOOK_SECONDS", 0.3)
    listening = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def dribble() -> None:
        connection, _ = listening.accept()
        with connection, listening:
            connection.sendall(b"HTTP/1.1 200")
            while not done.wait(0.05):
                connection.sendall(b" ")

    thread = threading.Thread(target=dribble, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    outcome = webhooks.post(
        Due(uuid.uuid4(), 1, b"{}", url, "s"), lambda _host: True, time.time_ns()
    )
    done.set()
    thread.join()

    assert not outcome.is_delivered
    assert outcome.error


@pytest.mark.parametrize(
    ("address", "is_refused"),
    [
        ("169.254.169.254", True),
        ("::ffff:169.254.169.254", True),
        ("fe80::1", True),
        ("224.0.0.1", True),
        ("127.0.0.1", False),
        ("10.0.0.7", False),
        ("fd00::7", False),
        ("93.184.215.14", False),
    ],
)
def test_link_local_addresses_are_sent_nothing(address, is_refused):
    assert webhooks.is_refused(ip_address(address)) is is_refused


def test_a_receiver_that_is_not_there_is_told_as_it_is(watch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    alert = watch.make(**ANY, url=url)
    watch.client.post(f"{alert}/test")
    watch.deliver()

    (delivery,) = log_of(watch, alert)
    (one,) = delivery["tries"]
    assert (one["status"], delivery["status"]) == (None, "waiting")
    assert one["error"].startswith("ConnectionRefusedError")
