"""Parts that come after the rows, and a span of time drawn over the histogram's bars.

But for one test the histogram is one of the test's own, in the shape that the server's has.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.browser

BEGIN_NS, BAR_NS, BARS, WIDTH = 1_795_780_800_000_000_000, 60_000_000_001, 10, 40


def histogram() -> str:
    bars = "".join(
        f'<a href="/?bar={n}" data-from-ns="{BEGIN_NS + n * BAR_NS}" '
        f'data-to-ns="{BEGIN_NS + (n + 1) * BAR_NS}">'
        f'<rect x="{n * WIDTH}" y="0" width="{WIDTH - 2}" height="60"/></a>'
        for n in range(BARS)
    )
    legend = '<svg width="12" height="12"><rect width="12" height="12"/></svg>'
    picture = f'<svg class="bars" width="{BARS * WIDTH}" height="60">{bars}</svg>'
    return f"{legend}{picture}<p>drawn later</p>"


@pytest.fixture
def page(demo, window):
    """A stream of which the values cannot be had."""
    made = window(demo, is_watched=False, has_touch=True)
    made.route(
        "**/histogram?*", lambda route: route.fulfill(body=histogram(), content_type="text/html")
    )
    made.route("**/facets?*", lambda route: route.fulfill(status=500, body="no"))
    made.goto("/?q=kind:tool")
    made.get_by_text("drawn later").wait_for()
    return made


def middle(page, number: int) -> tuple[float, float]:
    box = page.locator("#histogram .bars rect").nth(number).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + 30


def require_span(page, first: str, last: str) -> None:
    page.wait_for_url("**/?*to=*")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
    assert asked == {"q": "kind:tool", "from": first, "to": last}


def test_a_span_is_drawn_by_the_mouse_and_back_gives_the_page_back(page):
    page.get_by_text("This could not be drawn: the server said 500").wait_for()
    page.mouse.move(*middle(page, 2))
    page.mouse.down()
    page.mouse.move(*middle(page, 5), steps=5)
    assert page.locator("#histogram a.chosen").count() == 4
    page.mouse.up()
    require_span(page, "2026-11-27T12:02:00.000000002Z", "2026-11-27T12:06:00.000000006Z")

    page.go_back()
    page.get_by_text("drawn later").wait_for()
    page.mouse.click(*middle(page, 3))
    page.wait_for_url("**/?bar=3")


def test_a_span_is_drawn_by_the_keyboard(page):
    page.locator("#histogram a").nth(4).focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Escape")
    assert page.locator("#histogram a.chosen").count() == 0
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    require_span(page, "2026-11-27T12:01:00.000000001Z", "2026-11-27T12:03:00.000000003Z")


def test_a_span_is_drawn_by_a_finger(page):
    touch = page.context.new_cdp_session(page)

    def told(kind: str, *number: int) -> None:
        points = [dict(zip("xy", middle(page, one), strict=True)) for one in number]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    told("touchStart", 0)
    told("touchMove", 1)
    told("touchMove", 2)
    told("touchEnd")
    require_span(page, "2026-11-27T12:00:00Z", "2026-11-27T12:03:00.000000003Z")


def test_a_span_is_drawn_over_the_histogram_that_the_server_draws(demo, window):
    page = window(demo)
    page.goto("/?q=kind:tool")
    bars = page.locator("#histogram a[data-from-ns]")
    bars.first.wait_for()
    first, last = bars.nth(1).bounding_box(), bars.nth(3).bounding_box()
    page.mouse.move(first["x"] + first["width"] / 2, first["y"] + 20)
    page.mouse.down()
    page.mouse.move(last["x"] + last["width"] / 2, last["y"] + 20, steps=5)
    assert page.locator("#histogram a.chosen").count() == 3
    page.mouse.up()

    page.wait_for_url("**/?*to=*")
    bars.first.wait_for()
    page.locator("#facets a").first.wait_for()
    asked = parse_qs(urlsplit(page.url).query)
    assert set(asked) == {"q", "from", "to"}
