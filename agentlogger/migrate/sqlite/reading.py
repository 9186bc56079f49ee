"""A connection to SQLite that cannot write: no byte of the database changes by being looked at.

An ordinary connection writes, too: the last one to close brings the write-ahead log of a killed
server into the file, and one to a file that is not there makes it.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Engine

from agentlogger.migrate.causes import Unreachable
from agentlogger.migrate.sqlite.engine import make_engine

WAL_MARK = b"\x02\x02"
"""Bytes 18 and 19 of a database with a write-ahead log (sqlite.org/fileformat2.html)."""

WAL_MARK_AT = 18


def make_reader(url: URL) -> Engine:
    """An engine that can only read, and leaves no file behind. Raises Unreachable."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        return make_engine(url, writes=False)
    path = Path(url.database)
    if not path.is_file():
        raise Unreachable(
            f"There is no database {path}: `flask db upgrade` makes it, or correct DATABASE_URL."
        )
    options = {"mode": "ro", "uri": "true"}
    if _is_left_alone(path):
        # A reader of a write-ahead log would make the log's files, and they would be its user's.
        options["immutable"] = "1"
    query = {**url.query, **options}
    return make_engine(url.set(database=f"file:{quote(str(path))}", query=query), writes=False)


def _is_left_alone(path: Path) -> bool:
    """Whether nobody has the database open: who does keeps a log beside it."""
    with path.open("rb") as file:
        mark = file.read(WAL_MARK_AT + len(WAL_MARK))[WAL_MARK_AT:]
    return mark == WAL_MARK and not path.with_name(path.name + "-wal").exists()
