"""What a database must be able to tell and do; `postgresql` and `sqlite` are the two."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from threading import Event
from typing import Any, NamedTuple, Protocol

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Select,
    Table,
    TableValuedAlias,
)
from sqlalchemy.exc import DBAPIError

from agentlogger.store.positions import Position
from agentlogger.store.written import Written


class Days(NamedTuple):
    """A part of the time that a walk is over; None is without an end."""

    from_ns: int | None
    to_ns: int | None
    """Not included."""
    is_near: bool
    """Whether it is about one day, whose records are found by one walk of an index."""


class Backend(Protocol):
    """How one database does what the two do differently."""

    def engine_options(self, url: URL, threads: int) -> dict[str, Any]:
        """What `create_engine` is told, for a process with this many threads."""

    def prepare(self, engine: Engine) -> None:
        """Attach what each connection and transaction of the engine needs."""

    def refuse_while_it_hangs(self, engine: Engine) -> None:
        """Raises DatabaseUnavailable where the database is known not to answer."""

    def writer(self, engine: Engine) -> AbstractContextManager[Connection]:
        """A connection in a transaction that writes, and is on disk when it is left.

        In its turn where the database takes one writer at a time.
        """

    def fetched(
        self, connection: Connection, statement: str, parameters: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        """What a statement finds that is given to the driver itself, a `%s` for each parameter.

        Bytes may come as memoryviews. Raises DBAPIError.
        """

    def later(self, connection: Connection, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Execute a statement that answers nothing, before the next one or before the commit."""

    def one_statement(
        self, connection: Connection, statement: str, *parameters: Any
    ) -> list[tuple[Any, ...]]:
        """What a statement finds that is a transaction by itself."""

    def wait_briefly(self, connection: Connection) -> None:
        """Have a transaction that writes for several requests not wait long for another's lock."""

    def lacks_a_table(self, fault: DBAPIError) -> bool:
        """Whether the fault says that a table or column is not there."""

    def bound(self, connection: Connection, seconds: float) -> AbstractContextManager[Any]:
        """End each statement within the block that takes longer."""

    def ran_out_of_time(self, fault: DBAPIError) -> bool:
        """Whether the fault is that of a statement which `bound` has ended."""

    def clock(self) -> ColumnElement[int]:
        """What the database's clock says as the statement is executed, in nanoseconds."""

    def serialize(self, value: Any) -> str:
        """A storable value as JSON text."""

    def deserialize(self, text: str) -> Any:
        """The value that `serialize` was given."""

    @property
    def STRAYS(self) -> tuple[int, ...]:  # noqa: N802  (a module's constant)
        """The values of `stray` under which records are found."""

    def place(self, days: Collection[int]) -> set[int]:
        """Which of these days (days since 1970) have a place of their own, made where they may."""

    def days(self, from_ns: int | None, to_ns: int | None, *, newest_first: bool) -> Iterator[Days]:
        """The parts that a walk over this time is best asked for by, in its order."""

    def near(self, chosen: Select[Any], table: Table, days: Days, limit: int) -> Select[Any]:
        """The first of what is chosen of near days, in order, asked for such that it is quick."""

    def ranked(
        self,
        value: ColumnElement[Any],
        name: str,
        *,
        partition_by: ColumnElement[Any] | None = None,
    ) -> list[ColumnElement[Any]]:
        """What a row is read with, so that `percentiles` of this name can be had of all."""

    def percentiles(
        self, there: Any, value: ColumnElement[Any], name: str, percents: Sequence[int]
    ) -> Iterator[ColumnElement[Any]]:
        """How many rows have a value, and the values that so many of a hundred do not exceed."""

    def misplaced(self, fault: DBAPIError) -> bool:
        """Whether an insert failed since a place was gone, so that trying once more helps."""

    def see_one_moment(self, connection: Connection) -> None:
        """Have the statements of the transaction that is about to begin all see one moment."""

    def announce(
        self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Insert arrivals, with their origin and the transaction's number before each."""

    def seen(self, connection: Connection, table: Table) -> Position:
        """The position of one who has seen all that this transaction sees."""

    @property
    def ROWS_ARE_LOCKED(self) -> bool:  # noqa: N802  (a module's constant)
        """Whether a writer may wait for a row that another holds, while a third could write."""

    @property
    def OTHERS_CAN_BE_TOLD(self) -> bool:  # noqa: N802  (a module's constant)
        """Whether processes can wake each other through the database."""

    def tell_others(self, engine: Engine) -> None:
        """Wake whoever listens, in any process."""

    def listen(self, engine: Engine, heard: Callable[[], None], deaf: Event) -> None:
        """Call `heard` whenever another process tells, until `deaf` is set or it cannot be had."""

    def key_rows(self) -> FromClause:
        """Keys of records, as rows of `ts_ns` and `id` to be joined."""

    def key_parameters(self, keys: Sequence[tuple[int, int]]) -> dict[str, Any]:
        """The parameters of a statement with `key_rows`, for these keys."""

    def by_keys(self, chosen: Select[Any], table: Table) -> Select[Any]:
        """What is chosen of the records with some keys, to be sent with `key_parameters`."""

    def only_days(self, column: ColumnElement[int], least: int, most: int) -> list[Any]:
        """What a statement by keys is told of their times, beside the keys, so that it is quick."""

    def insert_statement(self, table: Table) -> Any:
        """SQLAlchemy's INSERT of this dialect, which knows ON CONFLICT."""

    def insert_new(
        self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]
    ) -> set[tuple[int, bytes]]:
        """Insert the rows whose key is not there yet, in their order; return the keys of those.

        A row has a value for each column, and its first two, a number and bytes, are the key.
        """

    def replace(
        self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Put rows in the place of those with their keys, or add them; JSON comes as text."""

    def cut(self, column: ColumnElement[Any], *, longer_than: int, to: int) -> ColumnElement[Any]:
        """Of a JSON column that is longer: its length and its beginning, in characters; or NULL."""

    def shown(self, beginning: str) -> str:
        """The beginning of that text as a reader wants it: of a JSON text its characters."""

    def text_under(self, json: ColumnElement[Any], name: str) -> ColumnElement[Any]:
        """What stands under a name in a JSON object, a text as its characters; NULL for nothing."""

    def members(self, json: ColumnElement[Any]) -> TableValuedAlias:
        """The members of a JSON list, as rows of `value`, which is JSON."""

    def delete_securely(self, connection: Connection) -> None:
        """Have what this connection replaces from now on be overwritten, where that can be had."""

    def erase(
        self, engine: Engine, days: set[tuple[int, int]] | None, *, rewrite: bool
    ) -> list[str]:
        """Remove what was replaced from the database's files; return what is left, as sentences.

        `days` are those of the records, each with its `stray`; None is all.
        """

    def written(
        self, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], json: int
    ) -> Written:
        """Rows with values for these columns, for `insert`; the last `json` of each become JSON.

        None is NULL.
        """

    def insert(self, connection: Connection, table: str, written: Written) -> None:
        """Insert rows that are written out, before whatever the connection is asked next.

        What the driver raises of them is raised here, by that next statement or by the commit:
        who has to know sooner inserts within a savepoint, and then it is raised here.
        """
