"""Which databases a program accepts: not only the one at its own revision.

It needs its own expand revisions, and bears everything that is ahead of it except a contract. So
two releases can serve one database, and a deploy needs no moment at which both change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentlogger.migrate.causes import NewerAlive, OlderAlive
from agentlogger.migrate.ledger.graph import State, descendants
from agentlogger.migrate.ledger.instances import Instance
from agentlogger.migrate.ledger.replaced import bases, sentence_for_squashed_away
from agentlogger.migrate.revisions.declared import Declared


@dataclass(frozen=True)
class Verdict:
    """Whether this program can work with a database of this revision, and if not, why.

    `current` and `heads` are revision ids; `sentence` is empty where all is well.
    """

    acceptable: bool
    current: tuple[str, ...]
    heads: tuple[str, ...]
    sentence: str


def judge(state: State) -> Verdict:
    """Whether the program with this tree can work with this database."""
    heads = state.tree_heads
    missing = [one for one in state.pending if one.is_needed_first]
    breaking = state.breaking_ahead()
    sentence = ""
    if state.halfway and not state.unknown:
        sentence = sentence_for_squashed_away(state.heads, state.halfway, state.revisions)
    elif breaking:
        sentence = (
            f"The database is ahead of this program by {', '.join(breaking)}, which takes away "
            "what this program needs: start the program that applied it, or run "
            "`flask db rollback-to-code`."
        )
    elif missing:
        where = f"at revision {', '.join(state.heads)}" if state.heads else "empty"
        # An upgrade of a database that has what this tree has not is refused.
        back = "`flask db rollback-to-code`, then " if state.unknown else ""
        sentence = (
            f"The database is {where} and this program needs "
            f"{', '.join(one.revision for one in missing)}: run {back}`flask db upgrade`."
        )
    return Verdict(not sentence, state.heads, heads, sentence)


def until_contract(pending: Sequence[Declared]) -> tuple[list[Declared], Declared | None]:
    """What may be applied before a deploy, and the contract at which it ends, if any.

    What follows a contract waits with it; another branch does not.
    """
    first = next((one for one in pending if one.breaks_older), None)
    if first is None:
        return list(pending), None
    held: set[str] = set()
    for one in pending:
        if one.breaks_older:
            held |= descendants(one.revision, pending)
    return [one for one in pending if one.revision not in held], first


def refuse_while_older_lives(
    steps: Sequence[Declared], revisions: Sequence[Declared], instances: Sequence[Instance]
) -> None:
    """Raise OlderAlive where a contract among the steps would break a program that runs.

    A program whose heads this tree does not know is a newer one, and has these contracts.
    """
    # One at a revision that was squashed since is as old as any.
    known = {one.revision for one in revisions} | set(bases(revisions))
    for step in steps:
        if not step.breaks_older:
            continue
        have = descendants(step.revision, revisions)
        older = [
            instance
            for instance in instances
            if set(instance.heads) <= known and not have & set(instance.heads)
        ]
        if older:
            raise OlderAlive(
                f"Revision {step.revision} ({step.message}) takes away what an older program "
                f"needs, and {len(older)} such {'is' if len(older) == 1 else 'are'} alive: "
                f"{'; '.join(str(one) for one in older)}. Deploy in this order: `flask db upgrade "
                "--phase expand`, start the new release, stop the old one, then `flask db upgrade "
                "--phase contract`; a program that is gone is forgotten after 30 s "
                "(-x allow-contract=yes overrides)."
            )


def refuse_while_newer_lives(
    taken: Sequence[Declared], revisions: Sequence[Declared], instances: Sequence[Instance]
) -> None:
    """Raise NewerAlive where a program runs that has one of these revisions, which are taken back.

    A program whose heads this tree does not know is a newer one, and has them all.
    """
    # One at a revision that was squashed since is none, unless that is what is taken.
    known = {one.revision for one in revisions} | set(bases(revisions))
    for revision in taken:
        have = descendants(revision.revision, revisions)
        if revision.replaces is not None:
            have |= set(revision.replaces.revisions)
        newer = [
            instance
            for instance in instances
            if not set(instance.heads) <= known or have & set(instance.heads)
        ]
        if newer:
            raise NewerAlive(
                f"The downgrade of {revision.revision} ({revision.message}) takes away what a "
                f"program needs that has it, and {len(newer)} such "
                f"{'is' if len(newer) == 1 else 'are'} alive: "
                f"{'; '.join(str(one) for one in newer)}. Start a release from before it, stop "
                "this one, then run the same command again; a program that is gone is forgotten "
                "after 30 s (-x allow-downgrade=yes overrides)."
            )
