"""Log text in a real browser: no script of it runs, nothing asks, and no policy is broken.

The window of each test notices dialogs, errors, breaches of the policy and requests to elsewhere.
"""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest

from tests.browser.conftest import PATIENCE_MS
from tests.pages.test_pages import EVERYTHING, HOSTILE, TRACE, hostile_records

pytestmark = pytest.mark.browser

FOREIGN = (
    "main script, main iframe, main object, main embed, main style, [onerror], [onload], "
    "[onmouseover], a[href^='javascript:'], img[src='x'], base, b2"
)


def unharmed(page) -> None:
    assert page.locator(FOREIGN).count() == 0
    assert "AgentLogger" in page.title()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_nothing_of_a_log_runs_in_any_view(hostile, window, scripts):
    page = window(hostile, java_script_enabled=scripts)
    page.goto("/")
    views = page.locator("nav a").evaluate_all("all => all.map(a => a.href)") if scripts else []
    views += ["/runs", f"/run?trace={TRACE}", "/ingest", "/schema", "/settings"]
    views += ["/alerts", f"/alerts/{hostile.alert}", "/alerts/new?kind=count&q={{ 7 * 7 }}"]
    views += [f"/numbers?by={by}" for by in ("agent", "session", "user", "tool")]
    views += ["/?counts=1", "/docs", "/runs?q=level:error"]
    hrefs = "tr[data-id] .time a, tr[data-id] .go a"
    found = page.locator(hrefs).all()
    views += [one.get_attribute("href") for one in found]
    for view in dict.fromkeys(views):
        page.goto(view)
        page.wait_for_load_state("load")
        unharmed(page)
        for summary in page.locator("main summary:visible").all():
            summary.click()
            page.keyboard.press("Escape")
    page.goto("/")
    for cell in page.locator("tr[data-id]").first.locator("td").all():
        cell.hover()
    unharmed(page)


def test_what_fires_and_is_told_under_hostile_names_is_only_text(hostile, window):
    page = window(hostile)
    hostile.send(hostile_records())
    page.goto(f"/alerts/{hostile.alert}")
    told, until = page.locator(".told li"), time.monotonic() + PATIENCE_MS / 1_000
    while not told.count() and time.monotonic() < until:
        # The server judges every ten seconds.
        page.wait_for_timeout(500)
        page.reload()
    assert page.locator(".table .state.firing").count() == 1
    unharmed(page)
    page.goto("/alerts")
    page.locator(".told li").first.wait_for()
    unharmed(page)


def test_what_is_asked_for_is_as_harmless(hostile, window):
    page = window(hostile)
    for text in HOSTILE:
        for name in ("q", "session"):
            page.goto(f"/?{urlencode({name: text})}")
            unharmed(page)
    page.goto(f"/?{urlencode({'q': EVERYTHING, 'event': EVERYTHING})}")
    unharmed(page)


def test_rows_that_come_live_and_texts_that_are_copied_are_only_text(hostile, window):
    page = window(hostile, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/#follow")
    page.get_by_text("Live", exact=True).wait_for()
    before = page.locator("tr[data-id]").count()

    hostile.send([{"message": text, "event": text, "session_id": text} for text in HOSTILE])

    page.locator(f"tr[data-id] >> nth={before + len(HOSTILE) - 1}").wait_for()
    page.locator("tr[data-id] .text", has_text="<img src=x onerror=alert(1)>").first.wait_for()
    page.keyboard.press("?")
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    unharmed(page)
    page.locator("tr[data-id] .time a").first.click()
    page.get_by_role("button", name="Copy JSON").click()
    page.get_by_text("Copied.").wait_for()
    unharmed(page)


def test_a_script_of_ours_makes_no_markup_of_text(hostile, window):
    page = window(hostile, is_watched=False)
    page.goto("/runs")
    said = page.evaluate(
        """() => {
          try {
            document.createElement("p").innerHTML = "<b>x</b>";
          } catch (fault) {
            return fault.name;
          }
        }"""
    )
    assert said == "TypeError"
