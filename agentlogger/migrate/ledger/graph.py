"""Which revisions a database has, and in which order they came, from its version row and history.

The version row names the last ones only; their ancestors follow from the files of this tree, and
where these have none, from what the database keeps of each revision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from agentlogger.migrate.ledger.history import Entry, entries, last_up
from agentlogger.migrate.ledger.replaced import bases, resolved
from agentlogger.migrate.revisions.declared import UNDECLARED, Declared, breaks_older


@dataclass(frozen=True)
class State:
    """A database beside a tree of revisions."""

    heads: tuple[str, ...]
    """The version row; for the last of squashed revisions, the one that replaces them."""
    revisions: tuple[Declared, ...]
    """This tree's, parents first."""
    history: tuple[Entry, ...]
    version_row: tuple[str, ...] = ()
    """What the database itself says where `heads` says it in the words of this tree."""

    @property
    def known(self) -> Mapping[str, Declared]:
        """This tree's revisions by id."""
        return {revision.revision: revision for revision in self.revisions}

    @property
    def tree_heads(self) -> tuple[str, ...]:
        """The newest revisions of this tree."""
        return heads_of(self.revisions)

    @property
    def applied(self) -> frozenset[str]:
        """Every revision that the database has."""
        known, told = self.known, last_up(self.history)
        found: set[str] = set()
        waiting = list(self.heads)
        while waiting:
            revision = waiting.pop()
            if revision in found:
                continue
            found.add(revision)
            if revision in known:
                waiting += known[revision].parents
            elif revision in told:
                waiting += told[revision].parents
        return frozenset(found)

    @property
    def pending(self) -> tuple[Declared, ...]:
        """What this tree has and the database has not, parents first."""
        applied = self.applied
        return tuple(one for one in self.revisions if one.revision not in applied)

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the database has and this tree has not, in the order it came."""
        known = {*self.known, *bases(self.revisions)}
        return tuple(one for one in self.applied_order() if one not in known)

    @property
    def place(self) -> str:
        """Where the database is: empty, behind, at head, ahead, squashed away, or several heads."""
        if self.unknown:
            return "ahead"
        if self.halfway:
            return "squashed away"
        if not self.heads:
            return "empty"
        if len(self.tree_heads) > 1:
            return "several heads"
        return "behind" if self.pending else "at head"

    @property
    def halfway(self) -> tuple[str, ...]:
        """Squashed revisions that the database has while it lacks others, in the order they came.

        This tree has no file of them any more, so a database that has such cannot go on with it.
        """
        replaced = bases(self.revisions)
        return tuple(one for one in self.applied_order() if one in replaced)

    def phase_of_unknown(self, revision: str) -> str:
        """The phase that a revision had when a newer program applied it."""
        entry = last_up(self.history).get(revision)
        return entry.phase if entry else UNDECLARED

    def applied_order(self) -> list[str]:
        """What the database has, first applied first: by its history, else by the tree's order."""
        places = {one.revision: place for place, one in enumerate(self.revisions)}
        came = {revision: entry.id for revision, entry in last_up(self.history).items()}
        # Stamped over, or older than the history: before everything that the history knows, unless
        # a child of it came earlier.
        return _parents_first(
            sorted(self.applied, key=lambda one: (came.get(one, 0), places.get(one, -1), one)),
            {entry.revision: entry.parents for entry in self.history}
            | {one.revision: one.parents for one in self.revisions},
        )

    def breaking_ahead(self) -> list[str]:
        """The revisions ahead of this tree that an older program cannot bear."""
        return [one for one in self.unknown if breaks_older(self.phase_of_unknown(one))]


def state_of(connection: Connection, revisions: Iterable[Declared]) -> State:
    """The database behind this connection, beside these revisions."""
    row = tuple(sorted(MigrationContext.configure(connection).get_current_heads()))
    listed = tuple(revisions)
    heads = resolved(row, listed)
    return State(heads, listed, tuple(entries(connection)), () if heads == row else row)


def heads_of(revisions: Iterable[Declared]) -> tuple[str, ...]:
    """The revisions that no other follows, sorted."""
    listed = list(revisions)
    followed = {parent for one in listed for parent in one.parents}
    return tuple(sorted(one.revision for one in listed if one.revision not in followed))


def descendants(revision: str, revisions: Sequence[Declared]) -> frozenset[str]:
    """The revision itself and every one that follows it."""
    found = {revision}
    for one in revisions:
        if found & set(one.parents):
            found.add(one.revision)
    return frozenset(found)


def _parents_first(order: list[str], parents: Mapping[str, Sequence[str]]) -> list[str]:
    placed: list[str] = []
    done: set[str] = set()
    wanted = set(order)

    def place(revision: str) -> None:
        if revision in done:
            return
        done.add(revision)
        for parent in parents.get(revision, ()):
            if parent in wanted:
                place(parent)
        placed.append(revision)

    for revision in order:
        place(revision)
    return placed
