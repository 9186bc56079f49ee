"""A squash from beginning to end: replay, compose, write, replay again, compare, and only then do.

Nothing of the database is read but its kind, and nothing of the folder is changed before both
histories were found to make the same on both databases.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util import rev_id
from sqlalchemy import URL, MetaData, make_url
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import CannotSquash, Failed
from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.explaining import explained_fault
from agentlogger.migrate.rehearsal import proofs
from agentlogger.migrate.revisions import seals
from agentlogger.migrate.revisions.declared import digest
from agentlogger.migrate.revisions.folder import load
from agentlogger.migrate.revisions.recording import dialect_of, record
from agentlogger.migrate.squashing import journal
from agentlogger.migrate.squashing.made import (
    Difference,
    Made,
    differences,
    look,
    reflected,
    replayed,
    take_back,
)
from agentlogger.migrate.squashing.moments import Clock
from agentlogger.migrate.squashing.pieces import BACKENDS, Composing, Piece, tried
from agentlogger.migrate.squashing.replaced import Choice
from agentlogger.migrate.squashing.rewriting import onto
from agentlogger.migrate.squashing.writing import Head, written
from agentlogger.migrate.task import DIALECTS, Task
from agentlogger.migrate.trial.progress import progress
from agentlogger.migrate.verbs.backfills import BackfillOp


@dataclass(frozen=True)
class Squash:
    """A base that was written and compared. `files` are relative to the folder."""

    choice: Choice
    revision: str
    file: str
    files: Mapping[str, str]
    gone: tuple[str, ...]
    rows: Mapping[str, int]
    differences: tuple[Difference, ...]


def propose(task: Task, choice: Choice, message: str, script: ScriptDirectory) -> Squash:
    """Write a base for what is chosen, in a folder of its own, and compare what it makes.

    Raises CannotSquash, Failed where the history itself cannot be replayed, and Unsealed where it
    is not the one that was sealed.
    """
    seals.check(task.folder, task.revisions)
    places = {backend: _Place(task, backend) for backend in BACKENDS}
    old: dict[str, Made] = {}
    tables: dict[str, MetaData] = {}
    whole: dict[str, Made] = {}
    fresh: dict[str, Made] = {}
    with progress("Replaying the history"):
        for backend, place in places.items():
            with place.scratch() as url:
                fresh[backend] = look(url, place.dialect, Clock(0, 0))
                old[backend] = place.replayed(task.folder, url, choice.heads)
                tables[backend] = reflected(url, place.dialect)
            # Once more: what is by chance is another the second time.
            with place.scratch() as url:
                again = place.replayed(task.folder, url, choice.heads)
                whole[backend] = place.replayed(task.folder, url, "heads")
            _refuse_chance(backend, old[backend], again)
    with progress("Composing the base"):
        pieces = _composed(places, old, tables, fresh)
    with tempfile.TemporaryDirectory(prefix="migration-squash-") as made:
        proposed = _written(task, choice, _head(task, choice, message, script), pieces, Path(made))
        with progress("Comparing both histories"):
            found = tuple(
                difference
                for backend, place in places.items()
                for difference in place.compared(
                    Path(made), proposed.revision, old[backend], whole[backend], fresh[backend]
                )
            )
    rows = {table: len(rows) for made_ in old.values() for table, rows in made_.rows.items()}
    return replace(proposed, differences=found, rows=rows)


def accept(task: Task, squash: Squash) -> None:
    """Put the new files in place of the old ones. Raises Unsealed."""
    journal.write(task.folder, squash.files, squash.gone)


class _Place:
    """One of the two databases: where things are tried on it."""

    def __init__(self, task: Task, backend: str) -> None:
        self._task = task
        self._backend = backend
        self.dialect: Dialect = DIALECTS[backend]
        self.metadata = task.metadata
        if backend == "postgresql" and task.url.get_backend_name() != backend:
            named = task.options.word("scratch") or task.options.text("MIGRATE_SCRATCH_URL")
            if not (named or "").startswith(backend):
                raise CannotSquash(
                    "A base must make the same on PostgreSQL and on SQLite, and no PostgreSQL is "
                    "at hand: name an empty database on one with -x scratch=URL (it is filled and "
                    "emptied), or set DATABASE_URL to a PostgreSQL whose role may create databases."
                )

    @contextmanager
    def scratch(self) -> Iterator[URL]:
        """An empty database. Raises Refused."""
        url = self._task.url
        if self._backend != url.get_backend_name() and self._backend == "sqlite":
            url = URL.create("sqlite")
        try:
            with self.dialect.scratch(url, self._task.options) as place:
                yield place
        except DBAPIError as fault:
            named = self._task.options.word("scratch")
            told = make_url(named) if named and self._backend == "postgresql" else url
            raise explained_fault(fault, told, f"`{self._task.doing}`") from fault

    def replayed(self, folder: Path, url: URL, target: str | tuple[str, ...]) -> Made:
        return replayed(folder, url, target, self.dialect, self.metadata)

    def compared(
        self, folder: Path, revision: str, old: Made, whole: Made, fresh: Made
    ) -> Iterator[Difference]:
        """Where the new history does not make what the old one did, and what its way back leaves.

        What follows the base is applied too: it must find there what it has found before.
        """
        name = self._backend
        try:
            with self.scratch() as url:
                yield from differences(name, old, self.replayed(folder, url, revision))
                began = time.time()
                take_back(folder, url, self.dialect, self.metadata)
                left = look(url, self.dialect, Clock(began, time.time()))
                empty = replace(fresh, foundations=left.foundations)
                yield from differences(f"{name}, after the way back", empty, left)
            with self.scratch() as url:
                now = self.replayed(folder, url, "heads")
                yield from differences(f"{name}, at the head", whole, now)
        except Failed as fault:
            yield Difference(name, "the new history", None, str(fault))


def _refuse_chance(backend: str, first: Made, second: Made) -> None:
    """Raise CannotSquash where a history does not make the same twice."""
    for one in differences(backend, first, second):
        raise CannotSquash(
            f"The history makes {one.thing} by chance: {one.before} in one replay on {backend}, "
            f"{one.after} in the next. A base cannot say that: squash before the revision that "
            "does this."
        )


def _composed(
    places: Mapping[str, _Place],
    old: Mapping[str, Made],
    tables: Mapping[str, MetaData],
    fresh: Mapping[str, Made],
) -> list[Piece]:
    """The pieces of the base in order, each as it was found to make the same."""
    composing = Composing(old, tables, DIALECTS, fresh)
    while True:
        pieces = composing.pieces()
        rejected: set[str] = set()
        for backend, place in places.items():
            with place.scratch() as url:
                trial = tried(pieces, url, place.dialect, old[backend], place.metadata)
            rejected |= trial.rejected
            pieces = [*trial.order, *composing.lacking(backend, trial.beyond)]
        if not rejected:
            return pieces
        # What was rejected is no code the next time, so this ends.
        composing.rejected |= rejected


def _head(task: Task, choice: Choice, message: str, script: ScriptDirectory) -> Head:
    revision, now = rev_id(), datetime.now(UTC)
    follower = onto(choice.follower, choice.gone, revision)
    own = Path(_within(task.folder, choice.follower.path)).parent
    name = script._rev_path("", revision, message, now).name  # noqa: SLF001  (how Alembic names a file)
    return Head(
        revision=revision,
        message=message,
        date=now,
        program=task.program,
        labels=_labels(script, choice.gone),
        rewritten={choice.follower.revision: (choice.follower.sha256, digest(follower))},
        backfills=_backfills(script, choice),
        file=(own / name).as_posix(),
        follower=follower,
    )


def _written(task: Task, choice: Choice, head: Head, pieces: list[Piece], folder: Path) -> Squash:
    """The new history in a folder of its own, with the base and without what it replaces."""
    gone = choice.gone
    text = written(head, choice, pieces)
    names = {one.revision: _within(task.folder, one.path) for one in task.revisions}
    files = {head.file: text, names[choice.follower.revision]: head.follower}
    for one in task.revisions:
        if one.revision not in gone:
            path = folder / names[one.revision]
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(one.path, path)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8", newline="\n")
    load(ScriptDirectory(str(folder)))
    return Squash(
        choice=choice,
        revision=head.revision,
        file=head.file,
        files=files,
        gone=tuple(sorted([*(names[one] for one in gone), *_proofs(task.folder, gone)])),
        rows={},
        differences=(),
    )


def _proofs(folder: Path, gone: Collection[str]) -> list[str]:
    """The proofs of what goes, relative to the folder."""
    found = [proofs.path_of(folder, one) for one in gone]
    return [path.relative_to(folder).as_posix() for path in found if path.exists()]


def _within(folder: Path, path: Path) -> str:
    """A revision's file as the folder calls it. Raises CannotSquash for one elsewhere."""
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        raise CannotSquash(
            f"{path} is not in {folder}, and a squash replaces files of one folder alone: move it "
            "there, run `flask db seal`, then squash again."
        ) from None


def _backfills(script: ScriptDirectory, choice: Choice) -> tuple[str, ...]:
    """The backfills of what is replaced."""
    found: list[str] = []
    for one in choice.replaced:
        module = script.get_revision(one.revision).module
        found += getattr(module, "replaced_backfills", ())
        for url in ("postgresql+psycopg2://", "sqlite://"):
            recorded = record(module.upgrade, dialect_of(make_url(url)))
            found += [operation.name for operation in recorded.of(BackfillOp)]
    return tuple(dict.fromkeys(found))


def _labels(script: ScriptDirectory, gone: Collection[str]) -> tuple[str, ...]:
    """The branch labels of what is replaced: commands may name them."""
    found: list[str] = []
    for one in sorted(gone):
        told = getattr(script.get_revision(one).module, "branch_labels", None) or ()
        found += [told] if isinstance(told, str) else told
    return tuple(found)
