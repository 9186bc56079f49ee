"""Views judged by axe-core, light and dark, wide and narrow, with a picture of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import FEW, pictures, views_of
from tests.journeys.node import installed_packages

pytestmark = pytest.mark.browser

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 360, "height": 740}
JUDGED = """() => axe.run(document, {
  resultTypes: ["violations"],
  runOnly: ["wcag2a", "wcag2aa", "wcag21aa"],
})"""
GRAVE = {"serious", "critical"}
SOURCES = Path(__file__).with_name("javascript")


@pytest.mark.parametrize(
    ("scheme", "viewport"),
    [("light", WIDE), ("dark", NARROW)],
    ids=["light and wide", "dark, narrow"],
)
def test_no_view_has_a_serious_fault(demo, window, request, scheme, viewport):
    axe = installed_packages(SOURCES) / "node_modules" / "axe-core" / "axe.min.js"
    # For this alone: axe is no script of ours, and the policy would keep it out.
    page = window(demo, viewport=viewport, color_scheme=scheme, bypass_csp=True)
    views = views_of(page) | {"keys": FEW + "#follow"}
    found = {}
    for name, address in views.items():
        page.goto(address)
        if name == "keys":
            page.keyboard.press("?")
        page.wait_for_load_state("load")
        page.screenshot(path=pictures(request) / f"{name}-{scheme}-{viewport['width']}.png")
        page.add_script_tag(path=axe)
        judged = page.evaluate(JUDGED)
        found |= {
            f"{name}: {one['id']}": [node["html"][:200] for node in one["nodes"][:3]]
            for one in judged["violations"]
            if one["impact"] in GRAVE
        }
    assert found == {}
