"""Which revisions a squash replaces, and what does not let it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentlogger.migrate.causes import CannotSquash
from agentlogger.migrate.explaining import unknown
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import shown

FEWEST = 2
"""One revision alone is replaced by one: nothing is gained."""


@dataclass(frozen=True)
class Choice:
    """What is replaced, parents first, and what stays and follows it."""

    replaced: tuple[Declared, ...]
    follower: Declared
    heads: tuple[str, ...]
    """The last of the replaced: what the follower stands on."""

    @property
    def gone(self) -> frozenset[str]:
        """The revisions whose files go."""
        return frozenset(one.revision for one in self.replaced)

    @property
    def ids(self) -> tuple[str, ...]:
        """The replaced revisions, with those that they replace in turn."""
        found: list[str] = []
        for one in self.replaced:
            if one.replaces is not None:
                found += one.replaces.revisions
            found.append(one.revision)
        return tuple(found)

    @property
    def release(self) -> str | None:
        """The release that brought the last of them, where they say so."""
        told = [one.release for one in self.replaced if one.release]
        return told[-1] if told else None


def choose(before: str, revisions: Sequence[Declared]) -> Choice:
    """What comes before a revision, which is named by its id or the beginning of it.

    Raises Unknown and CannotSquash.
    """
    follower = _named(before, revisions)
    wanted = {follower.revision}
    replaced: list[Declared] = []
    for one in reversed(revisions):
        if one.revision in wanted:
            wanted |= set(one.parents)
            if one is not follower:
                replaced.insert(0, one)
    if len(replaced) < FEWEST:
        count = f"only {replaced[0].revision}" if replaced else "nothing"
        raise CannotSquash(
            f"Before {follower.revision} ({follower.message}) there is {count}, so there is "
            "nothing to squash: name a later revision; `flask db history` lists all."
        )
    _refuse_others(follower, replaced, revisions)
    gone = {one.revision for one in replaced}
    parents = {parent for one in replaced for parent in one.parents}
    heads = tuple(one.revision for one in replaced if one.revision not in parents)
    assert gone.issuperset(heads)  # noqa: S101  (chosen among them)
    return Choice(tuple(replaced), follower, heads)


def _named(before: str, revisions: Sequence[Declared]) -> Declared:
    found = [one for one in revisions if one.revision.startswith(before)]
    exact = [one for one in found if one.revision == before]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if not found:
        raise unknown(before, revisions)
    raise CannotSquash(
        f"{before!r} could be {' or '.join(one.revision for one in found)}: name it in full."
    )


def _refuse_others(
    follower: Declared, replaced: Sequence[Declared], revisions: Sequence[Declared]
) -> None:
    """Raise CannotSquash where another revision stands on what would go."""
    gone = {one.revision for one in replaced}
    for one in revisions:
        on = sorted(gone & set(one.parents))
        if one is follower or one.revision in gone or not on:
            continue
        raise CannotSquash(
            f"{shown(one.path)} stands on {', '.join(on)} too, beside {follower.revision}, and "
            "would stand on nothing: squash before a revision behind the merge of both branches "
            "(`flask db history` shows it; `flask db merge heads` makes one)."
        )
