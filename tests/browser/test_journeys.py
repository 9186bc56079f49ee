"""What people come for, done in a browser, with scripts and without."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import sign_in

pytestmark = pytest.mark.browser

SCRIPTS = pytest.mark.parametrize(
    ("kind", "scripts"),
    [("sqlite", True), ("sqlite", False), ("postgresql", True)],
    ids=["with scripts", "without", "with scripts, on PostgreSQL"],
    indirect=["kind"],
)
"""What people come for works on both databases; what a browser draws is the same on either."""


def test_the_first_agent_is_connected(guarded, window):
    """Signed in, in a project of one's own: the page waits, and is live when the record comes."""
    page = window(guarded)
    sign_in(page)
    page.locator("summary", has_text="default").click()
    page.get_by_role("link", name="first").click()
    page.get_by_text("export CLAUDE_CODE_ENABLE_TELEMETRY=1").wait_for()
    page.get_by_text("The first record appears here").wait_for()

    guarded.send([{"message": "somebody else's"}], "busy")
    guarded.send([{"message": "hello from my agent"}], "first")

    page.locator("tr[data-id]").get_by_text("hello from my agent").wait_for()
    page.get_by_role("button", name="Follow", pressed=True).wait_for()
    assert page.get_by_text("somebody else's").count() == 0


@SCRIPTS
def test_why_a_run_failed(demo, window, scripts):
    page = window(demo, java_script_enabled=scripts)
    page.goto("/")
    page.get_by_label("Query").fill("tool:Bash ok:false")
    page.get_by_label("Query").press("Enter")
    page.wait_for_url("**/?*tool*")
    if scripts:
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        page.keyboard.press("s")
    else:
        page.locator("tr[data-id] .go a").first.click()
    page.wait_for_url("**/run?session=*")

    failed = page.locator("li.failed", has_text="Bash").first
    failed.locator(".failure, .result").first.wait_for()
    failed.locator("a.at").click()
    page.wait_for_url("**/r/*")
    page.get_by_role("heading", level=1, name=re.compile("Bash")).wait_for()


@SCRIPTS
def test_what_a_run_cost(demo, window, scripts):
    page = window(demo, java_script_enabled=scripts)
    page.goto("/runs")
    row = page.locator(".sessions tbody tr", has_text="$").first
    cost = row.locator("[data-name=cost]").inner_text()
    row.locator(".title a").click()
    page.wait_for_url("**/run?*")
    total = page.locator(".figures div", has_text="Cost").locator("dd").first.inner_text()
    assert cost.startswith("$")
    assert total.startswith("$")
    page.get_by_role("link", name="Numbers", exact=True).click()
    page.get_by_text(re.compile(r"\$\d")).first.wait_for()


@SCRIPTS
def test_a_link_is_shared(demo, window, scripts):
    """What somebody looks at stands in the address, and reads the same in another window."""
    mine = window(
        demo, java_script_enabled=scripts, permissions=["clipboard-read", "clipboard-write"]
    )
    mine.goto("/?q=agent:support-agent&severity_min=warn")
    before = mine.locator("tr[data-id]").all_inner_texts()
    # What only a script can do is not offered where none runs.
    assert mine.get_by_role("button", name="Follow").count() == int(scripts)
    other = window(demo, java_script_enabled=scripts)
    other.goto(mine.url)
    assert other.locator("tr[data-id]").all_inner_texts() == before

    mine.locator("tr[data-id] .time a").first.click()
    mine.wait_for_url("**/r/*")
    link = mine.locator("dt:text-is('Link') + dd a").get_attribute("href")
    if scripts:
        curl = mine.locator("dt:text-is('curl') + dd").inner_text()
        for name, expected in (("Copy link", link), ("Copy curl", curl)):
            mine.get_by_role("button", name=name).click()
            mine.get_by_text("Copied.").wait_for()
            assert mine.evaluate("navigator.clipboard.readText()") == expected
        mine.get_by_role("button", name="Copy JSON").click()
        identifier = link.rsplit("/", 1)[1]
        mine.wait_for_function(
            f"navigator.clipboard.readText().then(t => t.includes('{identifier}\"'))"
        )
        mine.evaluate("delete Navigator.prototype.clipboard")
        mine.keyboard.press("y")
        mine.get_by_text("Copied.").wait_for()
    other.goto(link)
    assert other.locator("h1").inner_text() == mine.locator("h1").inner_text()


