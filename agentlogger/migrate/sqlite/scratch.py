"""A database to try things in: a file in a temporary folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from agentlogger.migrate.options import Options


@contextmanager
def scratch(url: URL, options: Options) -> Iterator[URL]:  # noqa: ARG001  (the protocol's)
    """An empty database of SQLite, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="migration-scratch-") as folder:
        yield url.set(database=str(Path(folder) / "scratch.db"), query={})
