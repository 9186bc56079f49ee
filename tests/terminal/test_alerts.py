"""`agentlogger alerts`, at a server and at its database."""

from __future__ import annotations

import json

import pytest

from agentlogger.duties import webhooks
from agentlogger.duties.leased import Leased
from agentlogger.terminal import alerts
from tests.alerts.conftest import receiver

__all__ = ["receiver"]

NOBODY = "http://127.0.0.1:9/"


def test_an_alert_is_added_listed_tested_and_removed(reader, receiver, monkeypatch):
    added = reader.run(
        "alerts", "add", "Errors", "--url", receiver.url, "--window", "10m",
        "--query", "level:>=error", "--above", "20",
    )  # fmt: skip
    assert added.exit_code == 0, added.output
    assert added.stdout.startswith("whsec_")
    assert "Errors: > 20 level:>=error in 10m." in added.stderr
    reader.run("alerts", "add", "B", "--url", NOBODY, "--window", "1d", "--budget", "0.25")
    reader.run("alerts", "add", "S", "--url", NOBODY, "--window", "90s", "--silence")

    listed = reader.run("alerts", "list").stdout.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [
        ["quiet", "B"], ["quiet", "Errors"], ["quiet", "S"],
    ]  # fmt: skip
    assert "> $0.2500 in 1d" in listed[1]
    assert "no data for 90s" in listed[3]
    (of_json,) = [
        one
        for one in map(json.loads, reader.run("alerts", "list", "--json").stdout.splitlines())
        if one["name"] == "Errors"
    ]
    monkeypatch.setattr(alerts, "WAIT_SECONDS", 0)
    waiting = reader.run("alerts", "test", "Errors")
    assert (waiting.exit_code, "a server on this database" in waiting.stderr) == (1, True)
    monkeypatch.setattr(alerts, "WAIT_SECONDS", 120)
    receiver.answers += [204, 204, 500]
    sending = Leased(
        "webhooks",
        lambda turn: webhooks.send_due(turn, lambda _host: True),
        every_seconds=0.05,
        inside=reader.app.app_context,
    )
    sending.start()
    tested = reader.run("alerts", "test", of_json["id"][:8])
    failed = reader.run("alerts", "test", "Errors")
    sending.stop()
    assert (tested.exit_code, "The receiver answered 204" in tested.stderr) == (0, True)
    assert (failed.exit_code, "The receiver answered 500." in failed.stderr) == (1, True)
    told = reader.run("alerts", "deliveries", "Errors").stdout
    assert told.count("test      delivered") == 2
    assert "The receiver answered 500." in told
    assert reader.run("alerts", "remove", "Errors").exit_code == 0
    assert reader.run("alerts", "remove", "Errors").exit_code == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--window", "soon", "--silence"], "no length of time"),
        (["--window", "10m"], "Say one of"),
        (["--window", "10m", "--silence", "--budget", "5"], "Say one of"),
        (["--window", "10m", "--budget", "five"], "no amount of dollars"),
        (["--window", "10m", "--query", "x"], "either --above or --below"),
        (["--window", "10m", "--silence", "--above", "1"], "either --above or --below"),
        (["--window", "1s", "--silence"], "window_seconds"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(at_a_server, words, said):
    outcome = at_a_server.run("alerts", "add", "It", "--url", NOBODY, *words)

    assert outcome.exit_code in {1, 2}
    assert said in outcome.output
