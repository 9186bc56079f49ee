"""`agentlogger replay`: what is stored here is stored there, once, as it was."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from flask import Response, request

from agentlogger.intake import origin
from agentlogger.terminal import chunks, replaying, targets
from agentlogger.terminal.targets import ServerTarget
from tests.export.installations import NOW, Installation, same
from tests.terminal.imports import served


def test_what_is_replayed_twice_is_there_once_and_as_it_was(
    here: Installation, there: Installation
):
    here.fill()
    count = len(here.records())

    with served(there.app) as url:
        first, second = (here.run("replay", "--to", url) for _ in "12")

    assert first.exit_code == 0, first.output
    assert f"{count} records sent, {count} stored, 0 known already, 0 refused." in first.stdout
    assert f"{count} records sent, 0 stored, {count} known already, 0 refused." in second.stdout
    assert same(there.records()) == same(here.records())
    bodies = [r["body"] for r in there.records() if isinstance(r["body"], int)]
    assert bodies == list(range(20))
    calls = [one.client.get("/api/v1/usage").get_json()["total"] for one in (here, there)]
    assert calls[0] == calls[1]
    assert calls[0]["calls"] > 0


def test_what_is_sent_on_again_is_known_by_where_it_was_first(here, there, tmp_path):
    there.send({"body": "b", "time": NOW})
    (first,) = there.records()
    file = str(tmp_path / "a.ndjson")
    there.run("export", file)
    here.run("import", file)
    here.run("export", file, "--overwrite")
    here.run("import", file)

    records = here.records()
    assert [one["envelope"]["origin"]["id"] for one in records] == [first["id"]]
    assert records[0]["envelope"]["origin"]["received_time"] == first["received_time"]


def test_a_replay_that_was_stopped_goes_on_from_its_state(here, there, tmp_path, monkeypatch):
    here.send(*({"body": n, "time": NOW + n} for n in range(12)))
    monkeypatch.setattr(replaying, "RECORDS", 5)
    state = str(tmp_path / "replay.state")
    send, sent = ServerTarget.send, []

    def interrupted(target, parcel):
        if len(sent) == 1:
            raise KeyboardInterrupt
        sent.append(parcel)
        return send(target, parcel)

    with served(there.app) as url:
        with monkeypatch.context() as patch:
            patch.setattr(ServerTarget, "send", interrupted)
            stopped = here.run("replay", "--to", url, "--state", state)
        assert (stopped.exit_code, len(there.records())) == (130, 5)
        assert "goes on from there" in stopped.stderr
        rest = here.run("replay", "--to", url, "--state", state)
        other = here.run("replay", "--to", url, "--state", state, "level:error")

    assert "7 records sent, 7 stored, 0 known already" in rest.stdout
    assert [record["body"] for record in there.records()] == list(range(12))
    assert other.exit_code == 0, "the state of a replay that came to its end is gone"


def test_a_server_that_is_busy_is_waited_for_as_it_asks(here, there, monkeypatch):
    here.send({"body": "b", "time": NOW})
    waits: list[float] = []
    # Its own clock: the server's threads sleep too.
    monkeypatch.setattr(targets, "time", SimpleNamespace(sleep=waits.append))
    answers = iter([(429, "7"), (503, "100000"), (503, "soon")])

    @there.app.before_request
    def _busy():
        if request.method == "POST" and (answer := next(answers, None)):
            return Response(status=answer[0], headers={"Retry-After": answer[1]})
        return None

    there.app._got_first_request = False
    with served(there.app) as url:
        outcome = here.run("replay", "--to", url)

    assert "1 stored" in outcome.stdout, outcome.output
    assert waits[:3] == [7, 300, 2]


@pytest.mark.pure
@pytest.mark.parametrize("plain", [True, False])
def test_another_program_is_sent_no_word_of_ours_where_it_is_to_be_plain(
    here, there, monkeypatch, plain
):
    here.send({"body": "b", "time": NOW, "x": 1})
    seen: list[dict] = []
    monkeypatch.setattr(origin, "taken", lambda sent: seen.append(sent.attributes) or None)
    with served(there.app) as url:
        here.run("replay", "--to", url, *(["--plain"] if plain else []))

    (record,) = there.records()
    assert (origin.ATTRIBUTE in record["attributes"]) is not plain
    assert record["attributes"]["x"] == 1
    assert bool(seen) is not plain


def test_what_the_other_server_refuses_is_told_and_ends_with_3(here, monkeypatch):
    here.send(*({"body": n, "time": NOW + n} for n in range(3)))
    monkeypatch.setattr(chunks, "PAUSES_SECONDS", ())
    refuse = iter([True, True, False, False, False])

    def send(_target, parcel):
        if next(refuse):
            raise targets.RefusedWhole("It is too large.")
        return targets.Outcome(stored=parcel.records - 1, refused=1, reasons=[(0, "It is bad.")])

    monkeypatch.setattr(ServerTarget, "send", send)
    outcome = here.run("replay", "--to", "http://127.0.0.1:9")

    assert outcome.exit_code == 3
    assert "It is bad." in outcome.stderr
    assert "3 records sent" in outcome.stdout
