"""How revisions are rehearsed: each of them up, down and up again, on a copy that nobody misses.

A pending revision goes up, down and up before the next one does. Then an applied one goes down, up
and down, the newest first, and up again at the end: so each is judged around the very rows that it
finds, and one that fails does not keep the others from being tried.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import URL, Engine
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import Ahead, BadOption
from agentlogger.migrate.explaining import ahead, explained_fault
from agentlogger.migrate.ledger import tables
from agentlogger.migrate.ledger.graph import State as Graph
from agentlogger.migrate.ledger.graph import state_of
from agentlogger.migrate.rehearsal.copies import Copy
from agentlogger.migrate.rehearsal.redacting import names_in
from agentlogger.migrate.rehearsal.results import DOWN, UP, Rehearsal, Rehearsed
from agentlogger.migrate.rehearsal.states import State, TableState
from agentlogger.migrate.rehearsal.stepping import Stepper
from agentlogger.migrate.rehearsal.verdicts import judge
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.task import Task
from agentlogger.migrate.trial.confining import confined
from agentlogger.migrate.trial.filling import fill, unfinished
from agentlogger.migrate.trial.progress import progress

SALT_BITS = 63
"""PostgreSQL's hash functions take a signed seed of 64 bits."""

STEPS_EACH = 3

FILLED = "The backfill {}, which is not finished, was done on the copy before the first step."


@dataclass(frozen=True)
class Wish:
    """What is to be rehearsed: all, or so many of the applied ones beside what is pending."""

    is_all: bool = False
    revisions: str = ""
    """A number of applied revisions, or the id of the oldest of them; "" for what is pending."""


def rehearse(
    task: Task, wish: Wish, *, on: URL | None = None, keep: bool = False
) -> Rehearsal:  # fmt: skip
    """Copy the database of the task, or take what `on` names for its copy, and rehearse on it.

    The database of the task is only read. Raises NoCopy, Ahead for a database of a newer program,
    BadOption for a wish that names nothing, and what a broken database raises.
    """
    began = time.monotonic()
    try:
        with _copy(task, on, keep) as copy:
            return _rehearsed(task, replace(task, url=copy.url), wish, copy, began)
    except DBAPIError as fault:
        raise explained_fault(fault, task.url, "the rehearsal") from fault


def _copy(task: Task, on: URL | None, keep: bool) -> AbstractContextManager[Copy]:
    if on is not None:
        return task.dialect.borrow(task.url, on)
    return task.dialect.copy(task.url, task.options, keep=keep)


def _rehearsed(live: Task, task: Task, wish: Wish, copy: Copy, began: float) -> Rehearsal:
    engine = task.dialect.make_engine(task.url, writes=True)
    try:
        with engine.connect() as connection:
            tables.make(connection)
            connection.commit()
            waiting = unfinished(connection)
            with confined(task.url):
                fill(connection, waiting)
            graph = state_of(connection, task.revisions)
            server = task.dialect.server(connection)
        applied, pending = _chosen(graph, wish)
        with progress("Rehearsing") as told:
            walk = _Walk(task, engine, told)
            walk.go(applied, pending)
        return Rehearsal(
            database=str(live.url.database),
            backend=live.url.get_backend_name(),
            server=server,
            program=task.program,
            copy=copy,
            when=datetime.now(UTC),
            seconds=time.monotonic() - began,
            revisions=tuple(walk.found),
            notes=(*copy.notes, *(FILLED.format(one.name) for one in waiting)),
            rows=walk.rows,
        )
    finally:
        engine.dispose()


def _chosen(graph: Graph, wish: Wish) -> tuple[list[Declared], list[Declared]]:
    """The applied revisions to take back, newest first, and the pending ones, oldest first."""
    if graph.unknown:
        raise Ahead(ahead(graph))
    order = [graph.known[one] for one in graph.applied_order()][::-1]
    pending = list(graph.pending)
    if wish.is_all:
        return order, pending
    if not wish.revisions:
        return ([] if pending else order[:1]), pending
    if wish.revisions.isdecimal() and wish.revisions not in graph.known:
        return order[: int(wish.revisions)], pending
    fitting = [one for one in graph.known if one.startswith(wish.revisions)]
    if len(fitting) != 1:
        raise BadOption(
            f"--revisions {wish.revisions!r} must be a number of applied revisions, or the id of "
            "one revision of this tree: `flask db history -i` shows them."
        )
    places = [place for place, one in enumerate(order) if one.revision == fitting[0]]
    return (order[: places[0] + 1] if places else []), pending


