"""What is missing skips a journey, unless the machine promised it."""

from __future__ import annotations

import pytest

from tests.journeys.requirements import REQUIRE, need

LINE = "apt-get install nodejs npm"


def test_what_is_present_stops_nobody(monkeypatch):
    monkeypatch.setenv(REQUIRE, "node")
    need("node", True, LINE)


@pytest.mark.parametrize("required", [None, "", "chromium,pgbouncer", "nodejs"])
def test_what_is_missing_skips_the_journey_and_says_how_to_get_it(monkeypatch, required):
    monkeypatch.delenv(REQUIRE, raising=False)
    if required is not None:
        monkeypatch.setenv(REQUIRE, required)
    with pytest.raises(pytest.skip.Exception, match=f"node is missing: {LINE}"):
        need("node", False, LINE)


@pytest.mark.parametrize("required", ["node", "chromium, node", "node,pgbouncer"])
def test_what_is_missing_though_required_fails_the_journey(monkeypatch, required):
    monkeypatch.setenv(REQUIRE, required)
    with pytest.raises(pytest.fail.Exception, match=f"asks for node, .*{LINE}"):
        need("node", False, LINE)
