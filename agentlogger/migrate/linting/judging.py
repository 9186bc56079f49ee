"""From what the statements of a revision were seen to do to what speaks against it.

Counts decide, and not times: how many of a table's rows were read or written under which lock is
the same on every machine. Only a lock that is held for long is told by the clock, and its budget
is far from what a busy machine adds.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentlogger.migrate.linting.classes import Budgets
from agentlogger.migrate.linting.filling import Filled
from agentlogger.migrate.linting.finding import DOWN, MILLION, Finding
from agentlogger.migrate.linting.hand_made_copies import with_copies
from agentlogger.migrate.linting.rules import (
    INDEX_BLOCKS_WRITES,
    LOCK_HELD_LONG,
    LOCK_NOT_BOUNDED,
    LONG_CHAIN,
    REWRITE,
    SCAN_UNDER_LOCK,
    TABLE_COPY,
    WARNING,
    WHOLE_TABLE_UPDATE,
    Rule,
)
from agentlogger.migrate.linting.stage import Tried
from agentlogger.migrate.trial.estimating import FIXED_SECONDS
from agentlogger.migrate.trial.observing import Observed

MOST = 0.5
"""Whoever reads or changes this share of the rows goes through all of them."""

FEWEST = 10
"""Rows, below which a share says nothing."""

CHAIN = 3
"""Tables; two are often a table and what it refers to."""

PATIENCE_SECONDS = 2.0
"""Whoever queues behind a lock that is waited for waits as long: a client's timeout is longer."""

INSERTS = re.compile(r"\s*(?:INSERT|COPY|CREATE|REPLACE)\b", re.IGNORECASE)
"""New rows are locked for nobody."""

ALTERS = re.compile(r"\s*ALTER\b", re.IGNORECASE)


@dataclass(frozen=True)
class Seen:
    """One direction of a revision, and what it was done to."""

    tried: Tried
    direction: str
    filled: Mapping[str, Filled]
    budgets: Budgets
    database: str
    stops: Callable[[str], str]
    """Whom a lock keeps waiting."""


def judge(seen: Seen) -> Iterator[Finding]:
    """What the rules say; of a downgrade, which is taken when it must, only as warnings."""
    for make in (_of_each, _of_updates, _of_locks, _of_chains):
        for rule, finding in make(_Look(seen)):
            kind = seen.budgets.of(finding.table)
            if seen.database not in rule.databases or rule.name in kind.allowed:
                continue
            yield finding


Found = Iterator[tuple[Rule, Finding]]


class _Look:
    """What the rules ask of one direction."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.statements = [one for one in seen.tried.observed if not one.error]
        if seen.database in TABLE_COPY.databases:
            self.statements = with_copies(self.statements, self.is_copy)

    def rows(self, table: str) -> int:
        """How many rows a table had."""
        found = self.seen.filled.get(table)
        return found.rows if found is not None else 0

    def is_most(self, table: str, rows: float) -> bool:
        """Whether these are most of a table's rows."""
        return rows >= max(FEWEST, MOST * self.rows(table))

    def is_copy(self, table: str, rows: float) -> bool:
        """Whether so many new rows are those of a table that has some."""
        return self.rows(table) > 0 and self.is_most(table, rows)

    def reads_most(self, one: Observed, table: str) -> bool:
        """Whether a statement reads most rows of a table, and not in order to change them."""
        changes = self.is_most(table, one.seen.written.get(table, 0) * one.share)
        return not changes and self.is_most(table, one.seen.read.get(table, 0) * one.share)

    def is_told(self, one: Observed) -> bool:
        """Whether another rule tells what takes long about it."""
        changed = () if INSERTS.match(one.sql) else one.seen.written.items()
        names = {table for table, rows in changed if self.is_most(table, rows * one.share)}
        names |= {table for table in self.strong(one) if self.reads_most(one, table)}
        return any(self.grows(table) for table in names | one.seen.rewritten | one.seen.indexed)

    def strong(self, one: Observed) -> dict[str, str]:
        """The locks that keep others from writing, by table."""
        return {table: mode for table, mode in one.seen.locks.items() if self.seen.stops(mode)}

    def scaled(self, one: Observed, fixed: float = 0.0) -> float:
        """Milliseconds, if its tables had a million rows each: all but `fixed` seconds grow.

        Where it does not go through all rows of a table that can grow, none does.
        """
        touched = [
            self.rows(table)
            for counts in (one.seen.read, one.seen.written)
            for table, rows in counts.items()
            if self.grows(table) and self.is_most(table, rows * one.share)
        ]
        touched += [self.rows(table) for table in one.seen.rewritten if self.grows(table)]
        more = max(0.0, one.seconds - fixed) * MILLION / max(touched) if touched else 0.0
        return max(one.seconds, more) * 1000

    def grows(self, table: str) -> bool:
        """Whether a table has rows, and may have many."""
        kind = self.seen.budgets.of(table)
        return self.rows(table) > 0 and WHOLE_TABLE_UPDATE.name not in kind.allowed

    def finding(self, rule: Rule, one: Observed, table: str, says: str) -> tuple[Rule, Finding]:
        """A finding about a statement and a table."""
        kind = self.seen.budgets.of(table)
        return rule, Finding(
            rule=rule.name,
            level=WARNING if self.seen.direction == DOWN else rule.level,
            says=says,
            advice=rule.advice,
            path=one.path,
            line=one.line,
            direction=self.seen.direction,
            sql=" ".join(one.sql.split()),
            table=table,
            table_class=kind.name,
            rows=self.rows(table) or None,
            lock=one.seen.locks.get(table, ""),
            milliseconds=one.seconds * 1000,
            per_million=self.scaled(one),
        )


