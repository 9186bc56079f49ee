"""Counting through HTTP: by time and by value, over what a list has, and never without an end."""

from __future__ import annotations

import time

import pytest

from agentlogger.store import bounded, facets

NOW = time.time_ns()
SECOND = 10**9
MINUTE = 60 * SECOND


def send(client, *records) -> None:
    answer = client.post("/api/v1/logs", json=list(records))
    assert answer.get_json()["accepted"] == len(records)


def ask(client, path: str) -> dict:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def refused(client, path: str) -> tuple[int, str, str]:
    answer = client.get(f"/api/v1/{path}")
    problem = answer.get_json()
    return answer.status_code, problem["code"], problem["detail"]


def values(answer: dict, key: str) -> list[tuple[str, int]]:
    (facet,) = [item for item in answer["items"] if item["key"] == key]
    return [(value["value"], value["records"]) for value in facet["values"]]


def test_records_are_counted_by_time_and_level(client):
    start = NOW // MINUTE * MINUTE
    send(
        client,
        {"time": start, "level": "info"},
        {"time": start + 2 * SECOND, "severity_number": 10},
        {"time": start + 3 * SECOND, "level": "error", "tool": "Bash"},
        {"time": start + 40 * SECOND, "level": "warn", "tool": "Bash"},
    )

    found = ask(client, f"histogram?from={start}&to={start + MINUTE}&buckets=12")
    of_bash = ask(client, f"histogram?from={start}&to={start + MINUTE}&buckets=2&q=tool:bash")

    assert (found["bucket_ns"], found["records"], found["exact"]) == (5 * SECOND, 4, True)
    assert [item["ts_ns"] for item in found["items"]] == [
        str(start + number * 5 * SECOND) for number in range(12)
    ]
    told = {place: item["levels"] for place, item in enumerate(found["items"]) if item["levels"]}
    assert told == {0: {"info": 2, "error": 1}, 8: {"warn": 1}}
    assert [item["levels"] for item in of_bash["items"]] == [{"error": 1}, {"warn": 1}]
    assert sum(item["records"] for item in ask(client, "histogram")["items"]) == 4
    assert ask(client, f"histogram?from={start + MINUTE}")["items"] == []
    empty = f"/api/v1/histogram?from={start - MINUTE}&to={start}&buckets=4"
    answer = client.get(empty)
    assert [item["levels"] for item in answer.get_json()["items"]] == [{}] * 4
    again = client.get(empty, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_values_are_counted_by_key(client):
    send(
        client,
        {"level": "info", "tool": "Bash", "agent": "codex"},
        {"level": "info", "tool": "bash"},
        {"level": "error", "tool": "Bash"},
        {"severity_number": 10},
    )

    found = ask(client, "facets?keys=level,tool,service,ok")
    fewest = ask(client, "facets?keys=tool&values=1&q=level:info")

    assert (found["records"], found["exact"], found["sampled"]) == (4, True, None)
    assert values(found, "level") == [("info", 3), ("error", 1)]
    assert values(found, "tool") == [("Bash", 2), ("bash", 1)]
    assert values(found, "agent") == [("codex", 1)]
    assert found["items"][1]["without"] == 1
    assert [fewest["items"][0][name] for name in ("distinct", "others")] == [2, 1]
    usual = [item["key"] for item in ask(client, "facets")["items"]]
    assert usual == ["level", "kind", "agent", "model", "tool", "user", "session"]


@pytest.mark.parametrize(
    ("path", "code", "told"),
    [
        ("facets?keys=levl", "query.invalid", "level"),
        ("facets?keys=tokens.in", "query.invalid", "hardly two"),
        ("facets?keys=,", "query.invalid", "errors"),
        ("facets?values=0", "query.invalid", "errors"),
        ("histogram?buckets=0", "query.invalid", "errors"),
        ("histogram?limit=5", "query.invalid", "errors"),
        (f"histogram?q={'a%20' * 60}", "query.too_large", "terms"),
    ],
)
def test_what_means_nothing_is_refused(client, path, code, told):
    answer = client.get(f"/api/v1/{path}")

    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert told in answer.get_data(as_text=True)


def test_a_part_that_reads_as_text_is_told(client):
    send(client, {"message": "levl:warn"})

    for path in ("histogram?q=levl:warn", "facets?q=levl:warn"):
        found = ask(client, path)
        assert found["records"] == 1
        assert "level" in found["hints"][0]


def test_more_records_than_may_be_looked_at_are_a_sample_that_says_so(client, monkeypatch):
    monkeypatch.setattr(facets, "FACET_RECORDS", 3)
    send(client, *({"time": NOW - age * SECOND, "tool": f"T{age}"} for age in range(5)))

    found = ask(client, "facets?keys=tool")

    assert (found["records"], found["exact"], found["sampled"]) == (3, False, "records")
    assert [value for value, _ in values(found, "tool")] == ["T0", "T1", "T2"]
    (oldest,) = ask(client, "logs?q=tool:T2")["items"]
    assert found["since"] == oldest["time"]
    assert ask(client, "facets?keys=tool&q=tool:(T3,T4)")["exact"] is True


class Slow:
    """Stands in for the clock: the second step of each walk finds that the time is over."""

    def __init__(self) -> None:
        self.looks = 0

    def monotonic(self) -> float:
        """Later each time: a look to begin with, one before each step and one behind it."""
        self.looks += 1
        return 0.0 if self.looks <= 3 else 1_000.0


def test_what_was_counted_when_the_time_is_over_is_given_and_says_so(client, monkeypatch):
    send(client, *({"time": NOW - age * MINUTE, "tool": "Bash"} for age in range(100)))
    since = f"from={NOW - 100 * MINUTE}&to={NOW + 1}"

    monkeypatch.setattr(bounded, "time", Slow())
    by_time = ask(client, f"histogram?{since}")
    monkeypatch.setattr(bounded, "time", Slow())
    by_value = ask(client, f"facets?{since}&keys=tool")

    assert by_time["exact"] is False
    assert 1 <= by_time["records"] == sum(one["records"] for one in by_time["items"]) < 100
    assert by_time["counted_from"] == by_time["items"][0]["time"]
    assert (by_value["exact"], by_value["sampled"]) == (False, "time")
    assert values(by_value, "tool") == [("Bash", by_value["records"])]
    assert 1 <= by_value["records"] < 100


@pytest.mark.parametrize("path", ["histogram", "facets"])
def test_a_question_that_takes_too_long_is_ended_by_the_database(client, monkeypatch, path):
    words = [f"nowhere{number}" for number in range(40)]
    # In a name they are not found, and are not known to be nowhere before all is read.
    text = {" ".join(words): "a " * 40_000}
    send(client, *({"message": "a " * 20_000, "attributes": text},) * 40)
    monkeypatch.setattr(bounded, "COUNT_SECONDS", 0.001)

    status, code, detail = refused(client, f"{path}?q={'%20OR%20'.join(words)}")

    assert (status, code) == (422, "query.too_slow")
    assert "from and to" in detail
    assert ask(client, "logs?limit=1")["items"]
