"""Revisions that a squash has replaced, as far as databases still know them.

A database that is at the last of them has what the new base makes, so it stands at the base: it is
read so by every command, and written so by the next one that writes. One in the middle of them has
no file to go on by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from agentlogger.migrate.revisions.declared import Declared


def resolved(heads: Iterable[str], revisions: Sequence[Declared]) -> tuple[str, ...]:
    """The version row in the words of this tree, sorted."""
    found = set(heads)
    for one in revisions:
        if one.replaces is not None and one.replaces.heads and found.issuperset(one.replaces.heads):
            found = found - set(one.replaces.heads) | {one.revision}
    return tuple(sorted(found))


def bases(revisions: Iterable[Declared]) -> Mapping[str, Declared]:
    """For each revision that was replaced, the one that stands for it."""
    return {
        replaced: one
        for one in revisions
        if one.replaces is not None
        for replaced in one.replaces.revisions
    }


def is_text_of(revision: Declared, sha256: str, revisions: Iterable[Declared]) -> bool:
    """Whether what was applied as this digest is what the revision's file says now.

    A squash changes what its follower says of its parent, and nothing else of it.
    """
    if sha256 == revision.sha256:
        return True
    return any(
        one.replaces.rewritten.get(revision.revision) == (sha256, revision.sha256)
        for one in revisions
        if one.replaces is not None
    )


def sentence_for_squashed_away(
    heads: Sequence[str], halfway: Sequence[str], revisions: Sequence[Declared]
) -> str:
    """What `causes.SquashedAway` says: what is lacking, and with which release to go there."""
    base = bases(revisions)[halfway[-1]]
    assert base.replaces is not None  # noqa: S101  (it is a base)
    order = base.replaces.revisions
    # What stands before the last of them may be known by another name, of an earlier squash.
    has = [order.index(one) for one in halfway if one in order]
    behind = order[max(has) + 1 :] or sorted(set(order) - set(halfway))
    older = base.replaces.release
    release = (
        f"release {older}, which brought the last of them"
        if older
        else "the release that brought the last of them"
    )
    return (
        f"The database is at {', '.join(heads)}, in the middle of {len(base.replaces.revisions)} "
        f"revisions that this program has as one, {base.revision} ({base.message}); it lacks "
        f"{', '.join(behind)}, whose files are gone. Upgrade it first with {release} (`flask db "
        f"upgrade {' '.join(base.replaces.heads)}` there), then run the same command again."
    )
