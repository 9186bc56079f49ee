"""What these tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.engine import URL

from agentlogger.app import create_app
from tests.conftest import settings_for


@pytest.fixture
def described(tmp_path: Path) -> Flask:
    """The application, to be asked about itself: its database is never made."""
    return create_app(
        settings_for(URL.create("sqlite", database=str(tmp_path / "no.db")), tmp_path)
    )
