"""How a revision goes on where it was killed, when a part of it runs outside a transaction.

Most revisions are one transaction, and a kill leaves nothing of them. In one with an autocommit
block the database keeps which statements are committed, by their text and how often; the next run
leaves these out. Their number would not do: a revision that looks first whether a column is there
comes another way the second time.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import CompileError, DBAPIError
from sqlalchemy.schema import CreateIndex

from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.ledger import history

INDEX_MADE = re.compile(
    r"^\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?\"?(?P<name>\w+)",
    re.IGNORECASE,
)
"""An index that a revision builds by SQL of its own."""

CHANGES_ROWS = re.compile(r"\b(INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)

BEGINS_WITH_ROWS = re.compile(r"^\s*(INSERT|UPDATE|DELETE|MERGE|WITH)\b", re.IGNORECASE)

LEAVES_NOTHING = re.compile(
    r"^\s*(SELECT|VALUES|TABLE|SHOW|EXPLAIN|SET|RESET|LOCK|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b",
    re.IGNORECASE,
)
"""What reads, or holds for a session alone: each run needs it."""


class Progress:
    """How far one revision has come, as its rows of the history tell."""

    def __init__(
        self, connection: Connection, dialect: Dialect, number: int, *, done_before: int
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._number = number
        self._done = done_before
        """One for the beginning of the first autocommit block, and one for each statement that is
        committed. 0 says that a rollback leaves nothing, 1 that it may leave what was not counted.
        """
        self._may_be_done = False
        self._pending: Counter[str] = Counter()
        """Executed in the transaction that is open."""
        self._left_out: Counter[str] = Counter()
        """Committed by a run before, and not yet met by this one."""
        self._is_ours = False

    @property
    def has_committed(self) -> bool:
        """Whether a part of the revision is in the database for good."""
        return self._done > 1

    @contextmanager
    def counting(self, context: MigrationContext) -> Iterator[None]:
        """Count what the revision executes in this block, or leave out what is done."""
        if not self._dialect.NEEDS_AUTOCOMMIT:
            context.autocommit_block = _same_transaction  # type: ignore[method-assign]
            yield
            return
        self._pending.clear()
        self._may_be_done = self._done > 0
        self._left_out = history.parts(self._connection, self._number)
        block = type(context).autocommit_block.__get__(context)
        context.autocommit_block = lambda: self._autocommit(block)  # type: ignore[method-assign]
        live: Any = self._connection
        for name in ("execute", "exec_driver_sql"):
            setattr(live, name, self._counted(getattr(live, name)))
        try:
            yield
        finally:
            del live.execute, live.exec_driver_sql

    @contextmanager
    def _autocommit(self, block: Callable[[], Any]) -> Iterator[None]:
        # Committed together with what came before the block.
        self._done = max(self._done, 1)
        self._by_us(history.note_operations, self._done)
        for key, count in self._pending.items():
            self._note(key, count)
        self._pending.clear()
        with block():
            yield

    def _counted(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        """The connection's own function, with the counting around it."""

        def counted(statement: Any, *values: Any, **options: Any) -> Any:
            def act() -> Any:
                return execute(statement, *values, **options)

            text = "" if self._is_ours else self._text(statement)
            if self._is_ours or _leaves_nothing(text):
                return act()
            key = hashlib.sha256(text.encode()).hexdigest()
            if self._left_out[key]:
                self._left_out[key] -= 1
                return _LeftOut(act)
            if not self._in_autocommit():
                self._pending[key] += 1
                return act()
            if BEGINS_WITH_ROWS.match(text):
                return self._at_once(act, key)
            return self._by_itself(act, key, statement, text)

        return counted

    def _at_once(self, act: Callable[[], Any], key: str) -> Any:
        """Change rows and count it in one transaction: done twice it would not be the same."""
        self._by_us(self._run, "BEGIN")
        try:
            result = act()
            self._note(key, 1)
            self._by_us(self._run, "COMMIT")
        except DBAPIError as fault:
            if not fault.connection_invalidated:
                self._by_us(self._run, "ROLLBACK")
            raise
        self._may_be_done = False
        return result

    def _by_itself(self, act: Callable[[], Any], key: str, statement: Any, text: str) -> Any:
        """Execute what runs in no transaction; what a kill has left unheard of is taken as done."""
        index = _index_made_by(statement, text)
        if index is not None:
            # What a killed build has left under this name is of no use to anybody.
            self._is_ours = True
            try:
                self._dialect.finish_leftover_index(self._connection, index)
            finally:
                self._is_ours = False
        result = None
        try:
            result = act()
        except DBAPIError as fault:
            if not (self._may_be_done and self._is_done(fault)):
                raise
        self._note(key, 1)
        self._may_be_done = False
        return result

    def _is_done(self, fault: DBAPIError) -> bool:
        self._is_ours = True
        try:
            return self._dialect.is_done(self._connection, fault)
        finally:
            self._is_ours = False

    def _run(self, connection: Connection, _number: int, statement: str) -> None:
        connection.exec_driver_sql(statement)

    def _note(self, key: str, count: int) -> None:
        self._done += count
        self._by_us(history.note_part, key, count)
        self._by_us(history.note_operations, self._done)

    def _by_us(self, function: Callable[..., None], *values: Any) -> None:
        """Let the room itself execute something: it is no part of the revision."""
        self._is_ours = True
        try:
            function(self._connection, self._number, *values)
        finally:
            self._is_ours = False

    def _text(self, statement: Any) -> str:
        if isinstance(statement, str):
            return statement
        try:
            return str(statement.compile(dialect=self._connection.dialect))
        except (AttributeError, CompileError):
            # A sequence, or what only its parameters complete: it is told apart by its kind.
            return type(statement).__name__

    def _in_autocommit(self) -> bool:
        return self._connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"


class _LeftOut:
    """The result of a statement that a run before has executed.

    Where somebody asks for it, the statement is executed after all: a loop that goes by the number
    of changed rows must come to its own end.
    """

    def __init__(self, act: Callable[[], Any]) -> None:
        self._act = act
        self._result: Any = None

    def _asked(self) -> Any:
        if self._result is None:
            self._result = self._act()
        return self._result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._asked(), name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._asked())


def _leaves_nothing(text: str) -> bool:
    if text.lstrip()[:4].upper() == "WITH":
        return not CHANGES_ROWS.search(text)
    return bool(LEAVES_NOTHING.match(text))


def _index_made_by(statement: Any, text: str) -> str | None:
    if isinstance(statement, CreateIndex):
        name = statement.element.name
        return None if name is None else str(name)
    found = INDEX_MADE.search(text)
    return found["name"] if found else None


@contextmanager
def _same_transaction() -> Iterator[None]:
    """Stay in the revision's transaction, where nothing needs to leave it."""
    yield
