"""Copies of the checkout, and the doors to run them by."""

from __future__ import annotations

import pytest

from tests.migrations.conftest import checkout, door  # noqa: F401  (fixtures of this folder, too)


def pytest_configure(config: pytest.Config) -> None:
    """Know the mark that pytest-alembic's functions carry; its plugin, which would, is off."""
    config.addinivalue_line("markers", "alembic: a function of pytest-alembic.")