def _of_each(look: _Look) -> Found:
    """What one statement does to a table."""
    for one in look.statements:
        strong = look.strong(one)
        for table in sorted(one.seen.rewritten):
            if look.seen.database in TABLE_COPY.databases:
                # The way back has no other way, where the way forth had none.
                if not ALTERS.match(one.sql) and look.seen.direction != DOWN:
                    yield look.finding(TABLE_COPY, one, table, f"the whole of {table} was copied")
                continue
            lock = one.seen.locks.get(table, "a strong lock")
            yield look.finding(
                REWRITE, one, table, f"the whole of {table} was written anew under {lock}"
            )
        for table, mode in sorted(strong.items()):
            if table in one.seen.rewritten:
                continue
            stopped = look.seen.stops(mode)
            if table in one.seen.indexed:
                says = f"an index of {table} was built under {mode}, which stops {stopped}"
                yield look.finding(INDEX_BLOCKS_WRITES, one, table, says)
            elif look.reads_most(one, table):
                # An index lookup for each row of another table counts as a row, too.
                rows = min(look.rows(table), round(one.seen.read[table] * one.share))
                says = f"{rows:,} rows of {table} were read under {mode}, which stops {stopped}"
                yield look.finding(SCAN_UNDER_LOCK, one, table, says)


def _of_updates(look: _Look) -> Found:
    """What the statements of a transaction change together."""
    changed: dict[tuple[int, int, str], list[tuple[float, Observed]]] = defaultdict(list)
    for place, one in enumerate(look.statements):
        if INSERTS.match(one.sql):
            continue
        # Outside a transaction each execution is committed by itself.
        alone = place if one.is_autocommit else -1
        share = one.share / one.executions if one.is_autocommit and one.executions else one.share
        for table, rows in one.seen.written.items():
            changed[one.transaction, alone, table].append((rows * share, one))
    for (_, _, table), several in changed.items():
        total = sum(count for count, _ in several)
        if look.rows(table) and look.is_most(table, total):
            most = max(several, key=lambda each: each[0])[1]
            mode = look.strong(most).get(table)
            lock = f", under {mode}, which stops {look.seen.stops(mode)}" if mode else ""
            says = (
                f"{round(total):,} of {look.rows(table):,} rows of {table} were changed in one "
                f"transaction and stay locked until it ends{lock}"
            )
            yield look.finding(WHOLE_TABLE_UPDATE, most, table, says)


def _of_locks(look: _Look) -> Found:
    """How long a lock may be waited for, and how long it is held."""
    for table, mode, several in _locked(look):
        first = several[0]
        if first.seen.patience > PATIENCE_SECONDS:
            long = "for ever" if first.seen.patience == float("inf") else (
                f"for {first.seen.patience:.0f} s"
            )  # fmt: skip
            says = f"{mode} on {table} would be waited for {long}, with everybody behind it"
            yield look.finding(LOCK_NOT_BOUNDED, first, table, says)
        code = 0.0 if first.is_autocommit else look.seen.tried.spent.code * 1000
        held = code + sum(look.scaled(one, FIXED_SECONDS) for one in several)
        most = look.seen.budgets.of(table).milliseconds
        if held > most and not any(look.is_told(one) for one in several):
            says = (
                f"{mode} on {table}, which stops {look.seen.stops(mode)}, would be held for "
                f"{held:,.0f} ms, and the budget is {most:,.0f} ms"
            )
            yield look.finding(LOCK_HELD_LONG, first, table, says)


def _locked(look: _Look) -> Iterator[tuple[str, str, Sequence[Observed]]]:
    """Each strong lock, with the statements from the one that takes it to the transaction's end."""
    known: set[tuple[int, int, str]] = set()
    for place, one in enumerate(look.statements):
        for table, mode in look.strong(one).items():
            key = one.transaction, place if one.is_autocommit else -1, table
            if key in known:
                continue
            known.add(key)
            later = [
                other
                for other in look.statements[place:]
                if other is one or (not one.is_autocommit and other.transaction == one.transaction)
            ]
            yield table, mode, later


def _of_chains(look: _Look) -> Found:
    """Which tables a transaction locks one after the other."""
    taken: dict[int, dict[str, Observed]] = defaultdict(dict)
    for one in look.statements:
        if one.is_autocommit:
            continue
        for table in look.strong(one):
            taken[one.transaction].setdefault(table, one)
    for tables in taken.values():
        # Tables that one statement locks together are one link.
        links = list({id(one): (table, one) for table, one in tables.items()}.values())
        if len(links) >= CHAIN:
            table, last = links[-1]
            says = f"{', '.join(tables)} are locked one after the other in one transaction"
            yield look.finding(LONG_CHAIN, last, table, says)
