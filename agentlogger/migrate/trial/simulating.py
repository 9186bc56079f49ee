"""Pending revisions run on a scratch database that has the history of the live one and its rows.

A revision's own code runs as it will, so its data steps do what they will; each statement is
observed. The live database is only read.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import URL, Connection, inspect
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.backfills.registering import PLACE
from agentlogger.migrate.causes import BrokenReferences, Failed
from agentlogger.migrate.ledger import tables
from agentlogger.migrate.options import BACKFILL_INLINE
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.task import Task
from agentlogger.migrate.trial.confining import confined
from agentlogger.migrate.trial.estimating import Sampled
from agentlogger.migrate.trial.filling import Trying, fill, unfinished
from agentlogger.migrate.trial.observing import Observed, Observer, Spent, TooLong, observing
from agentlogger.migrate.trial.pending import Pending
from agentlogger.migrate.trial.replay import replay
from agentlogger.migrate.trial.sampling import Amount, Wanted, wanted

LONGEST_SECONDS = 60.0
"""No statement is begun later: a loop over a sample may take longer than anybody waits for."""


@dataclass(frozen=True)
class Failure:
    """What stopped a simulation: the revision, and where in its file; `sql` is "" for its code."""

    revision: str
    path: Path
    line: int | None
    sql: str
    reason: str


@dataclass
class Simulation:
    """What pending revisions did to some rows."""

    sampled: Mapping[str, Sampled]
    beside: tuple[str, ...]
    """Tables of the live database that its history does not make, so that they were not there."""
    observed: list[Observed] = field(default_factory=list)
    spent: dict[str, Spent] = field(default_factory=dict)
    """By revision; those that were not begun are left out."""
    left: tuple[tuple[str, int], ...] = ()
    """The backfills that would be left for later: their names, and about how many rows."""
    failure: Failure | None = None
    ran_out: bool = False
    """Whether it was ended, since it took too long."""

    @property
    def is_whole(self) -> bool:
        """Whether every row of every table that was wanted was there."""
        return all(one.is_exact for one in self.sampled.values())

    @property
    def seconds(self) -> float:
        """How long the statements and the revisions' own code took."""
        return sum(one.seconds for one in self.observed) + sum(
            one.code for one in self.spent.values()
        )

    def take_faster(self, other: Simulation) -> None:
        """Take the times of another simulation with the same sample where they are shorter."""
        others = {one.key: one for one in other.observed}
        for one in self.observed:
            again = others.get(one.key)
            if again is not None and again.executions == one.executions:
                one.seconds = min(one.seconds, again.seconds)
        for revision, spent in self.spent.items():
            spent_again = other.spent.get(revision, spent)
            spent.code = min(spent.code, spent_again.code)
            spent.commit = min(spent.commit, spent_again.commit)


def simulate(
    task: Task,
    pending: Sequence[Pending],
    place: URL,
    amount: Amount,
    told: Callable[[int], None] = lambda _done: None,
) -> Simulation:
    """Run the pending revisions on an empty scratch database, with so many rows of the tables.

    `told` is called with how many revisions are done. A revision that fails ends it, and is its
    `failure`. Raises Failed where already the history cannot be replayed.
    """
    assert task.state is not None  # noqa: S101  (looked up before)
    with confined(place):
        replay(task.folder, place, task.state.heads, task.dialect, metadata=task.metadata)
    chosen, there = _wanted(task, pending, place)
    sampled = task.dialect.sample(task.url, place, chosen, amount)
    simulation = Simulation(sampled, _beside(task, there))
    waiting = _unfinished(task)
    with confined(place):
        _fill(task, place, waiting)
        _run(task, pending, place, simulation, told)
    return simulation


def _wanted(task: Task, pending: Sequence[Pending], place: URL) -> tuple[Wanted, set[str]]:
    """The tables whose rows are needed, and all that the history makes."""
    engine = task.dialect.make_engine(place, writes=True)
    try:
        with engine.connect() as connection:
            tables.make(connection)
            chosen = wanted(
                connection,
                task.dialect.unowned(connection),
                [(one.revision, one.recorded) for one in pending],
            )
            return chosen, set(inspect(connection).get_table_names())
    finally:
        engine.dispose()


