"""Pages: what people see, log text only ever as text, and nothing from another host."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from agentlogger import __version__
from agentlogger.blueprints.pages.texts import harmless, marked, typed
from tests.pages.test_demo import fill

HTML = {"Accept": "text/html"}
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
    "\x1b[31mred\x1b[0m",
    "\N{RIGHT-TO-LEFT OVERRIDE}reversed",
    "\u2066isolated\u2069 \u200bhidden\ufeff",
    '=HYPERLINK("http://evil.example")',
    "one\r\nSet-Cookie: two",
    "</title></pre></details></textarea><b>out</b>",
]
EVERYTHING = " ".join(HOSTILE)
TRACE = "5b8efff798038103d269b633813fc60c"
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
EVERY_PAGE = (
    "/",
    "/?counts=1",
    "/runs",
    "/numbers",
    "/alerts",
    "/alerts/new",
    "/ingest",
    "/docs",
    "/login",
    "/r/nothing",
    "/run?session=nothing",
    "/schema",
)


class Markup(HTMLParser):
    """What a browser makes of a page: every tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def values(self, *names: str) -> list[str]:
        return [value for _, attrs in self.tags for name, value in attrs.items() if name in names]


def page(client, path: str) -> str:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def send(client, **record) -> str:
    client.post("/api/v1/logs", json=record)
    return client.get("/api/v1/logs").get_json()["items"][0]["id"]


def hostile_records() -> list[dict[str, Any]]:
    """The payloads in every place of records of each kind."""
    text, trace = EVERYTHING, TRACE
    parts = [{"type": text, "content": text}, {"type": "text", "content": text}]
    return [
        {
            "message": text, "event": event, "session_id": text, "prompt_id": text, "agent": text,
            "model": text, "tool": text, "tool_call_id": text, "user_id": text, "level": "error",
            "error_type": text, "error_message": text, "trace_id": trace, "resource": {text: text},
            "attributes": {
                text: text, "success": "false", "gen_ai.operation.name": kind,
                "gen_ai.tool.call.arguments": {text: text, "y": {}}, "prompt": text,
                "gen_ai.input.messages": [{"role": text, "parts": parts}],
                "llm.input_messages.0.message.content": text, "nested": {text: [text]},
            },
        }
        for kind, event in (
            ("execute_tool", text), ("chat", text), ("other", text), ("", "a.user_prompt"),
        )
    ]  # fmt: skip