def test_a_page_is_used_by_the_keyboard_alone(demo, window):
    page = window(demo)
    page.goto("/")
    newest = page.locator("tr[data-id]").first.get_attribute("data-id")

    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0
    page.keyboard.press("/")
    page.keyboard.type("jgs?")
    assert page.get_by_label("Query").input_value() == "jgs?"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.closest('tr').dataset.id") == newest
    page.keyboard.press("G")
    last = page.evaluate("document.activeElement.closest('tr').dataset.id")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/r/{last}")
    page.keyboard.press("[")
    page.wait_for_url(lambda url: "/r/" in url and last not in url)
    page.keyboard.press("]")
    page.wait_for_url(f"**/r/{last}")
    for _ in range(3):
        page.go_back()
    page.wait_for_url(demo.address + "/")
    page.wait_for_function(f"document.activeElement.closest('tr')?.dataset.id === '{last}'")
    page.keyboard.press("]")
    page.wait_for_url("**/?cursor=*")
    page.keyboard.press("[")
    page.wait_for_url(demo.address + "/")
    page.keyboard.press("e")
    page.wait_for_url("**/?severity_min=error")
    for key, path in (("r", "/runs"), ("i", "/ingest"), ("s", "/")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(demo.address + path)


def test_what_unfolds_over_a_page_is_let_go_of_by_escape_and_by_a_click_elsewhere(demo, window):
    page = window(demo)
    page.goto("/?q=tool:Bash")
    fold = page.locator("details.fold", has=page.locator("summary", has_text="Saved"))
    for close in (
        lambda: page.get_by_label("Name").press("Escape"),
        lambda: page.locator("footer").click(),
    ):
        fold.locator("summary").click()
        page.get_by_label("Name").focus()
        close()
        page.get_by_label("Name").wait_for(state="hidden")


def test_o_opens_a_row_and_unfolds_a_run(demo, window):
    page = window(demo)
    page.goto("/?q=tool:Bash ok:false")
    page.keyboard.press("j")
    first = page.locator("tr[data-id]").first
    identifier, run = (first.get_attribute("data-id"), first.locator(".go a").get_attribute("href"))
    page.keyboard.press("o")
    page.wait_for_url(f"**/r/{identifier}")

    page.goto(run)
    folds = page.locator("#main .turn details")
    opened = page.locator("#main .turn details[open]")
    assert 0 < opened.count() < folds.count()
    page.keyboard.press("o")
    assert opened.count() == folds.count()
    page.keyboard.press("o")
    assert opened.count() == 0


def test_times_are_shown_in_the_reader_s_zone_when_asked_for(demo, window):
    page = window(demo)
    page.goto("/")
    moment = page.locator("tr[data-id] time").first
    in_utc, iso = moment.inner_text(), moment.get_attribute("datetime")
    assert in_utc == iso[11:23]

    page.keyboard.press("u")

    hours, minutes = divmod(int(iso[11:13]) * 60 + int(iso[14:16]) + 330, 60)
    local = f"{hours % 24:02}:{minutes:02}{iso[16:23]}"
    assert moment.inner_text() == local
    assert page.locator("th [data-zone]").inner_text() == "local"
    days = page.locator("tr.day").all_inner_texts()
    assert days == sorted(set(days), reverse=True)
    page.reload()
    assert moment.inner_text() == local
    page.get_by_role("button", name="Times in").click()
    assert moment.inner_text() == in_utc


@SCRIPTS
def test_an_alert_is_made_on_a_query_paused_and_deleted(demo, window, scripts):
    page = window(demo, java_script_enabled=scripts)
    page.goto("/?q=level:error")
    page.locator("summary", has_text="Saved").click()
    page.get_by_role("link", name="Alert on this query").click()
    assert page.get_by_label("Query").input_value() == "level:error"
    name = f"Made {'with' if scripts else 'without'} scripts"
    page.get_by_label("Name").fill(name)
    page.get_by_label("Records").fill("20")
    page.get_by_label("Tells the address").fill("http://127.0.0.1:9/hook")
    page.get_by_role("button", name="Make the alert").click()
    page.get_by_text("it is shown this once").wait_for()
    page.get_by_role("link", name="All alerts").click()
    page.get_by_role("link", name=name).click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Go on").wait_for()
    page.locator("summary", has_text="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    page.wait_for_url("**/alerts")
    assert page.get_by_role("link", name=name).count() == 0
