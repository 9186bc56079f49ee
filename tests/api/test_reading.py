"""Reading back: newest first, filtered, a page at a time, and errors that say what to do."""

from __future__ import annotations

import time

import pytest

NOW = time.time_ns()
SECOND = 10**9


def send(client, *records):
    answer = client.post("/api/v1/logs", json=list(records))
    assert answer.status_code == 200, answer.get_json()
    assert answer.get_json()["accepted"] == len(records)


def bodies(client, query: str = "") -> list:
    answer = client.get(f"/api/v1/logs{query}")
    assert answer.status_code == 200, answer.get_json()
    return [record["body"] for record in answer.get_json()["items"]]


def test_a_sent_record_is_read_back(client):
    send(client, {"message": "hello", "time": "2026-11-22T10:00:00.123456789Z", "level": "warn"})

    (record,) = client.get("/api/v1/logs").get_json()["items"]

    assert record["body"] == "hello"
    assert record["time"] == "2026-11-22T10:00:00.123456789Z"
    assert record["ts_ns"] == "1795341600123456789"
    assert (record["severity_number"], record["severity_text"]) == (13, "warn")
    alone = client.get(f"/api/v1/logs/{record['id']}").get_json()
    assert alone == record | {"call": None}


def test_records_come_newest_first_and_in_the_order_of_their_request(client):
    send(client, *({"body": number, "time": NOW} for number in range(3)))
    send(client, {"body": "older", "time": NOW - SECOND}, {"body": "newer", "time": NOW + SECOND})

    assert bodies(client) == ["newer", 2, 1, 0, "older"]


