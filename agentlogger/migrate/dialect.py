"""What a database must tell the migration room; `postgresql` and `sqlite` are the two."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import URL, Connection, Engine, Table
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:  # Types of rooms that most commands never load.
    from agentlogger.migrate.backfills.definition import Definition
    from agentlogger.migrate.backfills.throttle import Load
    from agentlogger.migrate.backfills.walking import Walk
    from agentlogger.migrate.comparing.wording import Wordings
    from agentlogger.migrate.linting.describing import Column, Part
    from agentlogger.migrate.options import Options
    from agentlogger.migrate.rehearsal.copies import Copy
    from agentlogger.migrate.rehearsal.states import TableState
    from agentlogger.migrate.revisions.recording import Recorded
    from agentlogger.migrate.run.lock import Holder, Lock
    from agentlogger.migrate.trial.estimating import Estimate, Sampled, Wait
    from agentlogger.migrate.trial.observing import Watch
    from agentlogger.migrate.trial.sampling import Amount, Wanted


@dataclass(frozen=True)
class Leftover:
    """Something that a killed migration has left half done."""

    kind: str
    name: str
    table: str


@dataclass(frozen=True)
class Restorable:
    """A file that the database can be put back to."""

    path: Path
    kind: str
    """snapshot, or replaced: the database as it was before another restore."""
    size: int
    """In bytes."""
    revision: str | None
    """What the database was at, "" for nothing; None where the file cannot be read."""
    made: datetime


@dataclass(frozen=True)
class Difference:
    """What the database has that a snapshot has not."""

    revision: str | None
    """What the database is at, "" for nothing; None where it cannot be read."""
    newer: dict[str, int]
    """For each table, how many records are only in the database, where there are any."""
    damage: str
    """Why the database cannot be read, so that more may be newer; "" where it can."""


@dataclass(frozen=True)
class Restored:
    """A database that was put back."""

    snapshot: Path
    kept: Path | None
    """The file that was replaced; None where there was none."""
    revision: str
    """What the database is at now, "" for nothing."""
    newer: dict[str, int]
    """For each table, how many records are only in the kept file, where there are any."""
    damage: str
    """Why the kept file could not be read, so that more may be newer; "" where it could."""


class Dialect(Protocol):
    """How one database does it."""

    @property
    def CONTEXT_ARGUMENTS(self) -> Mapping[str, Any]:  # noqa: N802  (a module's constant)
        """What `context.configure` is told beyond what both share."""

    @property
    def NEEDS_AUTOCOMMIT(self) -> bool:  # noqa: N802  (a module's constant)
        """Whether some statements are refused within a transaction."""

    def make_engine(self, url: URL, *, writes: bool, name: str = "") -> Engine:
        """An engine of the migration's own, without a pool.

        `name` is how its sessions are called where the database lists them.
        """

    def make_lock(self, url: URL, doing: str) -> Lock:
        """The lock that a migrator of this database holds; `doing` is what others are told."""

    def holder(self, url: URL, connection: Connection) -> Holder | None:
        """Who holds that lock now, as this connection tells; nothing is waited for."""

    def bound(
        self, connection: Connection, *, lock_timeout: float, statement_timeout: float
    ) -> None:
        """Let no statement of the next transactions wait longer, in seconds; 0 is for ever."""

    def is_passing(self, fault: BaseException) -> bool:
        """Whether a step that failed with this may succeed when it is tried again."""

    def is_done(self, connection: Connection, fault: DBAPIError) -> bool:
        """Whether a statement failed since a run before has done it: it is there, or gone."""

    def unowned(self, connection: Connection) -> frozenset[str]:
        """Tables that no model will ever name: partitions, and what belongs to an extension."""

    def broken_references(self, connection: Connection) -> list[str]:
        """Tables with rows whose foreign key points nowhere, after a migration."""

    def leftovers(self, connection: Connection) -> list[Leftover]:
        """INVALID indexes and constraints that were never validated."""

    def finish_leftover_index(self, connection: Connection, name: str) -> None:
        """Drop the INVALID index of this name, if there is one. Called in autocommit mode."""

    def long_transactions(self, connection: Connection) -> list[dict[str, Any]]:
        """Others' transactions that have been open for long, and what they did last."""

    def long_blocks(self, connection: Connection, recorded: Recorded) -> list[tuple[str, float]]:
        """What of a revision would keep every client from writing, and for how many seconds."""

    def rows(self, connection: Connection, table: str) -> tuple[int, bool]:
        """How many rows a table has, and whether that is exact; large tables are estimated."""

    def snapshot(self, url: URL, options: Options, revisions: Sequence[str]) -> Path | None:
        """Keep the database as it is, before these revisions; None where it needs none."""

    def snapshots(self, url: URL) -> list[Path]:
        """The snapshots that are kept, newest first."""

    def restorable(self, url: URL) -> list[Restorable]:
        """What the database can be put back to. Raises Refused where that is its operator's."""

    def compare(self, url: URL, snapshot: Path, *, doing: str) -> Difference:
        """What a restore would take out of the database. Raises what `restore` raises before it."""

    def restore(self, url: URL, snapshot: Path, *, doing: str) -> Restored:
        """Put a copy of a snapshot in the database's place, and keep what was there.

        Raises Locked, ServerAlive, NoRoom and Refused, and then the database is as it was.
        """

    def scratch(self, url: URL, options: Options) -> AbstractContextManager[URL]:
        """An empty database of the same kind, gone afterwards. Raises Refused."""

    def make_reader(self, url: URL) -> Engine:
        """An engine that cannot write, nor leave anything behind. Raises Unreachable."""

    def catalogue(self, connection: Connection) -> Mapping[str, str]:
        """Each object of the schema by kind and name (see `objects`), with its definition."""

    def wordings(self, connection: Connection, tables: Collection[Table]) -> Wordings:
        """These tables of the database and of the models, both in the words of the database.

        What the models say is made somewhere to be read, and nothing of it stays.
        """

    def foundations(self, connection: Connection) -> list[str]:
        """Statements that give an empty database what tables may rest on: schemas, extensions."""

    def repair(self, key: str, found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
        """Statements that make an object of one catalogue as another has it; never run by us."""

    def making(self, key: str, catalogue: Mapping[str, str]) -> list[str]:
        """Statements that make an object of a catalogue where it is not and nobody is served.

        A table is made with its columns and what constrains its rows by itself; nothing is left
        to do for these, so theirs are [].
        """

    def beyond(self, connection: Connection) -> Mapping[str, str]:
        """What a schema has beside its catalogue, such as comments: the statement that makes each.

        It begins with two dashes where none is known here.
        """

    def counters(self, connection: Connection) -> Mapping[str, str]:
        """The statement that sets each counter of the schema to where it stands."""

    def contents(
        self, connection: Connection, catalogue: Mapping[str, str]
    ) -> dict[str, list[dict[str, str]]]:
        """The rows of each table that has any: literals of SQL by column, quoted as SQL wants it.

        A column that computes itself is left out.
        """

    def sample(self, url: URL, place: URL, wanted: Wanted, amount: Amount) -> dict[str, Sampled]:
        """Copy rows of each table to a scratch database, with those that they refer to.

        The first database is only read. Both have the tables, and the scratch database loses the
        rows that it had in them.
        """

    def columns(self, connection: Connection, table: str) -> list[Column]:
        """The columns of a table, each with what a synthetic row could have there."""

    def parts(self, connection: Connection, table: str) -> list[Part]:
        """The partitions of a table that hold rows; none of an ordinary table."""

    def make_part(self, connection: Connection, table: str) -> list[Part]:
        """Give a partitioned table that has no partition one; nothing of an ordinary table."""

    def literal(self, value: str) -> str:
        """SQL of the text by which a value is written into a statement."""

    def settle(self, url: URL) -> None:
        """Let a scratch database know its rows as if they had been there for a while."""

    def version(self, connection: Connection) -> str:
        """The server's version, such as 15.18."""

    def stops(self, mode: str) -> str:
        """Whom a lock of a table keeps waiting: "", "writes" or "reads and writes"."""

    def watch(self, connection: Connection) -> Watch:
        """What tells of the statements of this connection, which is to a scratch database."""

    def make_walk(self, connection: Connection, definition: Definition) -> Walk:
        """How a backfill walks its table. Raises Refused where it cannot."""

    def load(self, connection: Connection) -> Load:
        """What the database bears now, beside the service's own answers."""

    def lock_by_text(self, statement: str) -> str | None:
        """The strongest lock that a statement takes by its text; None where it takes none."""

    def waits(
        self, estimates: Sequence[Estimate], seconds: float, options: Options, revision: Any
    ) -> list[Wait]:
        """What clients would wait for while a revision runs for so many seconds in all."""

    def copy(self, url: URL, options: Options, *, keep: bool) -> AbstractContextManager[Copy]:
        """A copy of the database, which is only read; dropped afterwards, or kept by its name.

        Copies of processes that were killed are dropped as well. Raises NoCopy.
        """

    def borrow(self, url: URL, given: URL) -> AbstractContextManager[Copy]:
        """Another database as if it were a copy of the first, left as it is afterwards.

        Raises NoCopy where it is the first one itself, or where anybody uses it.
        """

    def marks(
        self, connection: Connection, salt: int, before: Mapping[str, TableState]
    ) -> Mapping[str, TableState]:
        """The rows of each table that is not the migration room's own, as marks (see `states`).

        `before` is what an earlier moment of the same rehearsal gave, with the same salt: a mark of
        it is taken over where the database itself tells that nothing was written to its values.
        """

    def server(self, connection: Connection) -> str:
        """The database's program with its version, such as "PostgreSQL 15.18"."""
