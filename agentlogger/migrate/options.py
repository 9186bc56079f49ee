"""What can be adjusted: by `-x` for one run, by a revision for itself, by a setting for all.

The order is that of how near it is to the moment: `-x lock-timeout=2s` wins over `lock_timeout =
"2s"` in a revision's file, which wins over `MIGRATE_LOCK_TIMEOUT`, which wins over the default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentlogger.migrate.causes import BadOption

UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "": 1.0}
DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h)?")


@dataclass(frozen=True)
class Bound:
    """A number that can be adjusted: its name on the command line, and why its default is it."""

    name: str
    default: float
    reason: str

    @property
    def setting(self) -> str:
        """Its name in the environment and in the application's configuration."""
        return "MIGRATE_" + self.attribute.upper()

    @property
    def attribute(self) -> str:
        """Its name in a revision's file."""
        return self.name.replace("-", "_")


LOCK_WAIT = Bound(
    "lock-wait", 300.0, "longer than a deploy's steps that start at once, shorter than patience"
)
LOCK_TIMEOUT = Bound(
    "lock-timeout",
    0.3,
    "whoever queues behind the migration waits this long at most; a client should not notice",
)
LOCK_RETRY = Bound(
    "lock-retry", 600.0, "a step is tried again until then: most transactions have ended by then"
)
STATEMENT_TIMEOUT = Bound(
    "statement-timeout", 0.0, "none: a role's own would cut a long index build short"
)
BLOCK_MAX = Bound(
    "block-max", 5.0, "a client's own retries bridge this; SQLite has one writer, so all would wait"
)
SNAPSHOTS = Bound("snapshots", 3.0, "the last three upgrades can be taken back; 0 makes none")

BACKFILL_INLINE = Bound(
    "backfill-inline",
    20_000.0,
    "rows that one UPDATE writes in the time of a batch; a table with more is filled afterwards",
)
BACKFILL_BATCH = Bound(
    "backfill-batch", 0.2, "whoever wants a row of the batch waits this long; nobody notices"
)
BACKFILL_PAUSE = Bound(
    "backfill-pause", 0.25, "times the batch before it: a fifth of the time is left to others"
)
BACKFILL_LOCK_TIMEOUT = Bound(
    "backfill-lock-timeout", 0.1, "while a batch waits for a row, others wait for its rows"
)
BACKFILL_LAG = Bound(
    "backfill-lag", 5.0, "seconds of a replica: who reads from it should not see the past; 0 is any"
)
BACKFILL_LONG = Bound(
    "backfill-long",
    60.0,
    "while a transaction is open no dead row is cleared away, and a batch makes many; 0 is any",
)
BACKFILL_P99 = Bound(
    "backfill-p99", 0.5, "what people feel as slow; the service's own answers come first; 0 is any"
)

BOUNDS = (
    LOCK_WAIT,
    LOCK_TIMEOUT,
    LOCK_RETRY,
    STATEMENT_TIMEOUT,
    BLOCK_MAX,
    SNAPSHOTS,
    BACKFILL_INLINE,
    BACKFILL_BATCH,
    BACKFILL_PAUSE,
    BACKFILL_LOCK_TIMEOUT,
    BACKFILL_LAG,
    BACKFILL_LONG,
    BACKFILL_P99,
)

WORDS = {
    "phase": "stop before the first pending contract (`expand`), or apply it (`contract`)",
    "allow-drop": "table or table.column that autogenerate may write a drop for; repeatable",
    "rename": "old:new, a table.column or table that was renamed and not dropped; repeatable",
    "backfill": "table.column=SQL, what a column is in the rows that are there; repeatable",
    "rewrite": "table.column:new_name, a column that takes another's place and type; repeatable",
    "retype": "table.column, a small table's column whose type is changed at once; repeatable",
    "allow-loss": "a revision whose downgrade may lose data under PROTECT_DATA; repeatable",
    "allow-edited": "an applied revision whose file was edited, to be recorded anew; repeatable",
    "allow-contract": "yes: apply a contract although an older program is alive",
    "allow-downgrade": "yes: take back what a program that is alive needs",
    "allow-block": "yes: keep a running server from writing for longer than block-max",
    "allow-message": "yes: take a vague message",
    "scratch": "the URL of a database that plan, drift, lint and squash may fill and empty",
}
"""What else `-x` takes, and what it means."""


class Options:
    """What this run was told, by `-x` and by the application's configuration."""

    def __init__(self, given: Sequence[str], config: Mapping[str, Any]) -> None:
        self._config = config
        self._given: dict[str, list[str]] = {}
        known = {bound.name for bound in BOUNDS} | set(WORDS)
        for word in given:
            name, _, value = word.partition("=")
            if name not in known:
                raise BadOption(
                    f"-x {name} is not known: the options are {', '.join(sorted(known))}."
                )
            self._given.setdefault(name, []).append(value)

    def number(self, bound: Bound, revision: Any = None) -> float:
        """A number, or a time in seconds; `revision` is the module of a revision."""
        if bound.name in self._given:
            return seconds(f"-x {bound.name}", self._given[bound.name][-1])
        own = getattr(revision, bound.attribute, None)
        if own is not None:
            return seconds(f"{bound.attribute} of revision {revision.revision}", own)
        setting = self._config.get(bound.setting)
        if setting is not None and str(setting).strip():
            return seconds(bound.setting, setting)
        return bound.default

    def words(self, name: str) -> list[str]:
        """All values that were given to an option that is repeatable."""
        return [one for value in self._given.get(name, []) for one in value.split(",") if one]

    def texts(self, name: str) -> list[str]:
        """All values that were given to an option, each whole: a comma is a part of it."""
        return [one for one in self._given.get(name, []) if one]

    def word(self, name: str) -> str | None:
        """The last value given to an option, or None."""
        return self._given[name][-1] if name in self._given else None

    def allows(self, name: str) -> bool:
        """Whether somebody has said yes to it, for this run."""
        value = self.word(name)
        return value is not None and value.lower() not in {"no", "0", "false"}

    def flag(self, setting: str) -> bool:
        """Whether a setting of the application is switched on."""
        return str(self._config.get(setting) or "").strip().lower() in {"1", "true", "yes", "on"}

    def text(self, setting: str) -> str | None:
        """A setting of the application, or None where it is empty."""
        return str(self._config.get(setting) or "").strip() or None


def seconds(name: str, value: Any) -> float:
    """A number, or a time such as 300ms in seconds. Raises BadOption, which calls it by `name`."""
    match = DURATION.fullmatch(str(value).strip())
    if match is None:
        raise BadOption(f"{name} is {str(value)!r}, and must be a number or a time such as 300ms.")
    return float(match[1]) * UNITS[match[2] or ""]
