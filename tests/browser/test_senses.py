"""Pages for who does not see them, or sees them in a way of their own."""

from __future__ import annotations

import pytest

from tests.browser.conftest import FEW, is_whole, sign_in, views_of

pytestmark = pytest.mark.browser

NAMED = {
    "button", "link", "textbox", "searchbox", "combobox", "checkbox", "spinbutton", "table",
    "region", "navigation", "dialog", "progressbar", "image", "search", "columnheader",
}  # fmt: skip
"""Roles of which each that is met says what it is."""

CHARTS = "main svg:not([aria-hidden='true'], [aria-hidden='true'] svg)"
TABS = 30

OUTLINED = """() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  const seen = document.activeElement.matches(":focus-visible");
  return seen && outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
}"""
SHIFTS = """
window.shifted = 0;
const noted = (shifts) => {
  for (const one of shifts) window.shifted += one.value;
};
const watching = new PerformanceObserver((list) => noted(list.getEntries()));
watching.observe({ type: "layout-shift", buffered: true });
// What has come is drawn in the next frame, and told behind it.
const drawn = () => new Promise((end) => requestAnimationFrame(() => requestAnimationFrame(end)));
window.shiftedSoFar = async () => {
  await drawn();
  noted(watching.takeRecords());
  return window.shifted;
};
"""
MOST_SHIFTED = 0.05
"""The part of the window that moves, by how far of it: half of what counts as good
(web.dev/articles/cls)."""
MOVING = "document.getAnimations().filter(one => one.playState === 'running').length"


def nameless(page) -> list[str]:
    """What a screen reader meets and cannot name."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    return [
        f"{node['role']['value']} {node['nodeId']}"
        for node in tree["nodes"]
        if not node.get("ignored")
        and node["role"]["value"] in NAMED
        and not node.get("name", {}).get("value", "").strip()
    ]


def test_all_that_is_used_or_read_has_a_name(demo, window):
    page = window(demo)
    found = {}
    for name, address in views_of(page).items():
        page.goto(address)
        if name == "stream":
            is_whole(page)
        charts = page.locator(CHARTS).evaluate_all(
            "all => all.filter(one => !one.getAttribute('aria-label')).map(one => one.outerHTML)"
        )
        found |= {name: [*nameless(page), *(one[:99] for one in charts)]}
    page.keyboard.press("?")
    found |= {"keys": nameless(page)}
    assert {name: said for name, said in found.items() if said} == {}


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1440, 900)])
def test_nothing_moves_when_the_counts_come_after_the_rows(demo, window, width, height):
    page = window(demo, viewport={"width": width, "height": height})
    page.add_init_script(SHIFTS)
    page.goto("/")
    is_whole(page)
    assert page.locator("#histogram svg").count() > 0
    assert page.locator("#facets ul").count() > 0
    assert page.evaluate("window.shiftedSoFar()") < MOST_SHIFTED


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_has_the_focus_is_seen(demo, window, scheme):
    page = window(demo, color_scheme=scheme)
    page.goto(FEW)
    is_whole(page)
    for number in range(TABS):
        page.keyboard.press("Tab")
        place = page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
        assert page.evaluate(OUTLINED), (number, place)


def test_nothing_moves_for_who_asks_for_no_motion(guarded, window):
    """For others a point pulses while an empty project waits."""
    moving = []
    for motion in ("no-preference", "reduce"):
        page = window(guarded, reduced_motion=motion)
        sign_in(page)
        page.goto("/?project=still")
        page.get_by_text("The first record appears here").wait_for()
        moving.append(page.evaluate(MOVING))
    assert moving == [1, 0]


def test_what_is_chosen_is_seen_in_the_colours_of_the_reader(demo, window):
    page = window(demo, forced_colors="active")
    page.goto(FEW)
    chosen = page.locator(".choices a[aria-current]").first
    other = page.locator(".choices a:not([aria-current])").first
    outline = "one => getComputedStyle(one).outlineStyle"
    assert (chosen.evaluate(outline), other.evaluate(outline)) == ("solid", "none")
    follow = page.get_by_role("button", name="Follow")
    colour = "one => getComputedStyle(one).backgroundColor"
    before = follow.evaluate(colour)
    follow.click()
    assert follow.evaluate(colour) != before
