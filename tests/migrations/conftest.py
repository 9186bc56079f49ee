"""Checkouts to migrate from."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.migrations.checkout import DOORS, Checkout


@pytest.fixture
def checkout(tmp_path: Path, empty_database_url: URL) -> Checkout:
    """A copy of the checkout, on an empty database."""
    return Checkout(tmp_path / "checkout", empty_database_url)


@pytest.fixture(params=list(DOORS))
def door(request: pytest.FixtureRequest) -> str:
    """Both doors, one after the other."""
    return str(request.param)
