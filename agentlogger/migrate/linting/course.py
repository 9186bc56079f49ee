"""The course of a lint: each chosen revision up and down on rows, watched and judged.

First the revisions run on an empty database, which tells the rules that rows will have to obey
later on; then on one with rows. In every second row what may be NULL is, as it is where a column
was added to a table in use; a revision that fails on those is tried again with values everywhere.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from agentlogger.migrate.causes import WouldLose
from agentlogger.migrate.ledger.graph import heads_of
from agentlogger.migrate.linting.classes import Budgets
from agentlogger.migrate.linting.compatibility import Habit, broken, habits
from agentlogger.migrate.linting.describing import Table
from agentlogger.migrate.linting.filling import Filled
from agentlogger.migrate.linting.finding import DOWN, UP, Finding, Judged
from agentlogger.migrate.linting.judging import Seen, judge
from agentlogger.migrate.linting.revision_findings import (
    difference,
    of_broken,
    of_each_table,
    of_failure,
    of_revision,
)
from agentlogger.migrate.linting.rules import (
    FAILS_WITH_ROWS,
    NOT_REVERSIBLE,
    WARNING,
)
from agentlogger.migrate.linting.stage import Stage, Tried
from agentlogger.migrate.revisions.declared import LOSES_DATA, YES, Declared
from agentlogger.migrate.task import Task
from agentlogger.migrate.trial.confining import confined
from agentlogger.migrate.trial.progress import progress
from agentlogger.migrate.trial.replay import replay
from agentlogger.migrate.trial.simulating import Failure

COMPATIBLE = {"expand", "online", "backfill"}
"""Phases that an older program must not notice."""

WITHOUT_NULL = "It refuses rows with NULL, so it was judged with rows that have a value everywhere."


@dataclass(frozen=True)
class Before:
    """A database that a revision is about to change."""

    catalogue: Mapping[str, str]
    habits: Sequence[Habit]


class Course:
    """The revisions of one run: those `before` the first chosen one are replayed without rows."""

    def __init__(
        self,
        task: Task,
        budgets: Budgets,
        before: Sequence[Declared],
        rest: Sequence[Declared],
        chosen: Iterable[str],
    ) -> None:
        self._task = task
        self._budgets = budgets
        self._before = before
        self._rest = rest
        self._chosen = frozenset(chosen)
        self._shapes: list[dict[str, Table]] = []
        """The tables after each of the rest, as far as these can be applied."""
        self._failure: Failure | None = None
        self._whole: set[str] = set()
        """Tables that must have a value everywhere."""
        self._scratch = ExitStack()
        self._stage: Stage
        self.version = ""

    @property
    def filled(self) -> Mapping[str, Filled]:
        """The rows that each table had last."""
        return self._stage.filled

    def run(self) -> list[Judged]:
        """Judge every chosen revision, in history order. Raises Failed and Refused."""
        with self._scratch:
            with progress("Reading what the revisions make") as told:
                self._look_ahead(told)
            with progress("Judging the revisions") as told:
                return list(self._judge(told))

    def _fresh(self) -> None:
        """Begin anew, with an empty database that is where the first of the rest wants it."""
        task = self._task
        self._scratch.close()
        place = self._scratch.enter_context(task.dialect.scratch(task.url, task.options))
        with confined(place):
            heads = heads_of(self._before)
            replay(task.folder, place, heads, task.dialect, metadata=task.metadata)
        self._stage = Stage(task, place)
        self._scratch.callback(self._stage.close)
        self._stage.prepare()

    def _look_ahead(self, told: Callable[[int, int], None]) -> None:
        self._fresh()
        self.version = self._stage.ask(self._task.dialect.version)
        for place, revision in enumerate(self._rest):
            told(place, len(self._rest))
            self._failure = self._stage.up(revision).failure
            if self._failure is not None:
                return
            self._shapes.append(self._stage.tables())

    def _judge(self, told: Callable[[int, int], None]) -> Iterator[Judged]:
        self._fresh()
        for place, revision in enumerate(self._rest):
            told(place, len(self._rest))
            is_chosen = revision.revision in self._chosen
            if place >= len(self._shapes):
                if is_chosen:
                    yield Judged(revision, not_judged=self._why_not(revision))
                continue
            self._fill(place)
            if is_chosen:
                yield self._judged(place, revision)
            elif self._applied(place, revision)[1].failure is not None:
                self._pass_without_rows(place)

    def _why_not(self, revision: Declared) -> str:
        failure = self._failure
        assert failure is not None  # noqa: S101  (else every revision has its shapes)
        if failure.revision != revision.revision:
            return f"it follows {failure.revision}, which fails on an empty database"
        line = f" in line {failure.line}" if failure.line is not None else ""
        return f"it fails{line} on an empty database ({failure.reason})"

    def _fill(self, place: int) -> None:
        later: dict[str, list[Table]] = defaultdict(list)
        for shapes in self._shapes[place:]:
            for name, table in shapes.items():
                later[name].append(table)
        self._stage.fill(lambda name: self._budgets.of(name).rows, later, self._whole)
        for revision in self._rest[place : place + 1]:
            self._stage.finish_needed(revision)

    def _return_to(self, place: int) -> None:
        """Come again to where this one of the rest is next, with rows."""
        self._fresh()
        for earlier in range(place):
            self._fill(earlier)
            self._stage.up(self._rest[earlier])
        self._fill(place)

    def _pass_without_rows(self, place: int) -> None:
        """Go past a revision that fails with rows."""
        self._fresh()
        for revision in self._rest[: place + 1]:
            self._stage.up(revision)

    def _look(self, place: int) -> Before:
        dialect = self._task.dialect
        after = {name: [table] for name, table in self._shapes[place].items()}
        known = self._stage.ask(lambda connection: habits(connection, dialect, after))
        return Before(self._stage.catalogue(), known)

    def _applied(self, place: int, revision: Declared) -> tuple[Before, Tried, tuple[str, ...]]:
        """Apply a revision to rows, and where it fails to rows with a value everywhere."""
        before = self._look(place)
        tried = self._stage.up(revision)
        if tried.failure is None:
            return before, tried, ()
        text = " ".join((revision.source, *(one.sql for one in tried.observed)))
        self._whole |= set(re.findall(r"\w+", text)) & set(self._stage.filled)
        self._return_to(place)
        before = self._look(place)
        tried = self._stage.up(revision)
        return before, tried, (WITHOUT_NULL,) if tried.failure is None else ()

    def _judged(self, place: int, revision: Declared) -> Judged:
        before, tried, notes = self._applied(place, revision)
        statements = [(UP, one) for one in tried.observed]
        if tried.failure is not None:
            says = f"it fails on rows that were made up ({tried.failure.reason})"
            finding = of_failure(FAILS_WITH_ROWS, tried.failure, UP, says)
            self._pass_without_rows(place)
            return Judged(revision, (finding,), tuple(statements))
        findings = []
        if revision.phase in COMPATIBLE:
            gone = self._stage.ask(lambda connection: [*broken(connection, before.habits)])
            findings += [of_broken(one, revision, tried) for one in of_each_table(gone)]
        if revision.is_reversible:
            down, more = self._taken_back(place, revision, before, tried)
            findings += more
            statements += [(DOWN, one) for one in down.observed]
        findings = [*judge(self._seen(tried, UP)), *findings]
        return Judged(revision, tuple(findings), tuple(statements), notes)

    def _seen(self, tried: Tried, direction: str) -> Seen:
        dialect = self._task.dialect
        name = self._task.url.get_backend_name()
        return Seen(tried, direction, self._stage.filled, self._budgets, name, dialect.stops)

    def _taken_back(
        self, place: int, revision: Declared, before: Before, tried: Tried
    ) -> tuple[Tried, list[Finding]]:
        """Take a revision back and apply it again, and tell what speaks against it.

        What is `tried` a second time is known better: the shorter of its times counts.
        """
        after = self._stage.catalogue()
        level = NOT_REVERSIBLE.level if revision.reversible in {YES, LOSES_DATA} else WARNING
        try:
            down = self._stage.down(revision)
        except WouldLose:
            says = "it has no downgrade()"
            return Tried(), [of_revision(NOT_REVERSIBLE, revision, says, level)]
        if down.failure is not None:
            if self._stage.catalogue() != after:
                self._return_to(place + 1)
            says = f"the downgrade fails ({down.failure.reason})"
            return down, [
                replace(of_failure(NOT_REVERSIBLE, down.failure, DOWN, says), level=level)
            ]
        findings = [*judge(self._seen(down, DOWN))]
        left = difference(before.catalogue, self._stage.catalogue())
        if left:
            says = f"up and down leaves another schema than before: {left}"
            findings.append(of_revision(NOT_REVERSIBLE, revision, says, level))
        again = self._stage.up(revision)
        if again.failure is not None:
            says = f"once taken back, it cannot be applied again ({again.failure.reason})"
            findings.append(
                replace(of_failure(NOT_REVERSIBLE, again.failure, UP, says), level=level)
            )
            self._return_to(place + 1)
        else:
            tried.take_faster(again)
        return down, findings