def _beside(task: Task, there: set[str]) -> tuple[str, ...]:
    engine = task.dialect.make_reader(task.url)
    try:
        with engine.connect() as connection:
            parts = task.dialect.unowned(connection)
            return tuple(sorted(set(inspect(connection).get_table_names()) - there - parts))
    finally:
        engine.dispose()


def _unfinished(task: Task) -> list[Definition]:
    engine = task.dialect.make_reader(task.url)
    try:
        with engine.connect() as connection:
            return unfinished(connection)
    finally:
        engine.dispose()


def _fill(task: Task, place: URL, waiting: Sequence[Definition]) -> None:
    """Do what revisions of the history have left for later: pending ones may need it."""
    if not waiting:
        return
    engine = task.dialect.make_engine(place, writes=True)
    try:
        with engine.connect() as connection:
            fill(connection, waiting)
    finally:
        engine.dispose()


def _run(
    task: Task,
    pending: Sequence[Pending],
    place: URL,
    simulation: Simulation,
    told: Callable[[int], None],
) -> None:
    paths = {str(one.revision.path): one.revision.path for one in pending}
    engine = task.dialect.make_engine(place, writes=True)
    try:
        with (
            engine.connect() as connection,
            observing(
                connection, task.dialect.watch(connection), paths, seconds=LONGEST_SECONDS
            ) as observer,
        ):
            steps = _Steps(task, pending, observer, simulation.sampled, told)
            try:
                steps.run(connection)
            except Failed:
                raise
            except TooLong:
                simulation.ran_out = True
                connection.rollback()
            except Exception as fault:  # noqa: BLE001  (a revision's own code may raise anything)
                simulation.failure = failure_of(fault, steps.at_work, observer)
                connection.rollback()
            simulation.left = tuple(steps.left)
            simulation.observed = observer.observed
            simulation.spent = observer.spent
    finally:
        engine.dispose()


class _Steps:
    """The pending steps, handed to Alembic one by one."""

    def __init__(
        self,
        task: Task,
        pending: Sequence[Pending],
        observer: Observer,
        sampled: Mapping[str, Sampled],
        told: Callable[[int], None],
    ) -> None:
        self._task = task
        self._sampled = sampled
        self.left: list[tuple[str, int]] = []
        self._pending = pending
        self._observer = observer
        self._told = told
        self.at_work: Declared | None = None

    def run(self, connection: Connection) -> None:
        """Take every step, as `upgrade` would."""
        config = Config()
        config.set_main_option("script_location", str(self._task.folder).replace("%", "%%"))
        arguments = self._task.arguments | dict(self._task.dialect.CONTEXT_ARGUMENTS)
        with EnvironmentContext(config, self._task.script, fn=self._remaining) as environment:
            environment.configure(
                **arguments,
                connection=connection,
                target_metadata=self._task.metadata,
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

    def _remaining(self, _heads: Any, context: MigrationContext) -> Iterator[Any]:
        if not self._task.dialect.NEEDS_AUTOCOMMIT:
            context.autocommit_block = nullcontext  # type: ignore[method-assign,assignment]
        for done, one in enumerate(self._pending):
            self.at_work = one.revision
            assert context.connection is not None  # noqa: S101  (never in --sql mode)
            context.connection.commit()
            trying = Trying(
                self._sampled, self._task.options.number(BACKFILL_INLINE, one.step.revision.module)
            )
            context.connection.info[PLACE] = trying
            self._observer.begin(one.revision.revision)
            yield one.step
            self._observer.end()
            self.left += trying.left
            self._told(done + 1)


def failure_of(fault: Exception, revision: Declared | None, observer: Observer) -> Failure:
    """Where a revision failed, and why. Raises the fault again where none was at work."""
    if revision is None:
        raise fault
    statement = observer.failing
    frames = [
        frame
        for frame in traceback.extract_tb(fault.__traceback__)
        if frame.filename == str(revision.path)
    ]
    said = fault.orig if isinstance(fault, DBAPIError) else fault
    reason = str(said).strip().partition("\n")[0]
    return Failure(
        revision=revision.revision,
        path=revision.path,
        line=frames[-1].lineno if frames else None,
        sql=statement.sql if statement is not None and isinstance(fault, DBAPIError) else "",
        reason=reason if isinstance(fault, DBAPIError) else f"{type(fault).__name__}: {reason}",
    )
