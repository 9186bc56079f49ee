"""Which revisions are to be judged: pending ones, a range, all, or what came since a commit."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import Refused, Unknown, Unreachable
from agentlogger.migrate.explaining import explained_fault
from agentlogger.migrate.ledger.graph import descendants, state_of
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.task import Task

GIT_SECONDS = 30

WITHOUT = (
    "Revisions that are named need no database: `flask db lint --all`, or `--since origin/main` "
    "for those of a branch."
)


def pending(task: Task) -> list[Declared]:
    """What the configured database lacks, which is only read. Raises Unreachable."""
    try:
        engine = task.dialect.make_reader(task.url)
        try:
            with engine.connect() as connection:
                return list(state_of(connection, task.revisions).pending)
        except DBAPIError as fault:
            raise explained_fault(fault, task.url, "the linter") from fault
        finally:
            engine.dispose()
    except Unreachable as fault:
        raise Unreachable(f"{fault} {WITHOUT}") from fault


def named(task: Task, word: str) -> list[Declared]:
    """One revision, or those that an upgrade from A to B applies, written A:B. Raises Unknown."""
    first, separator, last = word.partition(":")
    if not separator:
        wanted = {_revision(task, word)}
    else:
        after = _ancestors(task, {_revision(task, first)}) if first else set()
        heads = {_revision(task, last)} if last else {one.revision for one in task.revisions}
        wanted = _ancestors(task, heads) - after
    return [one for one in task.revisions if one.revision in wanted]


def since(task: Task, word: str) -> list[Declared]:
    """What follows a revision; or the files that came or changed since a commit of git.

    Raises Unknown where it is neither.
    """
    known = [one for one in task.revisions if one.revision.startswith(word)]
    if len(known) == 1:
        wanted = descendants(known[0].revision, task.revisions) - {known[0].revision}
        return [one for one in task.revisions if one.revision in wanted]
    changed = _changed(task.folder, word)
    return [one for one in task.revisions if one.path.resolve() in changed]


def with_ancestors(task: Task, chosen: Sequence[Declared]) -> list[Declared]:
    """These and all that must be applied before them, in history order."""
    wanted = _ancestors(task, {one.revision for one in chosen})
    return [one for one in task.revisions if one.revision in wanted]


def _revision(task: Task, word: str) -> str:
    if word == "base":
        return ""
    try:
        return str(task.script.get_revision(word).revision)
    except CommandError as fault:
        raise Unknown(
            f"'{word}' is no revision of this tree: `flask db history` shows which there are."
        ) from fault


def _ancestors(task: Task, revisions: set[str]) -> set[str]:
    parents = {one.revision: one.parents for one in task.revisions}
    found: set[str] = set()
    waiting = [one for one in revisions if one]
    while waiting:
        revision = waiting.pop()
        if revision not in found:
            found.add(revision)
            waiting += parents.get(revision, ())
    return found


def _changed(folder: Path, commit: str) -> set[Path]:
    """The files of a folder that are not as they were where this branch left that commit."""
    if commit.startswith("-"):
        raise _unknown(commit)
    top = Path(_git(folder, commit, "rev-parse", "--show-toplevel").strip())
    base = _git(folder, commit, "merge-base", commit, "HEAD").strip()
    names = _git(folder, commit, "diff", "--name-only", "-z", "--diff-filter=d", base, "--", ".")
    new = _git(folder, commit, "ls-files", "--others", "--exclude-standard", "--full-name", "-z")
    return {(top / name).resolve() for name in (names + new).split("\0") if name}


def _git(folder: Path, commit: str, *words: str) -> str:
    try:
        ended = subprocess.run(  # noqa: S603  (git, with words of ours and a commit)
            ["git", "-C", str(folder), *words],  # noqa: S607  (found on PATH, as users do)
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise Refused(
            f"git could not be asked what came since {commit} ({fault}): name a revision instead."
        ) from fault
    if ended.returncode:
        raise _unknown(commit)
    return ended.stdout


def _unknown(word: str) -> Unknown:
    return Unknown(
        f"'{word}' is neither a revision of this tree nor a commit that git knows here: `flask db "
        "history` shows the revisions; a shallow clone may lack the commit (`git fetch`)."
    )