def test_each_filter_keeps_what_it_names(client):
    now = time.time_ns()
    trace = "5b8efff798038103d269b633813fc60c"
    send(
        client,
        {"body": "a", "time": now - 90 * SECOND, "level": "error", "event": "shop.refund"},
        {"body": "b", "time": now - 60 * SECOND, "level": "info", "session_id": "s1"},
        {"body": "c", "time": now - 30 * SECOND, "level": "debug", "model": "gpt-5.1"},
        {"body": "d", "time": now, "level": "fatal", "trace_id": trace},
    )

    assert bodies(client, "?event=shop.refund") == ["a"]
    assert bodies(client, "?session=s1") == ["b"]
    assert bodies(client, "?model=gpt-5.1") == ["c"]
    assert bodies(client, f"?trace={trace}") == ["d"]
    assert bodies(client, "?severity=error") == ["a"]
    assert bodies(client, "?severity=9") == ["b"]
    assert bodies(client, "?severity_min=error") == ["d", "a"]
    assert bodies(client, f"?from={now - 60 * SECOND}&to={now}") == ["c", "b"]
    assert bodies(client, "?from=-45s&to=now") == ["d", "c"]
    assert bodies(client, "?session=s1&event=shop.refund") == []


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 10])
def test_pages_hold_each_record_once(client, count):
    send(client, *({"body": number, "time": NOW + number // 3} for number in range(count)))
    seen, cursor = [], ""
    while True:
        page = client.get(f"/api/v1/logs?limit=5{cursor}").get_json()
        seen += [record["body"] for record in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert seen == list(reversed(range(count)))


def test_records_that_arrive_between_two_pages_shift_nothing(client):
    send(client, *({"body": number, "time": NOW + number} for number in range(4)))
    first = client.get("/api/v1/logs?limit=2").get_json()
    send(client, {"body": "later", "time": NOW + 9})

    second = client.get(f"/api/v1/logs?limit=2&cursor={first['next_cursor']}").get_json()

    assert [record["body"] for record in first["items"] + second["items"]] == [3, 2, 1, 0]


def test_the_link_header_leads_to_the_next_page_with_the_same_filters(client):
    send(
        client, *({"body": number, "time": NOW + number, "session_id": "s"} for number in range(3))
    )

    first = client.get("/api/v1/logs?limit=2&session=s&from=-1h")
    link = first.headers["Link"]
    address = link.removeprefix("<").partition(">")[0]

    assert link.endswith('; rel="next"')
    assert bodies(client, address.removeprefix("/api/v1/logs")) == [0]


def test_a_cursor_of_another_query_is_refused(client):
    send(client, *({"body": number, "time": NOW + number} for number in range(3)))
    cursor = client.get("/api/v1/logs?limit=1").get_json()["next_cursor"]

    answer = client.get(f"/api/v1/logs?limit=1&session=other&cursor={cursor}")

    assert (answer.status_code, answer.get_json()["code"]) == (400, "query.cursor")


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%00", "=" * 30, "_" * 30, "é"])
def test_a_cursor_that_was_never_ours_is_refused(client, cursor):
    answer = client.get("/api/v1/logs", query_string={"cursor": cursor})

    assert (answer.status_code, answer.get_json()["code"]) == (400, "query.cursor")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("from", "yesterday"),
        ("from", "0"),
        ("to", "9999-12-31T23:59:59Z"),
        ("to", "99999999999999999999"),
        ("severity", "loud"),
        ("severity", "25"),
        ("severity_min", "0"),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "many"),
    ],
)
def test_a_parameter_that_means_nothing_is_named(client, name, value):
    answer = client.get("/api/v1/logs", query_string={name: value})

    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    problem = answer.get_json()
    assert problem["code"] == "query.invalid"
    assert name in problem["errors"]["query"]


@pytest.mark.parametrize("path", ["logs", "sessions", "numbers", "histogram", "facets", "calls"])
def test_times_the_wrong_way_round_are_no_empty_list(client, path):
    answer = client.get(f"/api/v1/{path}?from=-1h&to=-2h")

    assert answer.status_code == 422
    assert "'from' means nothing here: It is later than `to`" in answer.get_json()["detail"]
    assert client.get(f"/api/v1/{path}?from=-1h&to=-1h").status_code == 200


@pytest.mark.parametrize(
    ("path", "mistyped", "meant"),
    [
        ("logs", "frm=-1h", "did you mean from?"),
        ("sessions", "curser=x", "did you mean cursor?"),
        ("tail", "secs=1", "did you mean seconds?"),
        ("numbers", "colour=red", "unknown. Known are by, event, format, from, "),
    ],
)
def test_a_parameter_that_there_is_not_names_the_nearest(client, path, mistyped, meant):
    answer = client.get(f"/api/v1/{path}?{mistyped}")

    assert answer.status_code == 422
    assert meant in answer.get_json()["detail"]


@pytest.mark.parametrize(
    "identifier", ["x", "0" * 26, "v" * 26, "é" * 26, "33l5hob8dk2pgr8vnvrdif800", "%00"]
)
def test_an_id_that_names_nothing_is_404(client, identifier):
    answer = client.get(f"/api/v1/logs/{identifier}")

    assert (answer.status_code, answer.get_json()["code"]) == (404, "record.missing")


def test_a_text_with_nul_in_a_filter_matches_nothing_and_breaks_nothing(client):
    assert bodies(client, "?session=%00") == []
    assert bodies(client, "?session=%ED%A0%80") == []


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "http.404"),
        ("DELETE", "/api/v1/logs", 405, "http.405"),
        ("PUT", "/api/v1/logs", 405, "http.405"),
    ],
)
def test_what_is_not_there_is_a_problem_too(client, method, path, status, code):
    answer = client.open(path, method=method)

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"
    assert set(answer.get_json()) == {
        "type", "title", "status", "code", "detail", "request_id",
    }  # fmt: skip


def test_the_description_names_every_route_and_is_openapi_3_1(client):
    described = client.get("/openapi.json").get_json()

    assert described["openapi"] == "3.1.0"
    assert set(described["paths"]) == {
        "/api/v1/alerts", "/api/v1/alerts/{identifier}", "/api/v1/alerts/{identifier}/deliveries",
        "/api/v1/alerts/{identifier}/states", "/api/v1/alerts/{identifier}/test", "/api/v1/calls",
        "/api/v1/facets", "/api/v1/histogram", "/api/v1/ingest", "/api/v1/logs",
        "/api/v1/logs/{identifier}", "/api/v1/logs/{identifier}/neighbours", "/api/v1/numbers",
        "/api/v1/schema-watch", "/api/v1/searches", "/api/v1/searches/{identifier}",
        "/api/v1/sessions", "/api/v1/sessions/{identifier}", "/api/v1/tail",
        "/api/v1/traces/{identifier}", "/api/v1/usage", "/v1/logs", "/v1/metrics", "/v1/traces",
        "/v1/traces/ingest",
    }  # fmt: skip
    assert "application/problem+json" in str(described["components"]["responses"])
