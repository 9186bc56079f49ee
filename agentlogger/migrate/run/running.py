"""One run of upgrade, downgrade or stamp: what it means is settled first, then each step is taken.

Every step is one transaction, with its row of the history and Alembic's version row in it. A step
that cannot get a lock is rolled back and tried again, so that nobody queues behind it for long.
"""

from __future__ import annotations

import random
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from agentlogger.migrate.backfills.guard import refuse_unfinished
from agentlogger.migrate.backfills.registering import PLACE, Registering, forget
from agentlogger.migrate.causes import BrokenReferences, Busy, Edited, Refused, first_line
from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.explaining import explained_fault
from agentlogger.migrate.ledger import history
from agentlogger.migrate.ledger.graph import State
from agentlogger.migrate.ledger.replaced import is_text_of
from agentlogger.migrate.options import (
    BACKFILL_INLINE,
    LOCK_RETRY,
    LOCK_TIMEOUT,
    STATEMENT_TIMEOUT,
    Options,
)
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import shown
from agentlogger.migrate.revisions.recording import dialect_of, render
from agentlogger.migrate.run.lock import Lock
from agentlogger.migrate.run.resuming import Progress
from agentlogger.migrate.run.steps import is_stamp

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Surroundings:
    """What a run is told: where, with what, and as which program."""

    url: URL
    dialect: Dialect
    options: Options
    connection: Connection
    lock: Lock
    program: str
    key: bytes | None
    keys: Sequence[bytes] = ()
    """Those that may have signed what is executed; `key` is the one that signs."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """For `context.configure`."""


class Run:
    """The steps of one command, on a connection that holds the migrator's lock."""

    def __init__(self, surroundings: Surroundings, state: State, steps: Sequence[Any]) -> None:
        self._in = surroundings
        self._known = state.known
        self._history = state.history
        self._steps = list(steps)
        self._next = 0
        self._row: int | None = None
        self._progress: Progress | None = None

    def go(self) -> None:
        """Take every step. Raises Refused; the steps before it stay."""
        began = time.monotonic()
        pause = FIRST_PAUSE_SECONDS
        while True:
            before = self._next
            try:
                self._pass()
            except (DBAPIError, PendingRollbackError) as error:
                fault = _first_fault(error)
                self._in.connection.rollback()
                self._in.lock.check()
                if not self._in.dialect.is_passing(fault):
                    self._forget()
                    raise self._told(fault) from error
                if self._next > before:
                    began, pause = time.monotonic(), FIRST_PAUSE_SECONDS
                self._wait(fault, began, pause)
                pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
            except BaseException:
                self._in.connection.rollback()
                self._forget()
                raise
            else:
                return

    def _told(self, fault: DBAPIError) -> Refused:
        """The cause that a fault of the database amounts to, with the step that it stopped."""
        if self._next >= len(self._steps) or is_stamp(self._steps[self._next]):
            return explained_fault(fault, self._in.url, "the run")
        one = self._known[self._steps[self._next].revision.revision]
        return explained_fault(fault, self._in.url, f"revision {one.revision} ({shown(one.path)})")

    def _pass(self) -> None:
        context.configure(
            **self._in.arguments,
            connection=self._in.connection,
            fn=self._remaining,
            on_version_apply=self._applied,
        )
        with context.begin_transaction():
            context.run_migrations()
        self._in.connection.commit()

    def _remaining(self, _heads: Any, migration_context: MigrationContext) -> Iterator[Any]:
        """The steps that are left; Alembic asks for the next one when the last is committed."""
        while self._next < len(self._steps):
            step = self._steps[self._next]
            self._in.connection.commit()
            self._in.lock.check()
            if not is_stamp(step):
                if not step.is_downgrade:
                    self._refuse_unfinished(step)
                self._prepare(step, migration_context)
            yield step
            self._tell_what_is_left()
            self._next += 1
            self._row, self._progress = None, None

    def _refuse_unfinished(self, step: Any) -> None:
        """Raise BackfillUnfinished where the step needs what is not there yet."""
        self._bound(step.revision.module)
        revision = self._known[step.revision.revision]
        refuse_unfinished(
            self._in.connection, self._in.dialect, context.script, revision, self._in.keys
        )
        self._in.connection.rollback()

    def _bound(self, module: Any) -> None:
        """Let no statement wait longer than this revision says."""
        self._in.dialect.bound(
            self._in.connection,
            lock_timeout=self._in.options.number(LOCK_TIMEOUT, module),
            statement_timeout=self._in.options.number(STATEMENT_TIMEOUT, module),
        )

    def _tell_what_is_left(self) -> None:
        registering = self._in.connection.info.pop(PLACE, None)
        for name, rows in registering.left if registering is not None else ():
            print(  # noqa: T201
                f"The backfill {name} is left for later, about {rows:,} rows: a running service "
                f"does it, or `flask db backfill run {name}`.",
                file=sys.stderr,
                flush=True,
            )

    def _prepare(self, step: Any, migration_context: MigrationContext) -> None:
        revision = self._known[step.revision.revision]
        if self._progress is None:
            self._begin(revision, step)
        assert self._progress is not None  # noqa: S101  (begun above)
        step.migration_fn = self._counted(step, self._progress, migration_context)
        module = step.revision.module
        # A way back fills nothing later, since its revision is gone then.
        self._in.connection.info[PLACE] = (
            None
            if step.is_downgrade
            else Registering(
                revision.revision, self._in.key, self._in.options.number(BACKFILL_INLINE, module)
            )
        )
        self._bound(module)

    def _counted(
        self, step: Any, progress: Progress, migration_context: MigrationContext
    ) -> Callable[..., None]:
        """The revision's own function, and what it executes counted."""
        module = step.revision.module
        function = module.downgrade if step.is_downgrade else module.upgrade

        # Alembic says what it runs by the function's name.
        @wraps(function)
        def counted(**given: Any) -> None:
            with progress.counting(migration_context):
                function(**given)

        return counted

    def _begin(self, revision: Declared, step: Any) -> None:
        direction = "down" if step.is_downgrade else "up"
        killed = history.unended(self._history, revision.revision, direction)
        done = killed.operations_done if killed else 0
        allowed = revision.revision in self._in.options.words("allow-edited")
        is_same = killed and is_text_of(revision, killed.sha256, self._known.values())
        if killed and done and not is_same and not allowed:
            file = shlex.quote(shown(revision.path))
            raise Edited(
                f"Revision {revision.revision} was half applied by {killed.who} on {killed.when} "
                f"UTC, and {file} has been edited since, so it cannot go on from there: put back "
                f"the text that was begun with `flask db log --source {revision.revision} --output "
                f"{file}` and run the command again, or go on with the new text with -x "
                f"allow-edited={revision.revision}, which leaves out the statements that are "
                "committed and stands by what they did."
            )
        down_sql = (
            None if step.is_downgrade
            else render(getattr(step.revision.module, "downgrade", None), dialect_of(self._in.url))
        )  # fmt: skip
        self._row = history.begin(
            self._in.connection,
            revision,
            direction,
            program=self._in.program,
            down_sql=down_sql,
            key=self._in.key,
            operations_done=done,
        )
        self._in.connection.commit()
        self._progress = Progress(
            self._in.connection, self._in.dialect, self._row, done_before=done
        )

    def _applied(
        self, ctx: MigrationContext, step: MigrationInfo, heads: Any, run_args: Any
    ) -> None:
        """Write the history, in the transaction of the version row, and look once more."""
        del heads, run_args
        connection = ctx.connection
        assert connection is not None  # noqa: S101  (never in --sql mode)
        self._in.lock.check()
        if step.is_stamp:
            self._note_stamp(connection, step)
            return
        assert self._row is not None  # noqa: S101  (begun in _prepare)
        history.end(connection, self._row)
        if not step.is_upgrade:
            for revision in step.up_revision_ids:
                forget(connection, revision)
        broken = self._in.dialect.broken_references(connection)
        if broken:
            raise BrokenReferences(
                f"The revision would leave rows that refer to nothing, in {', '.join(broken)}: "
                "it was rolled back. Correct the revision or the rows, then run it again."
            )

    def _note_stamp(self, connection: Connection, step: MigrationInfo) -> None:
        # A stamp to nothing has no destination, and must not read as one to what was there.
        direction = "stamp" if step.destination_revision_ids else "unstamp"
        for revision in step.destination_revision_ids or step.source_revision_ids:
            if revision in self._known:
                row = history.begin(
                    connection,
                    self._known[revision],
                    direction,
                    program=self._in.program,
                    down_sql=None,
                    key=self._in.key,
                )
                history.end(connection, row)

    def _wait(self, fault: DBAPIError, began: float, pause: float) -> None:
        step = self._steps[self._next]
        revision = step.revision.revision
        patience = self._in.options.number(LOCK_RETRY, step.revision.module)
        reason = first_line(fault)
        if time.monotonic() - began > patience:
            self._forget()
            raise Busy(
                f"Revision {revision} did not get a lock in {patience:.0f} s ({reason}), so it was "
                "rolled back: end the long transaction that holds the table (`flask db status` "
                "names it), or give more time with -x lock-retry=SECONDS."
            )
        print(f"Revision {revision}: {reason}; trying again.", file=sys.stderr, flush=True)  # noqa: T201
        # Of many that wait, a random one comes next.
        time.sleep(pause * random.SystemRandom().uniform(0.5, 1.5))

    def _forget(self) -> None:
        """Leave no row of a step that has changed nothing: it was not killed, it has said why."""
        if self._row is None or self._progress is None or self._progress.has_committed:
            return
        history.forget(self._in.connection, self._row)
        self._in.connection.commit()
        self._row, self._progress = None, None


def _first_fault(error: BaseException) -> DBAPIError:
    """The database's own fault: SQLAlchemy hides it where an autocommit block is left by it."""
    at: BaseException | None = error
    while at is not None and not isinstance(at, DBAPIError):
        at = at.__context__
    if at is None:
        raise error
    return at


def given_steps() -> Callable[[Sequence[str], MigrationContext], Sequence[Any]]:
    """What Alembic's command would do, given the version row."""
    return context.get_context().opts["fn"]  # type: ignore[no-any-return]
