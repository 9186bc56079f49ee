"""Some rows of a live SQLite database, in a scratch database: what refers to what comes along.

The live file is attached as one that can only be read.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from urllib.parse import quote

from sqlalchemy import URL

from agentlogger.migrate.causes import Failed
from agentlogger.migrate.sqlite.reading import make_reader
from agentlogger.migrate.trial.estimating import Sampled
from agentlogger.migrate.trial.sampling import MOST_BYTES, Amount, Reference, Wanted

FEWEST_ROWS = 100
"""However wide they are."""

PLACES = 100
"""Rows are taken from so many places all over a table: early ones differ from late ones."""

MEASURED_ROWS = 500
"""So many are read to learn how wide a row is."""

BUSY_SECONDS = 5.0
"""A reader waits only where the write-ahead log is being reset."""


def sample(url: URL, place: URL, wanted: Wanted, amount: Amount) -> dict[str, Sampled]:
    """Take rows of each table that both databases have, with those that they refer to."""
    reader = make_reader(url)
    source = f"{reader.url.database}?{_options(reader.url)}"
    reader.dispose()
    file = f"file:{quote(str(place.database))}?mode=rw"
    try:
        with closing(sqlite3.connect(file, uri=True, timeout=BUSY_SECONDS)) as connection:
            connection.isolation_level = None
            run = connection.execute
            run("PRAGMA foreign_keys=OFF")
            run("ATTACH ? AS live", (source,))
            run("BEGIN")
            found = _Copy(connection, wanted, amount).run()
            run("COMMIT")
            run("DETACH live")
            # So that the first commit that is measured has not this to put into the file.
            run("PRAGMA wal_checkpoint(TRUNCATE)")
            return found
    except sqlite3.Error as fault:
        raise Failed(
            f"The rows of {url.database} could not be tried in the scratch database ({fault}): "
            "`flask db drift` shows where the two differ."
        ) from fault


def _options(url: URL) -> str:
    return "&".join(
        f"{name}={url.query[name]}" for name in ("mode", "immutable") if name in url.query
    )


class _Copy:
    """One copying of rows from the attached database `live` to `main`."""

    def __init__(self, connection: sqlite3.Connection, wanted: Wanted, amount: Amount) -> None:
        self._run = connection.execute
        self._wanted = wanted
        self._amount = amount
        self._taken: dict[str, Sampled] = {}

    def run(self) -> dict[str, Sampled]:
        """Take the rows. The caller commits."""
        there = {
            row[0] for row in self._run("SELECT name FROM live.sqlite_master WHERE type='table'")
        }
        with self._without_triggers():
            for name in self._wanted.tables:
                if name in there:
                    self._taken[name] = self._take(name)
            self._drop_orphans()
        for name, known in self._taken.items():
            taken = self._number(f"SELECT count(*) FROM main.{_quoted(name)}")  # noqa: S608  (quoted)
            self._taken[name] = Sampled(known.rows, known.is_exact, taken, known.reason)
        return self._taken

    @contextmanager
    def _without_triggers(self) -> Iterator[None]:
        """Let no trigger do what it has done before."""
        triggers = self._run(
            "SELECT name, sql FROM main.sqlite_master WHERE type='trigger'"
        ).fetchall()
        for name, _ in triggers:
            self._run(f"DROP TRIGGER main.{_quoted(name)}")
        yield
        for _, sql in triggers:
            self._run(sql)

    def _take(self, name: str) -> Sampled:
        table = _quoted(name)
        self._run(f"DELETE FROM main.{table}")  # noqa: S608  (quoted)
        columns = self._columns(table)
        room = max(FEWEST_ROWS, int(MOST_BYTES / self._width(table, columns)))
        whole, most = min(self._amount.whole, room), min(self._amount.most, room)
        listed = ", ".join(columns)
        rows = self._number(f"SELECT count(*) FROM (SELECT 1 FROM live.{table} LIMIT {whole + 1})")  # noqa: S608  (quoted)
        self._run("SAVEPOINT copying")
        reason = ""
        try:
            if rows <= whole:
                self._copy(table, listed, "")
            else:
                self._copy_referred(name, listed, most)
                taken = self._number(f"SELECT count(*) FROM main.{table}")  # noqa: S608  (quoted)
                rows = self._copy_places(table, listed, max(PLACES, most - taken))
        except sqlite3.Error as fault:
            self._run("ROLLBACK TO copying")
            reason = str(fault)
        self._run("RELEASE copying")
        return Sampled(rows, is_exact=rows <= whole and not reason, taken=0, reason=reason)

    def _copy(self, table: str, columns: str, chosen: str) -> None:
        self._run(
            f"INSERT OR IGNORE INTO main.{table} ({columns})"  # noqa: S608  (quoted)
            f" SELECT {columns} FROM live.{table} {chosen}"
        )

    def _copy_places(self, table: str, columns: str, most: int) -> int:
        """Take rows from many places; how many there are in all, as far as these tell."""
        try:
            low, high = self._run(f"SELECT min(_rowid_), max(_rowid_) FROM live.{table}").fetchone()  # noqa: S608  (quoted)
        except sqlite3.OperationalError:
            # WITHOUT ROWID: only its key would tell where its rows are.
            self._copy(table, columns, f"LIMIT {most}")
            return self._number(f"SELECT count(*) FROM live.{table}")  # noqa: S608  (quoted)
        step = max(1, (high - low + 1) // PLACES)
        each = max(1, most // PLACES)
        rows = 0.0
        chance = random.Random(PLACES)  # noqa: S311  (no secret; the same in every run)
        for begin in range(low, high + 1, step):
            # Evenly apart would meet rows that repeat themselves at the same place each time.
            first = begin + chance.randrange(max(1, step - each))
            span = f"_rowid_ >= {first} AND _rowid_ < {begin + step}"
            chosen = f"WHERE {span} ORDER BY _rowid_ LIMIT {each}"
            count, last = self._run(
                f"SELECT count(*), max(at) FROM (SELECT _rowid_ AS at FROM live.{table} {chosen})"  # noqa: S608  (quoted)
            ).fetchone()
            rows += count * step / (last - first + 1 if count == each else begin + step - first)
            self._copy(table, columns, chosen)
        return round(rows)

    def _copy_referred(self, name: str, columns: str, most: int) -> None:
        """Take the rows that those already taken refer to."""
        for one in self._wanted.references:
            if one.parent == name and one.child != name and one.child in self._taken:
                keys = ", ".join(_quoted(column) for column in one.parent_columns)
                values = ", ".join(_quoted(column) for column in one.columns)
                self._copy(
                    _quoted(name),
                    columns,
                    f"WHERE ({keys}) IN (SELECT DISTINCT {values} FROM main.{_quoted(one.child)}"  # noqa: S608  (quoted)
                    f" LIMIT {most})",
                )

    def _drop_orphans(self) -> None:
        """Let nothing refer to rows that were not taken, or take it out where it must."""
        gone = True
        while gone:
            gone = False
            for one in self._wanted.references:
                if one.is_there and {one.child, one.parent} <= set(self._taken):
                    gone = self._run(_orphans(one)).rowcount > 0 or gone

    def _columns(self, table: str) -> list[str]:
        """The columns that both have and that are not computed, quoted."""
        found = [
            [row[1] for row in self._run(f"PRAGMA {database}.table_xinfo({table})") if row[6] == 0]
            for database in ("main", "live")
        ]
        return [_quoted(column) for column in found[0] if column in found[1]]

    def _width(self, table: str, columns: Sequence[str]) -> float:
        """The bytes of a row."""
        width = " + ".join(f"coalesce(length(CAST({column} AS BLOB)), 0) + 2" for column in columns)
        measured = self._run(
            f"SELECT avg(n) FROM (SELECT {width} AS n FROM live.{table} LIMIT {MEASURED_ROWS})"  # noqa: S608  (quoted)
        ).fetchone()[0]
        return float(measured or 1.0)

    def _number(self, query: str) -> int:
        return int(self._run(query).fetchone()[0])


def _orphans(one: Reference) -> str:
    """What makes a reference be none, or takes out its row, where it refers to nothing."""
    columns = [_quoted(column) for column in one.columns]
    child, parent = f"main.{_quoted(one.child)}", f"main.{_quoted(one.parent)}"
    given = " AND ".join(f"c.{column} IS NOT NULL" for column in columns)
    same = " AND ".join(
        f"c.{column} = p.{_quoted(referred)}"
        for column, referred in zip(columns, one.parent_columns, strict=True)
    )
    orphan = f"WHERE {given} AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {same})"  # noqa: S608  (quoted)
    if one.is_optional:
        nothing = ", ".join(f"{column} = NULL" for column in columns)
        return f"UPDATE {child} AS c SET {nothing} {orphan}"  # noqa: S608  (quoted)
    return f"DELETE FROM {child} AS c {orphan}"  # noqa: S608  (quoted)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
