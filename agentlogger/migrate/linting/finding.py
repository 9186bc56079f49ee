"""What was found: of a statement, of a revision, of all; as people and scripts read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentlogger.migrate.linting.filling import Filled
from agentlogger.migrate.linting.rules import ERROR, WARNING
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import shown
from agentlogger.migrate.trial.observing import Observed

UP, DOWN = "upgrade", "downgrade"

CLEAN, FOUND, NOT_JUDGED = "clean", "findings", "not judged"

MILLION = 1_000_000


@dataclass(frozen=True)
class Finding:
    """Something that speaks against a revision."""

    rule: str
    """Its id; of the second opinion it begins with `squawk: `."""
    level: str
    says: str
    """What was seen, a sentence."""
    advice: str
    path: Path
    line: int | None
    direction: str = UP
    sql: str = ""
    table: str = ""
    table_class: str = ""
    rows: int | None = None
    """Of the table, in the scratch database."""
    lock: str = ""
    milliseconds: float | None = None
    per_million: float | None = None
    """Milliseconds, if the table had a million rows."""
    allowed: str = ""
    """Why it does not count; "" where it does."""

    @property
    def counts(self) -> bool:
        """Whether it is an error that nobody has allowed."""
        return self.level == ERROR and not self.allowed

    @property
    def warns(self) -> bool:
        """Whether it is a warning that nobody has allowed."""
        return self.level == WARNING and not self.allowed

    def allow(self, reasons: Mapping[str, str]) -> Finding:
        """The same, with the reason why it does not count where there is one."""
        return replace(self, allowed=reasons.get(self.rule, ""))

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON has it; a promise to scripts."""
        return {
            "rule": self.rule,
            "level": self.level,
            "message": self.says,
            "advice": self.advice or None,
            "file": shown(self.path),
            "line": self.line,
            "direction": self.direction,
            "sql": self.sql or None,
            "table": self.table or None,
            "class": self.table_class or None,
            "rows": self.rows,
            "lock": self.lock or None,
            "milliseconds": _rounded(self.milliseconds),
            "milliseconds_per_million_rows": _rounded(self.per_million),
            "allowed": self.allowed or None,
        }


@dataclass(frozen=True)
class Judged:
    """A revision, and what was found."""

    revision: Declared
    findings: tuple[Finding, ...] = ()
    statements: tuple[tuple[str, Observed], ...] = ()
    """Each with its direction."""
    notes: tuple[str, ...] = ()
    not_judged: str = ""
    """Why it could not be judged; "" where it was."""

    @property
    def verdict(self) -> str:
        """clean, findings or not judged."""
        if self.not_judged:
            return NOT_JUDGED
        return FOUND if any(one.counts or one.warns for one in self.findings) else CLEAN

    def as_json(self) -> dict[str, Any]:
        """The revision as JSON has it; a promise to scripts."""
        return {
            "revision": self.revision.revision,
            "message": self.revision.message,
            "phase": self.revision.phase,
            "file": shown(self.revision.path),
            "verdict": self.verdict,
            "not_judged": self.not_judged or None,
            "notes": list(self.notes),
            "findings": [one.as_json() for one in self.findings],
            "statements": [_statement(*one) for one in self.statements],
        }


@dataclass(frozen=True)
class Report:
    """What was judged, and on what."""

    database: str
    """Its kind: postgresql or sqlite."""
    version: str
    tables: Mapping[str, tuple[str, Filled]]
    """Class and rows of each table that the last revision was judged with."""
    notes: tuple[str, ...]
    squawk: str
    """The version that gave a second opinion; "" for none."""
    revisions: tuple[Judged, ...]

    @property
    def errors(self) -> int:
        """How many findings are errors that nobody has allowed."""
        return sum(one.counts for each in self.revisions for one in each.findings)

    @property
    def warnings(self) -> int:
        """How many findings are warnings that nobody has allowed."""
        return sum(one.warns for each in self.revisions for one in each.findings)

    @property
    def not_judged(self) -> tuple[Judged, ...]:
        """The revisions that could not be judged."""
        return tuple(one for one in self.revisions if one.not_judged)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON has it; a promise to scripts."""
        return {
            "database": self.database,
            "version": self.version,
            "squawk": self.squawk or None,
            "notes": list(self.notes),
            "tables": {
                name: {"class": kind, "rows": one.rows, "reason": one.reason or None}
                for name, (kind, one) in self.tables.items()
            },
            "revisions": [one.as_json() for one in self.revisions],
            "errors": self.errors,
            "warnings": self.warnings,
            "not_judged": len(self.not_judged),
        }


def _statement(direction: str, one: Observed) -> dict[str, Any]:
    return {
        "direction": direction,
        "sql": one.sql.strip(),
        "file": shown(one.path),
        "line": one.line,
        "executions": one.executions,
        "milliseconds": _rounded(one.seconds * 1000),
        "transaction": one.transaction,
        "autocommit": one.is_autocommit,
        "rows_read": one.rows(one.seen.read),
        "rows_written": one.rows(one.seen.written),
        "locks": dict(one.seen.locks),
        "rewrites": sorted(one.seen.rewritten),
        "indexes": sorted(one.seen.indexed),
        "error": one.error or None,
    }


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 3)
