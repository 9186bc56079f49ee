"""Alembic's errors, told so that they end the incident: what, which, who, and the next command.

Alembic says "Target database is not up to date." both where the database is behind and where the
history has two heads, and names neither revisions nor files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from alembic.script import revision as revisions
from alembic.util import CommandError, DatabaseNotAtHead
from sqlalchemy import URL
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError

from agentlogger.migrate.causes import (
    Ahead,
    Ambiguous,
    Behind,
    Failed,
    Refused,
    SeveralHeads,
    SquashedAway,
    Unknown,
    Unreachable,
    first_line,
)
from agentlogger.migrate.ledger.graph import State
from agentlogger.migrate.ledger.history import last_up
from agentlogger.migrate.ledger.replaced import bases, sentence_for_squashed_away
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import sentence_for_several_heads


def explained(error: CommandError, state: State) -> Refused:
    """The cause that an error of Alembic's stands for, in this state of tree and database."""
    if isinstance(error, Refused):
        return error
    text, cause = str(error), error.__cause__
    if state.unknown and ("Can't locate revision" in text or "not up to date" in text):
        return Ahead(ahead(state))
    if isinstance(cause, revisions.MultipleHeads) or "Multiple head" in text:
        return SeveralHeads(sentence_for_several_heads(state.revisions, state.tree_heads))
    if "Ambiguous walk" in text:
        return Ambiguous(
            "The number of steps could mean different revisions, since the history has branches: "
            f"name the revision instead; `flask db history` lists them. ({text})"
        )
    if "not up to date" in text or isinstance(error, DatabaseNotAtHead):
        return not_at_head(state)
    if isinstance(cause, revisions.ResolutionError):
        if str(cause.argument) in state.halfway:
            return squashed_away(state)
        return unknown(str(cause.argument), state.revisions)
    if isinstance(cause, revisions.RangeNotAncestorError):
        return Unknown(
            f"{text}: the database is at {_or_nothing(state.heads)}, and what was asked for does "
            "not lie on the way. `flask db history -i` shows where it is."
        )
    if "Relative revision" in text or "Walked too far" in text:
        return Unknown(f"{text}: nothing was done. `flask db history -i` shows how many there are.")
    return Refused(text)


def not_at_head(state: State) -> Refused:
    """The database is behind, or the tree has several heads: Alembic says the same of both."""
    if state.halfway:
        return squashed_away(state)
    if len(state.tree_heads) > 1:
        return SeveralHeads(sentence_for_several_heads(state.revisions, state.tree_heads))
    pending = ", ".join(f"{one.revision} ({one.message})" for one in state.pending)
    return Behind(
        f"Target database is not up to date: it is at {_or_nothing(state.heads)} and lacks "
        f"{pending}. Run `flask db upgrade head` (or `alembic upgrade head`), then this command "
        "again."
    )


def squashed_away(state: State) -> SquashedAway:
    """The database is in the middle of revisions that this tree has as one."""
    return SquashedAway(sentence_for_squashed_away(state.heads, state.halfway, state.revisions))


def refuse_squashed_away(state: State) -> None:
    """Raise SquashedAway where the database is in the middle of squashed revisions."""
    if state.halfway:
        raise squashed_away(state)


def unknown(asked: str, known: Sequence[Declared]) -> Unknown:
    """What was typed is no revision; names the nearest ones, or the one that replaces it."""
    for replaced, base in bases(known).items():
        if replaced.startswith(asked):
            return Unknown(
                f"Revision {replaced} is no more: it was squashed, with all that came before it, "
                f"into {base.revision} ({base.message}), which has no step within it. Name "
                f"{base.revision}, or `base` for the empty database."
            )
    near = get_close_matches(asked, [one.revision for one in known], n=2, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return Unknown(
        f"Can't locate revision identified by '{asked}': no file in migrations/versions has it."
        f"{hint} `flask db history` (or `alembic history`) lists all; a revision of another branch "
        "comes with that branch."
    )


def ahead(state: State) -> str:
    """Which newer revisions the database has, when and by whom they came, and the way on."""
    told = last_up(state.history)
    named = []
    for revision in state.unknown:
        entry = told.get(revision)
        named.append(
            f"{revision} ({entry.message}; applied {entry.when} UTC by {entry.program}, "
            f"{entry.phase})"
            if entry
            else f"{revision} (its history does not say whose)"
        )
    return (
        f"The database is ahead of this tree by {', '.join(named)}. {_bears(state)}: use the "
        "program that has them (git pull, or the newer release), or take them back with "
        "`flask db rollback-to-code`."
    )


def _bears(state: State) -> str:
    """Whether this program can work with a database that is ahead of it, and why."""
    breaking = state.breaking_ahead()
    missing = [one for one in state.pending if one.is_needed_first]
    if breaking:
        return (
            f"This program cannot work with it, since {', '.join(breaking)} may take away what it "
            "needs"
        )
    if missing:
        named = ", ".join(f"{one.revision} ({one.message})" for one in missing)
        return f"This program cannot work with it, since it lacks {named}"
    return "This program can work with it all the same, since none of them takes anything away"


def explained_fault(fault: DBAPIError, url: URL, doing: str) -> Refused:
    """What a fault of the database means for who started the migration.

    `doing` is what it stopped: a revision with its file, or the command.
    """
    reason = first_line(fault)
    if _is_unreachable(fault):
        name = url.render_as_string(hide_password=True)
        return Unreachable(
            f"The database {name} cannot be used ({reason}): start it, make it, or correct "
            "DATABASE_URL."
        )
    at = f"`{_one_line(fault.statement)}`" if fault.statement else "its commit"
    return Failed(
        f"The database stopped {doing} ({reason}) at {at}: what was not "
        "yet committed has changed nothing. Correct the revision or remove the cause, then run the "
        "same command again."
    )


def _is_unreachable(fault: DBAPIError) -> bool:
    """Whether there is no database to ask, or what is there is none."""
    # Exactly this class: what SQLite raises for a file that is damaged, or no database at all.
    if type(fault) is DatabaseError:
        return True
    # Without a statement it was the connection that failed, or a commit that was refused.
    return fault.statement is None and isinstance(fault, OperationalError | InterfaceError)


def _one_line(statement: str) -> str:
    line = " ".join(statement.split())
    return line if len(line) <= 120 else f"{line[:117]}..."  # noqa: PLR2004  (a line of a terminal)


def _or_nothing(heads: Iterable[str]) -> str:
    return ", ".join(heads) or "no revision (empty)"