class _Walk:
    """The way through the revisions, with the moments between the steps."""

    def __init__(self, task: Task, engine: Engine, told: Callable[[int, int], None]) -> None:
        self._task = task
        self._engine = engine
        self._told = told
        self._stepper = Stepper(task, engine)
        self._salt = secrets.randbits(SALT_BITS)
        self._done = 0
        self._of = 0
        self._now = self._look({})
        self.rows = self._now.rows
        self.found: list[Rehearsed] = []

    def go(self, applied: Sequence[Declared], pending: Sequence[Declared]) -> None:
        """Rehearse all of them; `found` has them in the order of history afterwards."""
        self._of = STEPS_EACH * (len(applied) + len(pending)) + len(applied)
        # First of all what has the rows of the database still before it.
        new = self._pending(pending)
        old: list[Rehearsed] = []
        if applied:
            self._of += len(new)
            old = self._down_the_applied(applied, self._down_again(new[::-1]))
            taken_back = [one for one in old if one.second_low is not None]
            # What failed on its way up again is not there, and neither is what follows it.
            if not any(one.steps and one.steps[-1].is_failed_up for one in old):
                self._up_again(taken_back[::-1])
        self.found = [*old[::-1], *new]
        for one in self.found:
            judge(one)

    def _pending(self, pending: Sequence[Declared]) -> list[Rehearsed]:
        found = []
        is_whole = True
        for revision in pending:
            one = Rehearsed(revision, is_applied=False)
            if is_whole:
                is_whole = self._up_down_up(one)
            else:
                one.untried = "a revision before it could not be applied"
            found.append(one)
        return found

    def _down_again(self, newest_first: Sequence[Rehearsed]) -> str:
        """Take back what was pending; why the applied ones cannot follow, "" where they can."""
        for one in newest_first:
            name = one.revision.revision
            last = one.steps[-1] if one.steps else None
            if last is None or last.is_failed_up:
                continue
            if not one.revision.is_reversible or last.failure:
                return f"{name}, which is pending and follows it, cannot be taken back"
            if not self._take(one, DOWN):
                return f"{name}, which is pending and follows it, could not be taken back"
        return ""

    def _down_the_applied(self, applied: Sequence[Declared], stopped: str) -> list[Rehearsed]:
        found = []
        for revision in applied:
            one = Rehearsed(revision, is_applied=True, live=self._now)
            found.append(one)
            if stopped:
                one.untried = stopped
            elif not revision.is_reversible:
                one.untried = (
                    "it is applied and declares that it cannot be taken back: rehearse it on a "
                    "database that is still without it"
                )
            elif not self._down_up_down(one):
                stopped = f"{revision.revision}, which follows it, could not be taken back"
            if one.untried and not stopped:
                stopped = f"{revision.revision}, which follows it, cannot be taken back"
        return found

    def _down_up_down(self, one: Rehearsed) -> bool:
        """Whether the revision is taken back at the end."""
        if not self._take(one, DOWN):
            return False
        one.first_low = self._now
        if not self._take(one, UP):
            return False
        one.first_high = self._now
        if not self._take(one, DOWN):
            return False
        one.second_low = self._now
        return True

    def _up_again(self, taken_back: Sequence[Rehearsed]) -> None:
        for one in taken_back:
            one.again_low = self._now
            if not self._take(one, UP):
                return
            one.second_high = self._now

    def _up_down_up(self, one: Rehearsed) -> bool:
        """Whether the revision is applied at the end, so that the next one can follow."""
        one.first_low = self._now
        if not self._take(one, UP):
            return False
        one.first_high = self._now
        if not one.revision.is_reversible:
            return True
        if not self._take(one, DOWN):
            # It was rolled back, so the revision is still there.
            return True
        one.second_low = one.again_low = self._now
        if not self._take(one, UP):
            return False
        one.second_high = self._now
        return True

    def _take(self, one: Rehearsed, direction: str) -> bool:
        taken = self._stepper.take(one.revision, direction)
        known = names_in(self._now.catalogue)
        if taken.is_done:
            self._now = self._look(self._now.tables)
            known |= names_in(self._now.catalogue)
        one.steps.append(taken.told(known))
        self._done += 1
        self._told(self._done, self._of)
        return taken.is_done

    def _look(self, before: Mapping[str, TableState]) -> State:
        with confined(self._engine.url), self._engine.connect() as connection:
            dialect = self._task.dialect
            found = State(
                dialect.catalogue(connection), dialect.marks(connection, self._salt, before)
            )
            connection.rollback()
        return found
