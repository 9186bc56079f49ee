"""Findings about a revision as a whole: what it breaks, that it fails, that it cannot go back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agentlogger.migrate.linting.compatibility import Broken
from agentlogger.migrate.linting.finding import DOWN, UP, Finding
from agentlogger.migrate.linting.rules import BREAKS_OLDER, NOT_REVERSIBLE, Rule
from agentlogger.migrate.linting.stage import Tried
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.trial.simulating import Failure

OBJECTS_SHOWN = 3
"""Of those that a downgrade has left otherwise."""


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What one catalogue has otherwise than another, as a sentence's end; "" for nothing."""
    keys = [
        key
        for key in {**before, **after}
        if before.get(key) != after.get(key) and not _keeps_labels(key, before, after)
    ]
    told = [
        f"{key} is {'left' if key not in before else 'gone' if key not in after else 'another'}"
        for key in keys[:OBJECTS_SHOWN]
    ]
    more = len(keys) - OBJECTS_SHOWN
    return ", ".join([*told, *([f"and {more} more"] if more > 0 else [])])


def _keeps_labels(key: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Whether it is an enum that has more labels than before: PostgreSQL takes none away."""
    if not key.startswith("enum ") or key not in before or key not in after:
        return False
    return set(before[key].split(", ")) <= set(after[key].split(", "))


def of_each_table(gone: Sequence[Broken]) -> list[Broken]:
    """One for each table: what cannot be read cannot be inserted either."""
    first: dict[str, Broken] = {}
    for one in gone:
        first.setdefault(one.habit.table, one)
    return list(first.values())


def of_broken(one: Broken, revision: Declared, tried: Tried) -> Finding:
    """That a statement of an older program is refused, at the statement that did it."""
    does = "reading the columns that it knows of" if one.habit.is_read else "inserting a row into"
    says = (
        f"it says {revision.phase}, and an older program fails at {does} {one.habit.table} "
        f"({one.reason})"
    )
    at = one.at(tried.observed)
    found = of_revision(BREAKS_OLDER, revision, says, BREAKS_OLDER.level)
    if at is None:
        return replace(found, table=one.habit.table)
    sql = " ".join(at.sql.split())
    return replace(found, table=one.habit.table, path=at.path, line=at.line, sql=sql)


def of_failure(rule: Rule, failure: Failure, direction: str, says: str) -> Finding:
    """That a revision failed, where it did."""
    return Finding(
        rule=rule.name,
        level=rule.level,
        says=says,
        advice=rule.advice,
        path=failure.path,
        line=failure.line,
        direction=direction,
        sql=" ".join(failure.sql.split()),
    )


def of_revision(rule: Rule, revision: Declared, says: str, level: str) -> Finding:
    """About a revision as a whole, told at its downgrade where that is what it is about."""
    word = "downgrade" if rule is NOT_REVERSIBLE else "upgrade"
    return Finding(
        rule=rule.name,
        level=level,
        says=says,
        advice=rule.advice,
        path=revision.path,
        line=_line_of(revision.source, word),
        direction=DOWN if rule is NOT_REVERSIBLE else UP,
    )


def _line_of(source: str, function: str) -> int | None:
    for number, line in enumerate(source.splitlines(), start=1):
        if line.startswith(f"def {function}("):
            return number
    return None
