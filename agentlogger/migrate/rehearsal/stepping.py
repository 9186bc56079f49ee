"""One step of a rehearsal: a revision's own code on the copy, each of its statements observed."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import Connection, Engine

from agentlogger.migrate.causes import Refused
from agentlogger.migrate.rehearsal.redacting import reason, without_literals
from agentlogger.migrate.rehearsal.results import DOWN, UP, Statement, Step
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import shown
from agentlogger.migrate.run.steps import downgrades, upgrades
from agentlogger.migrate.task import Task
from agentlogger.migrate.trial.confining import Elsewhere, confined
from agentlogger.migrate.trial.observing import Observed, Observer, Spent, observing

LOOKS = re.compile(r"\s*(?:SELECT|PRAGMA|SHOW|SET|SAVEPOINT|RELEASE)\b", re.IGNORECASE)
"""What only asks the catalogue when it touches no table's rows."""

DANGLING = "it leaves rows that refer to nothing"


@dataclass(frozen=True)
class Taken:
    """A step that was taken, with its values still in it; `told` says what may be said."""

    revision: Declared
    direction: str
    observed: Sequence[Observed] = ()
    spent: Spent = field(default_factory=Spent)
    fault: Exception | None = None
    missing: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it came to its end."""
        return self.fault is None and not self.missing

    def told(self, known: frozenset[str]) -> Step:
        """The step without any value of a row; `known` are names that may be told."""
        failure, place = self.missing, shown(self.revision.path)
        if self.fault is not None:
            failure, place = _told(self.fault, self.revision, known)
        return Step(
            self.direction,
            tuple(_statement(one, known) for one in self.observed if not _is_look(one)),
            self.spent.code,
            self.spent.commit,
            failure,
            "" if self.is_done else place,
        )


class Stepper:
    """Takes revisions up and down on the copy that the task names."""

    def __init__(self, task: Task, engine: Engine) -> None:
        self._task = task
        self._engine = engine

    def take(self, revision: Declared, direction: str) -> Taken:
        """Take one revision; after a fault the copy is as it was before.

        Raises Elsewhere where the revision's code reaches another database.
        """
        make = upgrades if direction == UP else downgrades
        try:
            (step,) = make(self._task.script, [revision.revision])
        except Refused:
            name = "downgrade" if direction == DOWN else "upgrade"
            return Taken(revision, direction, missing=f"there is no {name}()")
        with (
            confined(self._engine.url),
            self._engine.connect() as connection,
            observing(
                connection, self._task.dialect.watch(connection),
                {str(revision.path): revision.path},
            ) as observer,
        ):  # fmt: skip
            fault = self._run(connection, observer, revision, step)
        spent = observer.spent.get(revision.revision, Spent())
        return Taken(revision, direction, observer.observed, spent, fault)

    def _run(
        self, connection: Connection, observer: Observer, revision: Declared, step: Any
    ) -> Exception | None:
        dialect = self._task.dialect

        def steps(_heads: Any, context: MigrationContext) -> Iterator[Any]:
            if not dialect.NEEDS_AUTOCOMMIT:
                context.autocommit_block = nullcontext  # type: ignore[method-assign,assignment]
            connection.commit()
            observer.begin(revision.revision)
            yield step
            observer.end()

        def applied(
            ctx: MigrationContext, step: MigrationInfo, heads: Any, run_args: Any
        ) -> None:  # fmt: skip
            del ctx, step, heads, run_args
            broken = dialect.broken_references(connection)
            if broken:
                raise _Dangling(f"{DANGLING}, in {', '.join(broken)}")

        config = Config()
        config.set_main_option("script_location", str(self._task.folder).replace("%", "%%"))
        try:
            with EnvironmentContext(config, self._task.script, fn=steps) as environment:
                environment.configure(
                    **self._task.arguments | dict(dialect.CONTEXT_ARGUMENTS),
                    connection=connection,
                    target_metadata=self._task.metadata,
                    on_version_apply=applied,
                )
                with environment.begin_transaction():
                    environment.run_migrations()
                connection.commit()
        except Elsewhere:
            raise
        except Exception as fault:  # noqa: BLE001  (a revision's own code may raise anything)
            connection.rollback()
            return fault
        return None


class _Dangling(Exception):  # noqa: N818  (it is what happened)
    """Rows refer to nothing; the sentence names tables alone."""


def _told(fault: Exception, revision: Declared, known: frozenset[str]) -> tuple[str, str]:
    """Why a step failed, and where, without a value of a row."""
    said = str(fault) if isinstance(fault, _Dangling) else reason(fault, known)
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(fault.__traceback__)
        if frame.filename == str(revision.path)
    ]
    place = shown(revision.path)
    return said, f"{place}:{lines[-1]}" if lines else place


def _is_look(one: Observed) -> bool:
    return not one.error and not one.seen.touched and bool(LOOKS.match(one.sql))


def _statement(one: Observed, known: frozenset[str]) -> Statement:
    return Statement(
        sql=without_literals(one.sql, known),
        file=shown(one.path),
        line=one.line,
        executions=one.executions,
        seconds=one.seconds,
        transaction=one.transaction,
        is_autocommit=one.is_autocommit,
        read=one.rows(one.seen.read),
        written=one.rows(one.seen.written),
        locks=dict(one.seen.locks),
        rewrites=tuple(sorted(one.seen.rewritten)),
        indexes=tuple(sorted(one.seen.indexed)),
        touched=tuple(sorted(one.seen.touched)),
        error="refused by the database" if one.error else "",
    )
