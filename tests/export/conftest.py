"""Installations for commands of the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentlogger.models.database import db
from tests.export.installations import Installation


@pytest.fixture
def here(database_url, tmp_path: Path) -> Iterator[Installation]:
    """An installation with its own database."""
    folder = tmp_path / "here"
    folder.mkdir()
    made = Installation(database_url, folder)
    yield made
    with made.app.app_context():
        db.engine.dispose()


@pytest.fixture
def there(databases, tmp_path: Path) -> Iterator[Installation]:
    """Another installation, with the same kind of database."""
    folder = tmp_path / "there"
    folder.mkdir()
    made = Installation(databases.clone(), folder)
    yield made
    with made.app.app_context():
        db.engine.dispose()
