"""A scratch database with synthetic rows, on which revisions go up and down one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import URL, Connection

from agentlogger.migrate.causes import BrokenReferences
from agentlogger.migrate.ledger import tables as ledger
from agentlogger.migrate.linting.backfills import Postponed, finish_needed
from agentlogger.migrate.linting.describing import Table
from agentlogger.migrate.linting.filling import Filled, Filler, described, elsewhere
from agentlogger.migrate.options import LOCK_TIMEOUT, STATEMENT_TIMEOUT
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.run.steps import downgrades, upgrades
from agentlogger.migrate.task import Task
from agentlogger.migrate.trial.confining import confined
from agentlogger.migrate.trial.observing import Observed, Spent, TooLong, observing
from agentlogger.migrate.trial.simulating import Failure, failure_of

LONGEST_SECONDS = 60.0
"""No statement of a revision is begun later: these are few rows."""

T = TypeVar("T")


@dataclass
class Tried:
    """What one direction of a revision did."""

    observed: list[Observed] = field(default_factory=list)
    spent: Spent = field(default_factory=Spent)
    failure: Failure | None = None

    def take_faster(self, other: Tried) -> None:
        """Take the times of another run where they are shorter: those that the machine added go."""
        others = {one.key: one for one in other.observed}
        for one in self.observed:
            again = others.get(one.key)
            if again is not None and again.executions == one.executions:
                one.seconds = min(one.seconds, again.seconds)
        self.spent.code = min(self.spent.code, other.spent.code)


class Stage:
    """One scratch database, empty at first."""

    def __init__(self, task: Task, place: URL) -> None:
        self._task = task
        self._place = place
        self._engine = task.dialect.make_engine(place, writes=True)
        self._connection: Connection | None = None
        self.filled: dict[str, Filled] = {}

    def prepare(self) -> None:
        """Make the tables of this room, which a verb may write to."""
        self.ask(ledger.make)

    def ask(self, question: Callable[[Connection], T]) -> T:
        """What a function finds out in a transaction that is rolled back."""
        if self._connection is None:
            self._connection = self._engine.connect()
        try:
            return question(self._connection)
        finally:
            self._connection.rollback()

    def close(self) -> None:
        """Let go of the database; the next question connects again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def catalogue(self) -> Mapping[str, str]:
        """Each object of the schema, with its definition."""
        return self.ask(self._task.dialect.catalogue)

    def tables(self) -> dict[str, Table]:
        """Every table as it is."""
        return self.ask(lambda connection: described(connection, self._task.dialect))

    def fill(
        self,
        rows: Callable[[str], int],
        later: Mapping[str, Sequence[Table]],
        whole: Iterable[str],
    ) -> None:
        """Give every table as many rows as are wanted of it, where it has fewer."""
        dialect = self._task.dialect

        def work(connection: Connection) -> dict[str, Filled]:
            tables = described(connection, dialect, later, makes_parts=True)
            filler = Filler(connection, dialect, tables, whole)
            found = {name: filler.fill(name, rows(name)) for name in tables}
            connection.commit()
            return found | elsewhere(connection)

        before, self.filled = self.filled, self.ask(work)
        if self.filled != before:
            dialect.settle(self._place)

    def finish_needed(self, revision: Declared) -> None:
        """Do the backfills that a revision needs, for the rows that came since."""
        script = self._task.script
        self.ask(lambda connection: finish_needed(connection, script, revision))

    def up(self, revision: Declared) -> Tried:
        """Apply a revision; where it fails, the transaction that it was in is rolled back."""
        (step,) = upgrades(self._task.script, [revision.revision])
        return self._take(step, revision)

    def down(self, revision: Declared) -> Tried:
        """Take a revision back. Raises WouldLose where it has no downgrade."""
        (step,) = downgrades(self._task.script, [revision.revision])
        return self._take(step, revision)

    def _take(self, step: Any, revision: Declared) -> Tried:
        tried = self.ask(lambda connection: self._observe(connection, step, revision))
        if tried.failure is not None:
            # Whatever it has left of its session.
            self.close()
        return tried

    def _observe(self, connection: Connection, step: Any, revision: Declared) -> Tried:
        tried = Tried()
        postponed = Postponed()
        name = revision.revision
        paths = {str(revision.path): revision.path}
        watch = self._task.dialect.watch(connection)
        with (
            confined(self._place),
            observing(connection, watch, paths, seconds=LONGEST_SECONDS) as observer,
        ):

            def steps(_heads: Any, context: MigrationContext) -> Iterator[Any]:
                self._settle(context, step)
                if not step.is_downgrade:
                    postponed.take(connection)
                observer.begin(name)
                yield step
                observer.end()

            try:
                self._run(connection, steps)
                postponed.finish(connection)
            except TooLong:
                connection.rollback()
                reason = f"it takes longer than {LONGEST_SECONDS:.0f} s with few rows"
                tried.failure = Failure(name, revision.path, None, "", reason)
            except Exception as fault:  # noqa: BLE001  (a revision's own code may raise anything)
                tried.failure = failure_of(fault, revision, observer)
                connection.rollback()
            tried.observed = observer.observed
            tried.spent = observer.spent.get(name, tried.spent)
        return tried

    def _settle(self, context: MigrationContext, step: Any) -> None:
        """Let it run as an upgrade lets it: the same waits, and no needless autocommit."""
        task, module = self._task, step.revision.module
        if not task.dialect.NEEDS_AUTOCOMMIT:
            context.autocommit_block = nullcontext  # type: ignore[method-assign,assignment]
        assert context.connection is not None  # noqa: S101  (never in --sql mode)
        context.connection.commit()
        task.dialect.bound(
            context.connection,
            lock_timeout=task.options.number(LOCK_TIMEOUT, module),
            statement_timeout=task.options.number(STATEMENT_TIMEOUT, module),
        )

    def _run(self, connection: Connection, steps: Callable[..., Iterator[Any]]) -> None:
        task = self._task
        config = Config()
        config.set_main_option("script_location", str(task.folder).replace("%", "%%"))
        arguments = task.arguments | dict(task.dialect.CONTEXT_ARGUMENTS)
        with EnvironmentContext(config, task.script, fn=steps) as environment:
            environment.configure(
                **arguments,
                connection=connection,
                target_metadata=task.metadata,
                on_version_apply=self._applied,
            )
            with environment.begin_transaction():
                environment.run_migrations()
            connection.commit()

    def _applied(
        self, ctx: MigrationContext, step: MigrationInfo, heads: Any, run_args: Any
    ) -> None:
        """Look once more, as an upgrade does."""
        del step, heads, run_args
        assert ctx.connection is not None  # noqa: S101  (never in --sql mode)
        broken = self._task.dialect.broken_references(ctx.connection)
        if broken:
            raise BrokenReferences(f"it leaves rows that refer to nothing in {', '.join(broken)}")
