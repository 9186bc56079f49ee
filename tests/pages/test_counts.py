"""What the pages count: the histogram and values of the stream, numbers, and who sends."""

from __future__ import annotations

import re
import time
from urllib.parse import quote

import pytest

from agentlogger.blueprints.pages import facets, histogram, numbers
from agentlogger.blueprints.pages.columns import LEAST_HEIGHT, place, stacked
from agentlogger.blueprints.pages.timeline import Scale
from agentlogger.errors import DatabaseUnavailable, QueryTooSlow
from agentlogger.store import facets as stored_facets
from agentlogger.store import keys, projects, rates
from agentlogger.store.key_format import SHOWN_CHARACTERS
from tests.pages.test_demo import fill
from tests.pages.test_pages import EVERYTHING, HOSTILE, HTML, Markup, page, require_harmless

LAST_DAY = "from=2026-11-26T00:00:00Z&to=2026-11-27T00:00:00Z"


def records_of(client, href: str) -> int:
    """How many records the list has that a link of a page leads to."""
    path, _, query = href.replace("&amp;", "&").partition("?")
    assert path == "/", href
    answer = client.get(f"/api/v1/logs?limit=1000&{query.replace('counts=1', '')}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.get_json()["hints"] == []
    return len(answer.get_json()["items"])


def values_of(text: str) -> list[tuple[str, str, int]]:
    """The values of facets: their title, where they lead, how many records they say."""
    found = re.findall(
        r'<a href="([^"]+)" title="([^"]*)">.*?<span class="number">([\d,]+)</span>',
        text,
        re.DOTALL,
    )
    return [(title, href, int(number.replace(",", ""))) for href, title, number in found]


def too_slow(*_):
    raise QueryTooSlow("It took too long.")


def test_rows_come_first_and_counts_are_parts_that_a_link_or_a_script_asks_for(client):
    fill(client)

    plain = page(client, f"/?q=-level:debug&{LAST_DAY}")
    drawn = page(client, f"/?q=-level:debug&{LAST_DAY}&counts=1")

    parts = [attrs for tag, attrs in Markup(plain).tags if "data-fragment" in attrs]
    assert [part["id"] for part in parts] == ["histogram", "facets"]
    assert 'class="bars"' not in plain
    assert "data-fragment" not in drawn
    assert f"/?q=-level:debug&{LAST_DAY}&counts=1" in Markup(plain).values("href")
    for part in parts:
        # The same as in the page, but for links that need not ask for counts again.
        alone = page(client, part["data-fragment"])
        assert "<html" not in alone
        drawn = drawn.replace("&amp;counts=1", "")
        # And for the moment at which they were counted.
        moment = r"\s+|<time datetime[^<]*</time>"
        assert re.sub(moment, "", alone) in re.sub(moment, "", drawn)


def test_a_column_stays_in_its_place_and_its_least_piece_is_seen():
    for amounts in ([("error", 1), ("info", 10_000)], [("a", 1)], [("a", 5), ("b", 0), ("c", 7)]):
        whole = sum(number for _, number in amounts)
        pieces = stacked(amounts, whole, 64)
        assert sum(piece.height for piece in pieces) == pytest.approx(64)
        assert min(piece.height for piece in pieces) >= LEAST_HEIGHT
        assert pieces[0].y + pieces[0].height == 64
        assert pieces[-1].y == pytest.approx(0, abs=0.02)
        assert "b" not in [piece.kind for piece in pieces]
    for begin, end in ((0, 1), (0, 100), (99, 100)):
        at = place(Scale(0, 100), begin, end)
        assert begin <= at.slot_x <= at.x
        assert at.x + at.width <= at.slot_x + at.slot_width <= end


def test_every_bar_leads_to_the_records_that_it_counts(client):
    fill(client)
    given = "q=agent:claude-code&from=2026-11-26T09:07:00.5Z&to=2026-11-26T18:01:00Z"

    text = page(client, f"/histogram?{given}")

    markup = Markup(text)
    bars = [attrs for tag, attrs in markup.tags if "data-from-ns" in attrs]
    titles = re.findall(r"<title>[\d :-]+: ([\d,]+) records?", text)
    assert len(bars) == len(titles) > 20
    assert "from=2026-11-26T09:07:00.500000000Z&" in bars[0]["href"]
    assert bars[-1]["href"].endswith("&to=2026-11-26T18:01:00Z")
    for attrs, number in zip(bars, titles, strict=True):
        assert int(attrs["data-from-ns"]) < int(attrs["data-to-ns"])
        if number != "0":
            assert records_of(client, attrs["href"]) == int(number)
    assert sum(map(int, titles)) == records_of(client, f"/?{given}") > 0
    assert len(re.findall(r"<tr><td><a href", text)) == sum(number != "0" for number in titles)
    for level in ("error", "warn", "info"):
        assert re.search(rf'class="key"><svg.*?</svg>{level} \d', text)


def test_a_value_narrows_the_query_to_as_many_records_as_it_says_and_back(client):
    values = [*HOSTILE, "a b", 'say "hi" \\', "*", "x*y", ">5", "(a, b)", "OR", "-", "ünï", "a:b"]
    records = [
        {"event": text, "session_id": text, "agent": text, "tool": text, "level": level, "m": n}
        for n, text in enumerate(values)
        for level in ("error", "info", "")[: n % 3 + 1]
    ]
    assert client.post("/api/v1/logs", json=records).get_json()["accepted"] == len(records)

    for query in ("", "level:error OR level:info", "has:agent AND -tool:nothing"):
        narrowed = 0
        text = client.get("/facets", query_string={"q": query}).get_data(as_text=True)
        require_harmless(text)
        for _, href, number in values_of(text):
            assert records_of(client, href) == number, href
            narrowed += 1
        whole = records_of(client, f"/?q={quote(query)}")
        others = re.findall(r'class="not" href="([^"]+)".*?">([\d,]+)</span>', text, re.DOTALL)
        for href, number in others[:: len(others) // 9]:
            assert records_of(client, href) == whole - int(number), href
        assert narrowed > 20
    chosen = client.get("/facets", query_string={"q": 'a OR b tool:"a b"'}).get_data(as_text=True)
    assert 'class="chosen"' not in chosen
    chosen = page(client, "/?counts=1&q=tool:%22a+b%22+level:error&session=a+b")
    assert chosen.count('class="chosen"') == 3
    hrefs = Markup(chosen).values("href")
    assert "/?counts=1&q=level:error&session=a+b" in hrefs
    assert "/?counts=1&q=tool:%22a+b%22&session=a+b" in hrefs
    assert "/?counts=1&q=tool:%22a+b%22+level:error" in hrefs


def test_what_is_not_whole_is_said(client, monkeypatch):
    client.post("/api/v1/logs", json=[{"event": f"e-{n}", "ts_ns": str(n)} for n in range(1, 9)])
    monkeypatch.setattr(stored_facets, "FACET_RECORDS", 3)
    assert "Of a sample: the newest 3 records, since" in page(client, "/facets")

    counted = histogram.counted
    half = {"exact": False, "counted_from_ns": 0}
    monkeypatch.setattr(histogram, "counted", lambda asked: counted(asked) | half)
    assert "Counted since <time" in page(client, "/histogram")
    for module, name in ((histogram, "counted"), (facets, "valued"), (numbers, "measured")):
        monkeypatch.setattr(module, name, too_slow)
    text = page(client, "/?counts=1")
    assert "e-8" in text
    assert text.count("too many to be") == 2
    text = page(client, "/numbers?by=day&from=-6h")
    assert "Too many to be counted in time" in text
    assert {f"/numbers?by=day&from={one}" for one in ("-1h", "-24h")} <= set(
        Markup(text).values("href")
    )
    assert client.get("/histogram?from=yesterday", headers=HTML).status_code == 422


def test_the_head_of_numbers_is_sent_before_they_are_counted(client, monkeypatch):
    measured = []

    def counted(wanted):
        measured.append(wanted)
        raise measured[0]["fault"]

    monkeypatch.setattr(numbers, "measured", counted)
    pieces = iter(client.get("/numbers", headers=HTML).iter_encoded())
    head = next(pieces)
    assert b"Counting" in head
    assert b"</form>" in head
    assert measured == []
    # What comes to nothing behind it is said at its end, since the answer has begun.
    assert b"the server met a fault" in b"".join(pieces)
    assert len(measured) == 1

    def away(_):
        raise DatabaseUnavailable("The database is away: `try` again.", retry_after=1)

    monkeypatch.setattr(numbers, "measured", away)
    assert "The database is away: <code>try</code> again." in page(client, "/numbers")


def test_figures_lead_to_the_records_behind_them(client):
    fill(client)

    for by in ("model", "tool", "agent", "user", "day", "provider", "session"):
        text = page(client, f"/numbers?by={by}")
        groups = client.get(f"/api/v1/numbers?by={by}").get_json()
        rows = re.findall(r'<tr><th scope="row".*?</tr>', text, re.DOTALL)
        assert len(rows) == len(groups["groups"])
        for row, group in zip(rows, groups["groups"], strict=True):
            cells = re.findall(r"<td.*?</td>", row, re.DOTALL)
            for cell, number in ((cells[1], group["failed"]), (cells[-1], group["errors"])):
                assert f">{number:,}</" in cell
                if number and by != "session":
                    href = re.search(r'href="([^"]+)"', cell)[1]
                    assert records_of(client, href) >= number
            assert (">unknown<" in "".join(cells)) == any(
                group[name] is None
                for name in ("duration_p50_ns", *(() if by == "tool" else KNOWN))
            )
    tools = page(client, "/numbers?by=tool")
    assert "Cost" not in tools
    assert re.search(r'<rect class="k-no-outcome" x="[\d.]+%"', tools)
    days = page(client, "/numbers?by=day&q=model:gpt-5.1")
    assert "/?q=model:gpt-5.1&from=2026-11-26T00:00:00Z&to=2026-11-27T00:00:00Z" in Markup(
        days
    ).values("href")
    assert "≤ $" in page(client, "/numbers")
    assert len(re.findall(r'<a [^>]*href="/run\?session=', page(client, "/numbers?by=session"))) > 9


KNOWN = ("tokens_in", "tokens_cache_read", "tokens_out", "cost_micro_usd")


def test_what_no_call_told_is_unknown_and_never_0(client):
    assert "No call yet" in page(client, "/numbers")
    client.post(
        "/api/v1/logs",
        json={
            "model": "m",
            "event": "chat",
            "attributes": {"gen_ai.operation.name": "chat", "gen_ai.usage.output_tokens": 7},
        },
    )

    text = page(client, "/numbers")

    cells = re.findall(r'<td class="right[^"]*">(.*?)</td>', text)
    assert [re.sub("<.*?>", "", cell) for cell in cells] == [
        "1", "0", "unknown", "unknown", "7", "unknown", "unknown", "unknown", "unknown", "0",
    ]  # fmt: skip
    assert 'aria-label="Cost' not in text
    assert "No call matches" in page(client, "/numbers?q=model:other")
    assert "No tool" in page(client, "/numbers?by=tool&q=model:m").replace("No call matches", "")


def test_the_views_keep_a_query_and_its_time(client):
    client.post("/api/v1/logs", json={"event": "e", "agent": "a"})

    for path in ("/", "/runs", "/numbers"):
        hrefs = Markup(page(client, f"{path}?q=agent:a&from=-1h")).values("href")
        for other in ("/", "/runs", "/numbers"):
            assert f"{other}?q=agent:a&from=-1h" in hrefs
        assert "/ingest" in hrefs


def test_ingest_shows_who_sends_and_with_which_key(app, client):
    with app.app_context():
        key = keys.create(projects.DEFAULT, name="<i>", scopes=("ingest",), expires_ns=None)
    client.post(
        "/api/v1/logs",
        json=[{"event": "e", "agent": "<b>"}, {"event": "e", "agent": "<b>"}],
        headers={"Authorization": f"Bearer {key}"},
    )
    # Their own times are of no account: it is told who sends now.
    old = {"event": "e", "agent": "<b>", "time": "2020-01-01T00:00:00Z"}
    client.post("/api/v1/logs", json=[old, {"event": "e"}])

    text = page(client, "/ingest")

    require_harmless(text)
    said = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    for told in ("Last minute 4 Last 5 minutes", "Last hour 4 0.1 a minute", "UTC 4 stored"):
        assert told in said
    assert "unnamed 1" in said
    assert re.search(r"&lt;b&gt;</bdi></a></td><td class=\"right\">3</td>", text)
    assert f"{key[:SHOWN_CHARACTERS]}…</span> &lt;i&gt;" in text
    assert "without a key" in text


def test_rates_of_more_than_is_added_up_are_of_what_was(app, client, monkeypatch):
    monkeypatch.setattr(rates, "TRANSACTIONS", 2)
    monkeypatch.setattr(rates, "RECORDS", 3)
    begun_ns = time.time_ns()
    for number in range(3):
        client.post("/api/v1/logs", json=[{"event": "e", "agent": f"a{number}"}] * 2)
    with app.app_context():
        found = rates.of_project(projects.DEFAULT, begun_ns + 100 * 10**9, (60, 3_600))

    assert found.seconds == {60: 0, 3_600: 4}
    assert 0 < found.covered_seconds <= 100
    assert found.agents == [("a2", 2), ("a1", 1)]
    assert (found.looked_at, found.today.stored) == (3, 6)


def test_parts_and_pages_take_any_address_without_a_fault(client):
    client.post("/api/v1/logs", json={"event": "e"})
    for path in ("/histogram", "/facets", "/numbers"):
        for name in ("q", "event", "session", "model", "trace"):
            shown = client.get(path, query_string={name: EVERYTHING}, headers=HTML)
            assert shown.status_code == 200
            require_harmless(re.sub(r' value="[^"]*"', "", shown.get_data(as_text=True)))
