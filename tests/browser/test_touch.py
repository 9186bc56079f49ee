"""Pages on a phone, by finger: nothing is cut off, and what is touched is large enough."""

from __future__ import annotations

import pytest

from tests.browser.conftest import FEW, is_whole, sign_in, views_of

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}

SMALL = """least => [...document.querySelectorAll("a, button, input, select, summary")]
  .filter(one => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  // A picture has its table, Tab passes by what leads where its neighbour does, and a word of a
  // sentence is as tall as its line (WCAG 2.5.8).
  .filter(one => !one.closest("svg, .hidden, .skip, p:not(.back), dd") && one.tabIndex >= 0)
  .map(one => ({ one, box: one.getBoundingClientRect(), label: one.closest("label") }))
  .map(({ one, box, label }) => [one, label?.contains(one) ? label.getBoundingClientRect() : box])
  .filter(([one]) => getComputedStyle(one, "::after").position !== "absolute")
  .filter(([, box]) => Math.min(box.width, box.height) < least - 0.5)
  .map(([one, box]) => `${one.outerHTML.slice(0, 120)} ${box.width} x ${box.height}`)"""
"""What is less than so many pixels wide or tall, but for what covers all of a card."""

SIDEWAYS = "document.documentElement.scrollWidth - innerWidth"

CUT = """[...document.querySelectorAll(".chart .of")]
  .filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText)"""
"""Names in charts that end early: two models of a family then look the same."""

LEAST = 24
TALLEST_VIEW = 40
"""A link in the header, in pixels."""
LONG = "unbroken" * 30


@pytest.fixture
def phone(demo, window):
    return window(demo, **PHONE)


def test_every_view_fits_a_phone_and_what_is_touched_is_large_enough(phone):
    found = {}
    for name, address in views_of(phone).items():
        phone.goto(address)
        if name == "stream":
            is_whole(phone)
        found |= {name: phone.evaluate(SMALL, LEAST), f"{name} sideways": phone.evaluate(SIDEWAYS)}
        found |= {f"{name}, cut": phone.evaluate(CUT)}
    assert {name: said for name, said in found.items() if said} == {}


def test_who_has_signed_in_has_a_header_of_two_lines_and_all_of_settings(guarded, window):
    page = window(guarded, **PHONE)
    sign_in(page)
    page.goto("/settings")
    # Two lines of views, and nothing else takes one; and a table of keys widens no page.
    assert page.locator("header.top").bounding_box()["height"] < 2.5 * TALLEST_VIEW
    assert page.evaluate(SIDEWAYS) == 0
    assert page.evaluate(SMALL, LEAST) == []
    account = page.locator("summary", has_text="default")
    account.tap()
    page.get_by_role("navigation", name="Projects").get_by_text("counted").tap()
    page.wait_for_url("**/?project=counted")
    page.locator("summary", has_text="counted").tap()
    page.get_by_role("button", name="Sign out").tap()
    page.wait_for_url("**/login")


def test_a_name_without_end_fits_a_phone(demo, phone):
    names = ("session_id", "agent", "event", "model", "tool", "user_id", "message", LONG)
    demo.send([dict.fromkeys(names, LONG) | {"level": "error"}])
    for address in (f"/?session={LONG}", f"/runs?q=session:{LONG}", f"/run?session={LONG}"):
        phone.goto(address)
        assert phone.evaluate(SIDEWAYS) == 0, address
    phone.goto(f"/?session={LONG}")
    phone.locator("tr[data-id] .time a").first.tap()
    phone.wait_for_url("**/r/*")
    assert phone.evaluate(SIDEWAYS) == 0


def test_a_card_is_opened_wherever_it_is_touched(phone):
    phone.goto(FEW)
    card = phone.locator("tr[data-id]").first
    identifier = card.get_attribute("data-id")
    # Forced: what is touched is the link that covers the card.
    card.locator(".text").tap(force=True)
    phone.wait_for_url(f"**/r/{identifier}")
    phone.go_back()
    phone.locator("tr[data-id] .go a").first.tap()
    phone.wait_for_url("**/run?*")
