"""What can stop a migration: for each cause a code, an exit code of its own, and one sentence.

The exit codes are a promise to deploy scripts: docs/migrations.md lists them and a test compares.
Both doors end with them wherever `migrations/env.py` is reached; Alembic alone would say 255.
"""

from __future__ import annotations

from typing import ClassVar

from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError


class Refused(CommandError):  # noqa: N818  (it is what happened)
    """A migration that was not begun, or stopped: the sentence says what, why and what to do."""

    code: ClassVar[str] = "refused"
    exit_code: ClassVar[int] = 1


class Behind(Refused):
    """The database lacks revisions that this tree has."""

    code = "behind"
    exit_code = 10


class Differs(Refused):
    """The database, the history and the models do not say the same."""

    code = "differs"
    exit_code = 11


class Ahead(Refused):
    """The database has revisions that this tree does not."""

    code = "ahead"
    exit_code = 12


class SeveralHeads(Refused):
    """The history has ended in more than one revision."""

    code = "several-heads"
    exit_code = 13


class Edited(Refused):
    """A revision's file is not the one that was applied."""

    code = "edited"
    exit_code = 14


class Unknown(Refused):
    """No revision is identified by what was typed."""

    code = "unknown-revision"
    exit_code = 15


class Ambiguous(Refused):
    """A number of steps could mean more than one revision."""

    code = "ambiguous"
    exit_code = 16


class MissingParent(Refused):
    """A revision follows one that has no file."""

    code = "missing-parent"
    exit_code = 17


class DuplicateId(Refused):
    """Two files claim the same revision."""

    code = "duplicate-id"
    exit_code = 18


class Unreadable(Refused):
    """A revision's file cannot be loaded."""

    code = "unreadable-revision"
    exit_code = 19


class Unsealed(Refused):
    """`migrations.sum` does not say what the files say."""

    code = "unsealed"
    exit_code = 20


class VagueMessage(Refused):
    """A revision's message does not say what it does."""

    code = "vague-message"
    exit_code = 21


class OlderAlive(Refused):
    """A contract would take away what a running older program needs."""

    code = "older-program-alive"
    exit_code = 22


class WouldDrop(Refused):
    """Autogenerate would write a drop that nobody has allowed."""

    code = "would-drop"
    exit_code = 23


class WouldLose(Refused):
    """A downgrade would lose data, or cannot give back what was there."""

    code = "would-lose"
    exit_code = 24


class NoRoom(Refused):
    """The disk has no room for a snapshot, or for a restore."""

    code = "no-room"
    exit_code = 25


class WouldBlock(Refused):
    """A migration would keep a running server from writing for too long."""

    code = "would-block"
    exit_code = 26


class ServerAlive(Refused):
    """A server uses the database, and must not."""

    code = "server-alive"
    exit_code = 27


class Unsigned(Refused):
    """A stored script has no signature, or one that this program's keys did not make."""

    code = "unsigned"
    exit_code = 28


class Busy(Refused):
    """A lock on a table was not to be had, however often it was tried."""

    code = "busy"
    exit_code = 29


class Unreachable(Refused):
    """There is no such database, or nothing answers there."""

    code = "unreachable"
    exit_code = 30


class Failed(Refused):
    """The database refused a statement of a revision."""

    code = "failed"
    exit_code = 31


class BrokenReferences(Refused):
    """A migration would leave rows that refer to nothing."""

    code = "broken-references"
    exit_code = 32


class BadOption(Refused):
    """An option or setting of the migration has a value that cannot work."""

    code = "bad-option"
    exit_code = 33


class LockLost(Refused):
    """The connection that held the migration's lock was lost."""

    code = "lock-lost"
    exit_code = 34


class BackfillUnfinished(Refused):
    """A revision needs a backfill that is not finished."""

    code = "backfill-unfinished"
    exit_code = 35


class Unproved(Refused):
    """A revision is not what it declares, or no rehearsal has proved it."""

    code = "unproved"
    exit_code = 37


class NoCopy(Refused):
    """No copy of the database could be made to rehearse on."""

    code = "no-copy"
    exit_code = 38


class LintFindings(Refused):
    """A revision does to a database what a running service would notice."""

    code = "lint-findings"
    exit_code = 39


class NotJudged(Refused):
    """A revision could not be judged."""

    code = "not-judged"
    exit_code = 40


class CannotSquash(Refused):
    """A squash would not make the same, or nobody can show that it does."""

    code = "cannot-squash"
    exit_code = 41


class Undecided(Refused):
    """A change of the models can be made in several ways, and nobody has said which."""

    code = "undecided"
    exit_code = 42


class Unwritable(Refused):
    """A change of the models cannot be made by a revision."""

    code = "unwritable"
    exit_code = 43


class NewerAlive(Refused):
    """A downgrade would take away what a running newer program needs."""

    code = "newer-program-alive"
    exit_code = 46


class SquashedAway(Refused):
    """The database is in the middle of revisions that were squashed into one."""

    code = "squashed-away"
    exit_code = 47


class Locked(Refused):
    """The deadline passed while another migrator was at work."""

    code = "locked"
    # EX_TEMPFAIL of sysexits.h: a deploy may try this again, and nothing else.
    exit_code = 75


def first_line(fault: DBAPIError) -> str:
    """What the database itself said: the first line, the others are its hints and positions."""
    return str(fault.orig).strip().partition("\n")[0]


def every_cause() -> list[type[Refused]]:
    """All causes, in the order of their exit codes."""
    return sorted([Refused, *Refused.__subclasses__()], key=lambda cause: cause.exit_code)
