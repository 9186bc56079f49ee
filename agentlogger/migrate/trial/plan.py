"""A plan: what an upgrade would do to this database, as people and scripts read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentlogger.migrate.revisions.declared import LOSES_DATA, UNDECLARED, YES, Declared
from agentlogger.migrate.revisions.folder import shown
from agentlogger.migrate.trial.estimating import Sampled, Wait
from agentlogger.migrate.trial.simulating import Failure

SQL_SHOWN = 120
"""Characters of a statement in a sentence."""

AFTER_THE_OLD = "after the old program is gone"


@dataclass(frozen=True)
class Line:
    """A statement of a revision, all its executions from one line together."""

    sql: str
    parameters: str
    """Of its first execution, cut."""
    file: str
    line: int | None
    executions: int
    """On the live database, as estimated."""
    seconds: float | None
    """Likewise; None where it was not simulated."""
    measured_seconds: float | None
    """With the sample."""
    transaction: int
    """Counts the transactions: locks are held until theirs ends."""
    read: int | None
    """Rows of the live database, as estimated."""
    written: int | None
    locks: Mapping[str, str]
    """By table; the strongest that is held when it has ended."""
    rewrites: tuple[str, ...]
    """Tables that are written anew as a whole."""
    indexes: tuple[str, ...]
    """Tables for which an index is built."""
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """The statement as JSON has it; a promise to scripts."""
        return {
            "sql": self.sql,
            "parameters": self.parameters,
            "file": self.file,
            "line": self.line,
            "simulated": self.seconds is not None,
            "executions": self.executions,
            "seconds": _rounded(self.seconds),
            "measured_seconds": _rounded(self.measured_seconds),
            "transaction": self.transaction,
            "rows_read": self.read,
            "rows_written": self.written,
            "locks": dict(self.locks),
            "rewrites": list(self.rewrites),
            "indexes": list(self.indexes),
            "error": self.error or None,
        }


@dataclass(frozen=True)
class Planned:
    """A pending revision, and what it will do."""

    revision: Declared
    upgrade_takes: tuple[str, ...]
    """What the upgrade takes away for good that holds rows now."""
    downgrade_takes: tuple[str, ...]
    """What its downgrade would take away."""
    lines: tuple[Line, ...]
    seconds: float | None
    """All of it, with its own code and commits; None where it was not simulated."""
    code_seconds: float | None
    commit_seconds: float | None
    waits: tuple[Wait, ...]
    is_complete: bool
    """Whether `lines` are all that it executes."""
    safe: bool | None
    """Whether it can be applied while a server of the new program serves; None is unknown."""
    reason: str

    @property
    def condition(self) -> str | None:
        """What must be so before it is applied."""
        return AFTER_THE_OLD if self.revision.breaks_older else None

    @property
    def reversible(self) -> str:
        """Whether its downgrade gives back what was there, in words."""
        declared = self.revision.reversible
        word = {YES: "yes", LOSES_DATA: "loses data", UNDECLARED: "it does not say"}.get(
            declared, f"no: {declared}"
        )
        takes = f"the downgrade takes {', '.join(self.downgrade_takes)}"
        return f"{word}; {takes}" if self.downgrade_takes else word

    def as_json(self) -> dict[str, Any]:
        """The revision as JSON has it; a promise to scripts."""
        return {
            "revision": self.revision.revision,
            "message": self.revision.message,
            "file": shown(self.revision.path),
            "phase": self.revision.phase,
            "release": self.revision.release,
            "reversible": self.revision.reversible,
            "upgrade_takes": list(self.upgrade_takes),
            "downgrade_takes": list(self.downgrade_takes),
            "safe": self.safe,
            "condition": self.condition,
            "reason": self.reason,
            "complete": self.is_complete,
            "seconds": _rounded(self.seconds),
            "code_seconds": _rounded(self.code_seconds),
            "commit_seconds": _rounded(self.commit_seconds),
            "waits": [
                {
                    "on": one.what,
                    "lock": one.lock,
                    "stops": one.stops,
                    "seconds": _rounded(one.seconds),
                    "too_long": one.is_too_long,
                }
                for one in self.waits
            ],
            "statements": [one.as_json() for one in self.lines],
        }


@dataclass(frozen=True)
class Plan:
    """What is pending, and what it will do."""

    database: str
    program: str
    heads: tuple[str, ...]
    """What the database is at."""
    destination: str
    phase: str | None
    is_simulated: bool
    notes: tuple[str, ...]
    tables: Mapping[str, Sampled]
    """Those that the revisions have to do with, and whose rows were taken."""
    long_transactions: tuple[Mapping[str, Any], ...]
    """Others' transactions that a strong lock would wait for."""
    revisions: tuple[Planned, ...]
    """Those that were not begun after a failure are left out."""
    failure: Failure | None

    @property
    def seconds(self) -> float | None:
        """All revisions together; None where one was not simulated, or failed."""
        if self.failure is not None:
            return None
        found = [one.seconds for one in self.revisions]
        known = [one for one in found if one is not None]
        return sum(known) if len(known) == len(found) else None

    @property
    def safe(self) -> bool | None:
        """Whether all can be applied while a server serves; None is unknown."""
        found = {one.safe for one in self.revisions}
        if False in found:
            return False
        return None if None in found else True

    @property
    def sentence(self) -> str:
        """Why an upgrade would fail, and what to do; "" where it would not."""
        failure = self.failure
        if failure is None:
            return ""
        line = f", line {failure.line}" if failure.line is not None else ""
        sql = " ".join(failure.sql.split())
        at = (
            f" at `{sql if len(sql) <= SQL_SHOWN else sql[: SQL_SHOWN - 3] + '...'}`" if sql else ""
        )
        return (
            f"Revision {failure.revision} would fail in {shown(failure.path)}{line}{at} "
            f"({failure.reason}): nothing was changed. Correct the revision or the rows that stop "
            f"it, then run `flask db plan` again.{self._hedge}"
        )

    @property
    def _hedge(self) -> str:
        if all(one.is_exact for one in self.tables.values()):
            return ""
        return " It was tried with a sample, which may lack a row that it looks for."

    def as_json(self) -> dict[str, Any]:
        """The plan as JSON has it; a promise to scripts."""
        failure = self.failure
        return {
            "database": self.database,
            "program": self.program,
            "revision": list(self.heads),
            "destination": self.destination,
            "phase": self.phase,
            "simulated": self.is_simulated,
            "notes": list(self.notes),
            "tables": {
                name: {
                    "rows": one.rows,
                    "exact": one.is_exact,
                    "sampled": one.taken,
                    "reason": one.reason or None,
                }
                for name, one in self.tables.items()
            },
            "long_transactions": [dict(one) for one in self.long_transactions],
            "revisions": [one.as_json() for one in self.revisions],
            "seconds": _rounded(self.seconds),
            "safe": self.safe,
            "failure": None
            if failure is None
            else {
                "revision": failure.revision,
                "file": shown(failure.path),
                "line": failure.line,
                "sql": failure.sql or None,
                "reason": failure.reason,
            },
        }


def _rounded(seconds: float | None) -> float | None:
    """To the microsecond: more would be noise."""
    return None if seconds is None else round(seconds, 6)
