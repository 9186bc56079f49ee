"""What makes an alert fire and cease: counts by receipt, what calls cost, and silence."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from agentlogger.duties import alerting
from agentlogger.duties.leased import Turn
from agentlogger.errors import QueryTooSlow
from agentlogger.models.alerts import AlertState
from agentlogger.models.database import table_of
from agentlogger.store.alerts import counts as alert_counts
from agentlogger.store.alerts import states as alert_states
from agentlogger.store.alerts import values as alert_values
from agentlogger.store.bounded import bounded
from agentlogger.store.connections import reading, writing
from agentlogger.store.leases import LeaseLost
from tests.api.test_calls import span
from tests.gate.conftest import alice, bearer, make_key
from tests.pages.test_pages import page

__all__ = ["alice", "make_key"]

ERRORS = {"kind": "count", "query": "level:>=error", "threshold": 2}
ERROR = {"severity": "error", "message": "no"}
LONG_AGO = {"time": "2001-01-01T00:00:00Z"}


def test_a_count_fires_once_and_is_over_when_its_window_has_passed(watch):
    watch.send(ERROR, ERROR, ERROR)
    alert = watch.make(**ERRORS)
    watch.send(ERROR, ERROR, {"message": "fine"})
    watch.look()
    assert (watch.told(), watch.get(alert)["value"]) == ([], 2)

    # Its own time is long past: it counts when it is received.
    watch.send(ERROR | LONG_AGO)
    for _ in range(3):
        watch.look()
    assert watch.told() == [("alert.firing", None, 3)]
    stands = watch.get(alert)
    assert (stands["firing"], stands["value"], stands["problem"]) == (True, 3, None)

    watch.pass_by(540)
    assert watch.told() == []
    watch.pass_by(120)
    # They may lie in two steps of the window, of which the older one goes first.
    ((state, _, value),) = watch.told()
    assert (state, value <= 2) == ("alert.resolved", True)
    assert watch.get(alert)["firing"] is False


def test_each_session_is_judged_by_itself_and_a_saved_search_may_go(watch):
    saved = watch.client.post("/api/v1/searches", json={"name": "E", "query": "level:>=error"})
    alert = watch.make(
        kind="count", search=saved.get_json()["id"], threshold=2, comparison=">=", per="session"
    )
    long_name = "s" * 300
    names = ("a", "a", "b", long_name, long_name, None)
    watch.send(*(ERROR | ({"session_id": name} if name else {}) for name in names))
    assert watch.client.delete(saved.headers["Location"]).status_code == 204
    watch.look()

    told = watch.told()
    assert [one[0::2] for one in told] == [("alert.firing", 2)] * 2
    assert min(one[1] for one in told) == "a"
    assert max(len(one[1]) for one in told) == 200
    states = watch.get(f"{alert}/states")["items"]
    assert sorted(one["subject"] for one in states) == sorted(one[1] for one in told)
    stands = watch.get(alert)
    assert (stands["search"], stands["query"], stands["firing"]) == (None, "level:>=error", True)


def test_fewer_than_a_number_is_known_after_a_whole_window(watch):
    alert = watch.make(kind="count", query="kind:log", comparison="<", threshold=1)
    watch.pass_by(540)
    assert watch.told() == []
    waits = watch.get(alert)
    begun, until = (datetime.fromisoformat(waits[name]) for name in ("since", "waits_until"))
    assert until - begun == timedelta(seconds=600)
    listed = page(watch.client, "/alerts")
    assert "It waits until" in listed
    assert f'datetime="{waits["waits_until"]}"' in listed
    watch.pass_by(120)
    assert watch.told() == [("alert.firing", None, 0)]
    assert watch.get(alert)["waits_until"] is None
    watch.send({"message": "here"})
    watch.look()
    assert watch.told() == [("alert.resolved", None, 1)]


def test_a_budget_sums_calls_once_and_says_how_many_cost_nobody_knows_what(watch):
    watch.make(kind="budget", threshold=3_000_000, window_seconds=86_400, per="user")
    priced = {"gen_ai__usage__cost": 2, "user__id": "ann"}
    watch.send_spans(span(1, **priced), span(2, **priced), span(3, user__id="ann"))
    watch.send_spans(span(1, **priced | {"user__id": "bob"}))
    watch.look()

    watch.deliver()
    (body,) = watch.receiver.bodies
    assert {**body, "subject": "ann", "value": 4_000_000, "unit": "micro_usd"} == body
    assert (body["calls"], body["calls_without_cost"]) == (3, 1)
    assert body["text"] == "It: $4.00 of user ann in 1 d (alerts at > $3.00)."
    watch.receiver.received.clear()
    watch.ahead_ns = 2 * 86_400 * 10**9
    watch.look()
    assert watch.told() == [("alert.resolved", "ann", 0)]


@pytest.mark.usefixtures("alice")
def test_a_budget_and_a_silence_of_each_key(watch, make_key):
    spends, saves = make_key(), make_key()
    watch.headers = bearer(saves)
    watch.make(name="Cost", kind="budget", threshold=1_000_000, per="key", window_seconds=86_400)
    silence = watch.make(name="Quiet", kind="silence", per="key")
    watch.make(name="One", kind="silence", key=saves, window_seconds=1_800)
    watch.send_spans(span(1, gen_ai__usage__cost=5), key=spends)
    watch.send({"message": "no call"}, key=saves)
    watch.look()
    assert watch.told() == [("alert.firing", spends[:11], 5_000_000)]

    watch.pass_by(540)
    watch.send({"message": "no call"}, key=saves)
    assert watch.told() == []
    watch.pass_by(120)
    ((state, subject, value),) = watch.told()
    assert (state, subject, 600 < value < 700) == ("alert.firing", spends[:11], True)
    assert watch.get(silence)["firing"] is True


def test_silence_is_not_what_nobody_has_watched(watch):
    watch.make(kind="silence")
    watch.ahead_ns = 3_600 * 10**9
    watch.look()
    assert watch.told() == []
    watch.pass_by(660)
    ((state, _, value),) = watch.told()
    assert (state, 600 < value < 720) == ("alert.firing", True)
    # It stays so across another pause, and ends when something comes.
    watch.ahead_ns += 3_600 * 10**9
    watch.look()
    assert watch.told() == []
    watch.send({"message": "again"})
    watch.look()
    assert [one[0] for one in watch.told()] == ["alert.resolved"]


def test_a_slow_query_holds_up_only_itself_and_says_so(watch, monkeypatch):
    good = watch.make(**ERRORS | {"threshold": 0})
    slow = watch.make(**ERRORS | {"name": "Slow", "query": "slow", "threshold": 0})
    # From the first look on they are read for together.
    watch.look()
    counting = alert_counts._cells

    together = []

    def cells(scope, connection, rules, arrived, until):
        together.append(len(rules))
        if any(rule["query"] == "slow" for rule in rules):
            raise QueryTooSlow("The database did not answer.")
        return counting(scope, connection, rules, arrived, until)

    monkeypatch.setattr(alert_counts, "_cells", cells)
    watch.send(ERROR | {"message": "slow"})
    watch.look()

    assert together == [2, 1, 1]
    assert watch.told() == [("alert.firing", None, 1)]
    assert watch.get(good)["problem"] is None
    assert watch.get(slow)["problem"] == "The database did not answer."
    monkeypatch.setattr(alert_counts, "_cells", counting)
    monkeypatch.setattr(alert_counts, "SECONDS", -1)
    watch.look()
    assert "Too much has arrived" in watch.get(slow)["problem"]
    monkeypatch.setattr(alert_counts, "SECONDS", 60)
    watch.look()
    assert watch.told() == [("alert.firing", None, 1)]
    assert watch.get(slow)["problem"] is None


def test_the_database_gives_up_on_a_query_that_takes_too_long(watch, monkeypatch):
    alert = watch.make(kind="budget", threshold=1)
    monkeypatch.setattr(alert_values, "SECONDS", 0.001)
    monkeypatch.setattr(alert_values, "_spent", _endless)
    watch.look()

    assert "longer than 0.001 seconds" in watch.get(alert)["problem"]
    monkeypatch.undo()
    watch.look()
    assert watch.get(alert)["problem"] is None


def _endless(_scope, _rule, _moment_ns):
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)"
        " SELECT count(*) FROM n"
    )
    with reading() as connection, bounded(connection, alert_values.SECONDS):
        connection.exec_driver_sql(endless).all()


def test_much_that_has_arrived_is_counted_in_parts_and_each_record_once(watch, monkeypatch):
    monkeypatch.setattr(alert_counts, "LOOKED_AT", 2)
    alert = watch.make(**ERRORS | {"threshold": 0})
    for _ in range(7):
        watch.send(ERROR, ERROR)
    monkeypatch.setattr(alerting, "READINGS", 3)
    watch.look()
    stands = watch.get(alert)
    assert (stands["value"], stands["problem"]) == (6, alerting.BEHIND)
    for _ in range(3):
        watch.look()
    stands = watch.get(alert)
    assert (stands["value"], stands["problem"]) == (14, None)


def test_what_finds_no_room_is_told(watch, monkeypatch):
    monkeypatch.setattr(alert_counts, "ALERT_COUNTS", 2)
    monkeypatch.setattr(alert_counts, "ALERT_SUBJECTS", 1)
    alert = watch.make(**ERRORS | {"threshold": 0, "per": "session"})
    watch.send(*(ERROR | {"session_id": name} for name in "abc"))
    watch.look()

    assert watch.get(alert)["problem"] == alerting.NO_ROOM
    assert len(watch.told()) == 1


def test_arrivals_that_are_gone_begin_the_count_anew(watch):
    alert = watch.make(**ERRORS | {"comparison": "<", "threshold": 1})
    watch.pass_by(540)
    with watch.app.app_context(), writing() as connection:
        connection.execute(update(table_of(AlertState)).values(position="1.1.1"))
    watch.send(ERROR)
    watch.pass_by(60)

    stands = watch.get(alert)
    assert (stands["value"], stands["firing"], watch.told()) == (0, False, [])


def test_nothing_is_kept_of_a_worker_that_was_taken_over(watch):
    alert = watch.make(**ERRORS | {"threshold": 0})
    watch.send(ERROR)
    with watch.app.app_context():
        slow, other = (Turn("alerting", every_seconds=1) for _ in range(2))
        assert slow.take()
        taken = slow.lease
        slow.give_back()
        assert other.take()
        rules = alert_states.EVALUATES
        rule = alerting.alerts.enabled(rules)
        with pytest.raises(LeaseLost):
            alert_counts.count_on(alerting.ProjectScope(1), [rule], taken, time.time_ns())
        finding = alert_states.Finding(rule[0], 1, alert_values.Found({"": 5}))
        with pytest.raises(LeaseLost):
            alert_states.settle(alerting.ProjectScope(1), [finding], taken, time.time_ns())
        other.give_back()

    assert watch.get(alert)["value"] is None
    watch.look()
    assert watch.told() == [("alert.firing", None, 1)]


def test_one_that_is_switched_off_is_not_judged_and_on_again_is_a_new_one(watch):
    alert = watch.make(**ERRORS | {"threshold": 0})
    watch.send(ERROR)
    watch.look()
    assert watch.client.patch(alert, json={"enabled": False}).get_json()["firing"] is False
    watch.send(ERROR)
    watch.look()
    watch.client.patch(alert, json={"enabled": True, "threshold": 1})
    watch.look()
    assert watch.told() == [("alert.firing", None, 1)]
    assert watch.get(alert)["value"] == 0
