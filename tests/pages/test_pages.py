"""Pages: what people see, log text only ever as text, and nothing from another host."""

from __future__ import annotations

import re

import pytest

HTML = {"Accept": "text/html"}
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
    "\x1b[31mred\x1b[0m",
    "\N{RIGHT-TO-LEFT OVERRIDE}reversed",
]


def page(client, path: str) -> str:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def send(client, **record) -> str:
    client.post("/api/v1/logs", json=record)
    return client.get("/api/v1/logs").get_json()["items"][0]["id"]


def test_an_empty_project_shows_how_to_fill_it(client):
    text = page(client, "/")

    for line in (
        "export OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost",
        "CLAUDE_CODE_ENABLE_TELEMETRY=1",
        "[otel]",
        "otlpEndpoint",
        "/api/v1/logs",
    ):
        assert line in text


def test_the_stream_lists_records_and_opens_one(client):
    identifier = send(client, message="refund order 7", event="shop.refund", session_id="s-1")

    listed = page(client, "/")
    opened = page(client, f"/r/{identifier}")

    assert "refund order 7" in listed
    assert f'href="/r/{identifier}"' in listed
    assert "refund order 7" in opened
    assert 'href="/?session=s-1"' in opened


@pytest.mark.parametrize("text", HOSTILE)
def test_log_text_is_only_ever_text(client, text):
    identifier = send(
        client, message=text, event=text, session_id=text, agent=text, model=text, tool=text,
        level="error", error_message=text, attributes={text: text}, resource={text: text},
    )  # fmt: skip

    for path in ("/", f"/r/{identifier}"):
        shown = page(client, path)
        assert "<script>alert" not in shown
        assert not re.search(r"<(img|svg)\b[^>]*on\w+=", shown)
        assert '<a href="javascript:' not in shown
        assert "49" not in re.sub(r"\d{2}:\d{2}:\d{2}\.\d+|[0-9a-v]{26}|[-\d:T.Z]{20,}", "", shown)


def test_filters_stay_in_the_form_as_text(client):
    shown = page(client, '/?event="><script>alert(1)</script>')

    assert "<script>alert" not in shown
    assert "Nothing matches" in shown


def test_older_records_are_a_page_away(client):
    client.post("/api/v1/logs", json=[{"message": f"number {number}"} for number in range(60)])
    first = page(client, "/")
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older is not None

    second = page(client, older[1].replace("&amp;", "&"))

    assert ("number 59" in first, "number 9" in first) == (True, False)
    assert ("number 9<" in second, "number 59" in second) == (True, False)


def test_a_mistake_in_the_address_is_a_page_for_people(client):
    answer = client.get("/?from=yesterday", headers=HTML)

    assert answer.status_code == 422
    assert answer.content_type.startswith("text/html")
    assert "-15m" in answer.get_data(as_text=True)


def test_a_record_that_is_not_there_is_a_page_for_people(client):
    answer = client.get("/r/nothing", headers=HTML)

    assert answer.status_code == 404
    assert answer.content_type.startswith("text/html")


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/login", "/r/nothing", "/static/page.css", "/schema"]
)
def test_nothing_comes_from_another_host_and_nothing_inline_runs(client, path):
    answer = client.get(path, headers=HTML)
    text = answer.get_data(as_text=True)
    answer.close()

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r'(src|href|action)="(https?:)?//', text)
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", text)


def test_the_api_page_describes_every_route(client):
    text = page(client, "/docs")

    for line in ("/api/v1/logs", "/v1/logs", "next_cursor", "LogRecord", "openapi.json"):
        assert line in text


def test_older_records_are_a_page_away_for_who_used_the_form_too(client):
    """A browser sends the empty fields of a form along, and the link to the next page has none."""
    records = [{"message": f"number {number}", "event": "e"} for number in range(60)]
    client.post("/api/v1/logs", json=records)
    first = page(client, "/?from=&to=&severity_min=&event=e&session=&model=&trace=")
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older is not None

    assert "number 9<" in page(client, older[1].replace("&amp;", "&"))
