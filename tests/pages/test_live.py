"""What a stream that is followed asks the server for: a tail that fits, and rows by their ids."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from agentlogger.blueprints.pages.live import tail_query
from agentlogger.limits import SCREEN_RECORDS
from tests.pages.test_pages import EVERYTHING, HTML, page, require_harmless


def ids(text: str) -> list[str]:
    return re.findall(r'<tr data-id="(\w+)"', text)


def live(text: str) -> tuple[str, str] | None:
    found = re.search(r'data-tail="([^"]+)" data-rows="([^"]+)"', text)
    return None if found is None else (html.unescape(found[1]), html.unescape(found[2]))


def test_rows_are_drawn_for_ids_as_far_as_they_are_asked_for(client):
    records = [{"message": f"{EVERYTHING} {n}", "event": "e", "level": "warn"} for n in range(3)]
    client.post("/api/v1/logs", json=[*records, {"message": "other", "event": "f"}])
    items = client.get("/api/v1/logs").get_json()["items"]
    listed = ",".join(["nothing", *(item["id"] for item in items[:3])])

    shown = page(client, f"/rows?ids={listed}&event=e&from=-1h&q=level:warn")
    newest = page(client, "/rows?event=f")

    assert ids(shown) == [item["id"] for item in items[:3] if item["event"] == "e"]
    assert ids(newest) == [item["id"] for item in items if item["event"] == "f"]
    require_harmless(shown)
    assert page(client, "/rows?ids=nothing").strip() == page(client, "/rows?q=none").strip()
    many = client.get("/rows?ids=" + "a," * (SCREEN_RECORDS + 1), headers=HTML)
    assert (many.status_code, "At most" in many.get_data(as_text=True)) == (422, True)


def test_a_page_names_the_tail_of_what_it_shows_and_none_where_nothing_can_come(client):
    empty = live(page(client, "/"))
    client.post("/api/v1/logs", json=[{"message": "refund 7"}] * 60)
    tail, rows = live(page(client, "/?q=refund&severity_min=info&from=-1h"))

    assert empty == ("/api/v1/tail", "/rows")
    assert parse_qs(urlsplit(tail).query) == {"q": ["(refund) level:>=info"]}
    assert parse_qs(urlsplit(rows).query) == {
        "q": ["refund"], "severity_min": ["info"], "from": ["-1h"],
    }  # fmt: skip
    assert len(ids(page(client, rows))) == SCREEN_RECORDS
    for path in (
        "/?to=-0s",
        "/?order=asc",
        re.findall(r'rel="next" href="([^"]+)', page(client, "/"))[0],
    ):
        assert live(page(client, html.unescape(path))) is None


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({}, ""),
        ({"q": "a OR b", "session": 'a"b\\'}, '(a OR b) session:"a\\"b\\\\"'),
        ({"severity": "warn", "model": "gpt*"}, 'model:"gpt*" level:warn'),
        ({"q": "a) OR (b", "session": "s"}, "a) OR (b"),
        ({"q": "x" * 1990, "session": "s" * 20}, "x" * 1990),
    ],
)
def test_the_tail_is_asked_with_a_query_for_what_filters_say(given, written):
    assert tail_query(given) == written


def test_a_tail_gives_what_the_query_of_filters_asks_for(client):
    lines = {"Accept": "application/x-ndjson"}
    client.post("/api/v1/logs", json={"message": "before"})
    opened = client.get("/api/v1/tail?seconds=0", headers=lines)
    where = json.loads(opened.get_data(as_text=True).splitlines()[0])["id"]
    session = 'odd "id" \\ (1)'
    records = [{"message": "b", "session_id": "other"}, {"message": "a", "session_id": session}]
    client.post("/api/v1/logs", json=records)
    tail, _ = live(page(client, f"/?q=a OR b&session={session}"))

    told = client.get(f"{tail}&seconds=60&after={where}", headers=lines)
    events = (json.loads(line) for piece in told.response for line in piece.splitlines())

    assert next(one["data"]["body"] for one in events if one["event"] == "record") == "a"
    told.close()
