"""What the tests' applications share is what each would have made for itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from agentlogger.app import create_app
from tests import shared_routes
from tests.conftest import settings_for


@pytest.mark.skipif(shared_routes.own is None, reason="this Werkzeug has no such function")
def test_a_route_has_the_builders_that_it_would_make_itself(tmp_path: Path):
    settings = settings_for(make_url(f"sqlite:///{tmp_path}/none.db"), tmp_path)
    rules = list(create_app(settings).url_map.iter_rules())
    assert any(rule.arguments for rule in rules)
    for rule in rules:
        for append_unknown in (False, True):
            made = shared_routes.own(rule, append_unknown)
            assert shared_routes.shared(rule, append_unknown).__code__ == made.__code__