def link(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    assert found is not None
    return found[1].replace("&amp;", "&")


def require_harmless(text: str) -> None:
    """Check that a page has no tag, attribute or character that came with log text."""
    markup = Markup(text)
    # Of scripts the page has its own, one.
    own = ("script", {"type": "module", "src": "/static/page.js?v=" + __version__})
    tags = {tag for tag, attrs in markup.tags if (tag, attrs) != own}
    names = {name for _, attrs in markup.tags for name in attrs}
    assert not tags & {"script", "iframe", "object", "embed", "b2", "base", "style", "textarea"}
    assert not {name for name in names if name.startswith("on") or name == "style"}
    for address in markup.values("href", "src", "action", "formaction"):
        assert re.match(r"/|#|http://localhost/", address), address
    assert "<img src=x" not in text
    assert "<svg onload" not in text
    assert "<b>out" not in text
    assert not UNSEEN.search(text)


def test_an_empty_project_shows_how_to_fill_it(client):
    text = page(client, "/")

    for line in (
        "export OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost",
        "export CLAUDE_CODE_ENABLE_TELEMETRY=1",
        "[otel]",
        "export GEMINI_TELEMETRY_OTLP_ENDPOINT=http://localhost",
        "/api/v1/logs",
    ):
        assert line in text
    # One record by hand is a click away, and who has no script is told to load the page again.
    lines = text.partition('id="to-8"')[2]
    assert '<a href="#to-8">curl</a>' in text
    assert lines.index("curl http://localhost/api/v1/logs") < lines.index("</section>")
    assert "<noscript> Then" in text
    assert "No session yet" in page(client, "/runs")


def test_the_stream_lists_records_and_opens_one(client):
    identifier = send(client, message="refund order 7", event="shop.refund", session_id="s-1")

    listed = page(client, "/")
    opened = page(client, f"/r/{identifier}")

    assert "refund order 7" in listed
    assert f'href="/r/{identifier}"' in listed
    assert 'href="/run?session=s-1"' in listed
    assert "refund order 7" in opened
    assert 'href="/?session=s-1"' in opened
    assert f"curl http://localhost/api/v1/logs/{identifier}" in opened


def test_log_text_is_only_ever_text_on_every_page(client):
    """The payloads in every place of records of each kind, on every page that shows one."""
    records = hostile_records()
    assert client.post("/api/v1/logs", json=records).get_json()["accepted"] == len(records)

    items = client.get("/api/v1/logs").get_json()["items"]
    listed = Markup(page(client, "/runs")).values("href")
    runs = [address for address in listed if address.startswith("/run?session=")]
    paths = ["/", "/?counts=1", "/histogram", "/facets", "/runs", "/ingest"]
    paths += [f"/numbers?by={by}" for by in ("model", "tool", "agent", "session", "user", "day")]
    paths += [f"/run?trace={TRACE}", *runs]
    paths += [f"/r/{item['id']}" for item in items]
    shown = {path: page(client, path) for path in paths}
    for text in shown.values():
        require_harmless(text)
    assert len(runs) == 1
    for path in ("/", runs[0], paths[-1]):
        assert '<span class="odd">\\u202e</span>reversed' in shown[path]
        assert "{{ 7 * 7 }}" in shown[path]
        assert "&lt;script&gt;" in shown[path]


def test_what_is_asked_for_stays_in_the_form_as_text(client):
    for name in ("q", "event", "session", "model", "trace"):
        for text in HOSTILE:
            shown = client.get("/", query_string={name: text}, headers=HTML).get_data(as_text=True)
            # What is in a field stays as it was typed, and cannot leave its value.
            require_harmless(re.sub(r' value="[^"]*"', "", shown))
            assert "Nothing matches" in shown


def test_hostile_characters_are_written_out_but_for_what_somebody_types():
    assert harmless("a\u202eb\x1b\r\nc\td") == "a\\u202eb\\x1b\nc\td"
    assert marked("<\u202e>") == '&lt;<span class="odd">\\u202e</span>&gt;'
    assert harmless(marked("\u202e")) == marked("\u202e")
    assert harmless(typed('"\u200d')) == "&#34;\u200d"


def test_older_records_are_a_page_away_for_who_used_the_form_too(client):
    """A browser sends the empty fields of a form along, and the link to the next page has none."""
    records = [{"message": f"number {number}", "event": "e"} for number in range(60)]
    client.post("/api/v1/logs", json=records)

    for path in ("/", "/?from=&to=&severity_min=&event=e&session=&model=&trace="):
        first = page(client, path)
        second = page(client, link(first, r'rel="next" href="([^"]+)"'))

        assert ("number 59" in first, "number 9<" in first) == (True, False)
        assert ("number 9<" in second, "number 59" in second) == (True, False)


def test_the_address_holds_everything_and_links_change_one_thing_of_it(client):
    send(client, message="refund", event="e", level="error")

    shown = page(client, "/?q=refund&event=e&severity_min=error&from=-1h")

    hrefs = set(Markup(shown).values("href"))
    assert "/?q=refund&event=e&severity_min=error&from=-24h" in hrefs
    assert "/?q=refund&event=e&from=-1h" in hrefs
    assert "/?q=refund&severity_min=error&from=-1h" in hrefs
    current = [attrs for tag, attrs in Markup(shown).tags if attrs.get("aria-current") == "true"]
    assert len(current) == 2
    assert 'name="severity_min" value="error"' in shown


def test_a_query_is_saved_and_found_again(client):
    """By the page's own form: nobody else's has its token."""
    send(client, message="refund")
    token = link(page(client, "/?q=level:error"), r'name="csrf_token" value="([^"]+)"')
    given = {"name": "<b>bad</b>", "query": "level:error"}

    forged = client.post("/saved", data=given, headers=HTML)
    saved = client.post("/saved", data=given | {"csrf_token": token}, headers=HTML)
    twice = client.post("/saved", data=given | {"csrf_token": token}, headers=HTML)
    nameless = client.post("/saved", data={"query": "a", "csrf_token": token}, headers=HTML)

    assert (forged.status_code, twice.status_code, nameless.status_code) == (400, 409, 422)
    assert saved.headers["Location"] == "/?q=level:error"
    assert '<a href="/?q=level:error">&lt;b&gt;bad&lt;/b&gt;</a>' in page(client, "/")


def test_a_session_is_told_as_a_story_and_a_trace_as_a_tree(client):
    fill(client)
    listed = page(client, "/runs")
    assert "Why does the nightly export take four hours now?" in listed
    assert "My order 84120 has not arrived" in listed

    coding = page(client, link(listed, r'href="(/run[^"]+)">Why does the nightly'))
    support = page(client, link(listed, r'href="(/run[^"]+)">Why was I charged twice'))
    pipeline = page(client, "/?q=agent:research-pipeline")
    tree = page(client, link(pipeline, r'href="(/run\?trace=[^"]+)"'))

    assert coding.count('class="said user"') == 3
    assert re.search(r"<summary><b>Bash</b> <span class=\"bad\">✗ failed</span>", coding)
    assert "<dt>command</dt><dd>make export-sample</dd>" in coding
    assert "psycopg2.errors.UndefinedColumn: column c.tier does not exist\nLINE 1" in coding
    assert re.search(r'<rect class="tools failed" x="[\d.]+%" width="[\d.]+%"', coding)
    assert re.search(r"<dt>Cost</dt><dd>\$0\.\d{4}</dd>", coding)
    assert "<b>system</b>" in support
    assert '<p class="words">You were charged twice, and I have refunded 49.00.' in support
    assert re.search(r'class="span d2"><a href="/r/\w+">chat gpt-5-mini</a>', tree)


def test_a_long_run_is_told_in_parts(client):
    records = [
        {"event": "a.tool_result", "tool": f"tool-{n}", "session_id": "long", "ts_ns": str(n)}
        for n in range(1, 8)
    ]
    client.post("/api/v1/logs", json=records)

    first = page(client, "/run?session=long&limit=4")
    second = page(client, link(first, r'rel="next" href="([^"]+)"'))

    assert ("tool-4" in first, "tool-5" in first, "3 records follow" in first) == (
        True,
        False,
        True,
    )
    assert ("tool-4" in second, "tool-7" in second) == (False, True)


def test_mistakes_and_what_is_missing_are_pages_for_people(client):
    for path, status, word in (
        ("/?from=yesterday", 422, "-15m"),
        ("/runs?from=yesterday", 422, "-15m"),
        ("/run?session=nothing&limit=many", 422, "limit"),
        ("/r/nothing", 404, "No record has the id"),
        ("/run?session=nothing", 404, "Nothing was recorded"),
        ("/run?trace=nothing", 404, "Nothing was recorded"),
    ):
        answer = client.get(path, headers=HTML)

        assert answer.status_code == status
        assert answer.content_type.startswith("text/html")
        assert word in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", [*EVERY_PAGE, "/static/page.css", "/static/columns.css"])
def test_nothing_comes_from_another_host_and_nothing_inline_runs(client, path):
    answer = client.get(path, headers=HTML)
    text = answer.get_data(as_text=True)
    answer.close()

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r'(src|href|action)="(https?:)?//', text)
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=|url\(", text)


def test_the_api_page_describes_every_route(client):
    text = page(client, "/docs")

    for line in ("/api/v1/logs", "/v1/logs", "next_cursor", "LogRecord", "openapi.json"):
        assert line in text
