"""Lists as streams: every record once, the same fields as on a page, and an end that proves it."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json

import pytest
from flask import Flask

from agentlogger import limits
from agentlogger.blueprints.export import PLACES
from agentlogger.errors import DatabaseUnavailable
from agentlogger.store import logs
from tests.api.test_reading import NOW, SECOND, send
from tests.intake.readers import corpus

NDJSON = {"Accept": "application/x-ndjson"}


def stream(client, query: str = "") -> tuple[list[dict], dict]:
    """The records of a stream of JSON, and its trailer."""
    answer = client.get(f"/api/v1/logs?format=ndjson{query}")
    assert answer.status_code == 200, answer.get_json()
    *records, last = map(json.loads, answer.data.splitlines())
    return records, last["trailer"]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
def test_a_stream_has_what_the_pages_have_and_says_that_it_is_complete(client, monkeypatch, count):
    monkeypatch.setattr(logs, "PIECE_RECORDS", 3)
    send(client, *({"body": n, "time": NOW + n // 2, "x": [n, 1.0]} for n in range(count)))

    answer = client.get("/api/v1/logs", headers=NDJSON)
    *lines, last = answer.data.splitlines(keepends=True)

    assert answer.mimetype == "application/x-ndjson"
    records = [json.loads(line) for line in lines]
    assert records == client.get("/api/v1/logs").get_json()["items"]
    alone = [client.get(f"/api/v1/logs/{record['id']}").get_json() for record in records]
    assert alone == [record | {"call": None} for record in records]
    trailer = json.loads(last)["trailer"]
    assert (trailer["complete"], trailer["records"]) == (True, count)
    assert trailer["sha256"] == hashlib.sha256(b"".join(lines)).hexdigest()
    assert trailer["next_cursor"] is None


def test_a_stream_has_old_and_new_days_in_the_order_that_is_asked_for(client, monkeypatch):
    monkeypatch.setattr(logs, "PIECE_RECORDS", 2)
    days = [NOW - 900 * 86_400 * SECOND, NOW - 3 * 86_400 * SECOND, NOW - SECOND, NOW]
    send(client, *({"body": n, "time": day} for n, day in enumerate(days)))
    send(client, {"body": "same moment", "time": days[1]})

    found = [stream(client, f"&order={order}")[0] for order in ("desc", "asc")]
    newest, oldest = ([record["body"] for record in records] for records in found)

    assert oldest == list(reversed(newest))
    assert [body for body in oldest if body != "same moment"] == [0, 1, 2, 3]
    pages = [
        client.get(f"/api/v1/logs?order={order}").get_json()["items"] for order in ("desc", "asc")
    ]
    assert [[record["body"] for record in page] for page in pages] == [newest, oldest]


def test_bodies_are_whole_and_few_large_ones_make_a_piece(client, monkeypatch):
    monkeypatch.setattr(logs, "PIECE_BYTES", 50_000)
    bodies = [character * 40_000 for character in "abcde"]
    send(client, *({"body": body, "time": NOW + n} for n, body in enumerate(bodies)))
    pieces = []
    walk = logs.piece
    monkeypatch.setattr(logs, "piece", lambda *a, **k: pieces.append(walk(*a, **k)) or pieces[-1])

    records, _ = stream(client, "&order=asc")

    assert [record["body"] for record in records] == bodies
    assert [piece.records for piece in pieces] == [2, 2, 1]


def test_a_stream_that_was_bounded_goes_on_behind_its_last_record(client, monkeypatch):
    monkeypatch.setattr(logs, "PIECE_RECORDS", 2)
    send(client, *({"body": n, "time": NOW + n, "session_id": "s"} for n in range(7)))

    seen, cursor = [], ""
    for expected in (3, 3, 1):
        records, trailer = stream(client, f"&limit=3&session=s{cursor}")
        assert (trailer["complete"], len(records)) == (True, expected)
        seen += [record["body"] for record in records]
        cursor = f"&cursor={trailer['next_cursor']}"

    assert seen == [6, 5, 4, 3, 2, 1, 0]
    assert trailer["next_cursor"] is None


def test_what_arrives_while_it_is_written_is_not_in_it(client, monkeypatch):
    monkeypatch.setattr(logs, "PIECE_RECORDS", 1)
    send(client, {"body": "a", "time": NOW}, {"body": "c", "time": NOW + 9 * SECOND})
    walk, late = logs.piece, itertools.count()

    def walk_on(*given, **named):
        send(client, {"body": f"late {next(late)}", "time": NOW + SECOND})
        return walk(*given, **named)

    monkeypatch.setattr(logs, "piece", walk_on)
    records, trailer = stream(client, "&order=asc")

    assert [record["body"] for record in records] == ["a", "c"]
    again, _ = stream(client, f"&order=asc&as_of={trailer['as_of']}")
    assert again == records


def test_a_stream_that_the_database_ends_says_so_and_where_to_go_on(client, monkeypatch):
    monkeypatch.setattr(logs, "PIECE_RECORDS", 2)
    send(client, *({"body": n, "time": NOW + n} for n in range(5)))
    walk = logs.piece

    def walk_until(*given, after, **named):
        if after is not None:
            raise DatabaseUnavailable("It is away.")
        return walk(*given, after=after, **named)

    monkeypatch.setattr(logs, "piece", walk_until)
    records, trailer = stream(client)
    assert (trailer["complete"], trailer["records"]) == (False, 2)
    assert trailer["problem"]["code"] == "database.unavailable"
    monkeypatch.setattr(logs, "piece", walk)

    rest, trailer = stream(client, f"&cursor={trailer['next_cursor']}")
    assert [record["body"] for record in records + rest] == [4, 3, 2, 1, 0]
    assert trailer["complete"]


def test_a_table_has_a_cell_for_each_field_and_a_trailer(client):
    send(client, {"body": {"a": 1}, "time": NOW, "n": 1}, {"body": 'two\n"lines"', "time": NOW - 1})

    answer = client.get("/api/v1/logs", headers={"Accept": "text/csv"})
    table = list(csv.DictReader(io.StringIO(answer.data.decode(), newline="")))
    *rows, last = table

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert [row["body"] for row in rows] == ['{"a":1}', 'two\n"lines"']
    page = client.get("/api/v1/logs").get_json()["items"]
    assert [row["id"] for row in rows] == [record["id"] for record in page]
    assert json.loads(rows[0]["attributes"]) == {"n": 1}
    assert (rows[0]["model"], rows[0]["severity_number"]) == ("", "9")
    content = answer.data[: answer.data.rindex(b"#trailer")]
    words = dict(word.split("=") for word in last.pop("id").split()[1:])
    assert (words["complete"], words["records"]) == ("true", "2")
    assert words["sha256"] == hashlib.sha256(content).hexdigest()
    assert set(last.values()) == {""}


FORMULAS = ['=HYPERLINK("http://x")', "+1", "-1+1", "@SUM(A1)", "\t=1", "\uff1d1"]


def test_a_text_that_a_spreadsheet_would_run_is_none_in_a_table(client):
    send(client, *({"body": text, "session_id": text, "time": NOW - n}
                   for n, text in enumerate(FORMULAS)), {"body": -5, "time": NOW - 99})  # fmt: skip

    answer = client.get("/api/v1/logs?format=csv")
    *rows, number, _ = csv.DictReader(io.StringIO(answer.data.decode(), newline=""))

    assert [row["body"] for row in rows] == [f"'{formula}" for formula in FORMULAS]
    assert [row["session_id"] for row in rows] == [f"'{formula}" for formula in FORMULAS]
    assert number["body"] == "-5"


@pytest.mark.parametrize(
    ("query", "code", "status"),
    [
        ("limit=0", "query.invalid", 422),
        ("format=xml", "query.invalid", 422),
        ("order=random", "query.invalid", 422),
        ("format=ndjson&cursor=x", "query.cursor", 400),
    ],
)
def test_what_cannot_be_streamed_is_a_problem_as_anywhere(client, query, code, status):
    answer = client.get(f"/api/v1/logs?{query}")

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_a_worker_writes_only_so_many_streams_and_gives_each_place_back(app: Flask, client):
    send(client, {"body": 1})
    open_streams = [client.get("/api/v1/logs?format=ndjson") for _ in range(limits.EXPORTS)]

    refused = client.get("/api/v1/logs?format=ndjson")
    assert (refused.status_code, refused.get_json()["code"]) == (503, "export.busy")
    assert refused.headers["Retry-After"]
    assert client.get("/api/v1/logs").status_code == 200

    # In one thread Flask's contexts end in the reverse order of their beginning.
    for one in reversed(open_streams):
        one.close()
    assert client.get("/api/v1/logs?format=ndjson&cursor=x").status_code == 400
    assert app.extensions[PLACES]._value == limits.EXPORTS


def test_what_was_searched_for_as_text_is_told_in_the_trailer(client):
    _, trailer = stream(client, "&q=levl:error")

    assert trailer["hints"] == client.get("/api/v1/logs?q=levl:error").get_json()["hints"] != []


def test_calls_stream_as_they_are_on_their_pages(client, monkeypatch):
    monkeypatch.setattr("agentlogger.store.calls.PIECE_RECORDS", 2)
    for scenario in corpus.scenarios():
        if scenario.name.startswith(("otel: ", "codex: ")):
            for path, body in scenario.requests:
                client.post(path, data=body, content_type="application/json")
    page = client.get("/api/v1/calls?limit=1000").get_json()["items"]

    answer = client.get("/api/v1/calls", headers=NDJSON)
    *calls, last = map(json.loads, answer.data.splitlines())

    assert len(page) > 4
    assert calls == page
    assert (last["trailer"]["complete"], last["trailer"]["records"]) == (True, len(page))
    table = client.get("/api/v1/calls?format=csv&limit=1").data.decode()
    assert table.splitlines()[2].startswith("#trailer complete=true records=1 ")
