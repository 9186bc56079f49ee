"""Classes of tables, and what a revision may cost each: from the extension and `lint.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agentlogger.migrate.causes import BadOption
from agentlogger.migrate.linting.rules import BY_NAME, RULES
from agentlogger.migrate.revisions.folder import shown

FILE = "lint.toml"
"""Beside `migrations.sum`. A revision that was applied is not edited, so what it is allowed stands
here."""

HOT, ORDINARY, SMALL = "hot", "ordinary", "small"

GROWING = frozenset(rule.name for rule in RULES if rule.grows)


@dataclass(frozen=True)
class TableClass:
    """Tables of which the same is asked."""

    name: str
    rows: int
    """So many synthetic rows."""
    milliseconds: float
    """A lock that stops writes may be held so long, if the table had a million rows."""
    allowed: frozenset[str] = frozenset()
    """Rules that do not count."""


DEFAULTS = (
    # Records come in all the time: half a second is what a client's own queue bridges.
    TableClass(HOT, rows=10_000, milliseconds=500.0),
    # As large as nobody knows, and asked less often.
    TableClass(ORDINARY, rows=1_000, milliseconds=5_000.0),
    TableClass(SMALL, rows=100, milliseconds=60_000.0, allowed=GROWING - {"lock-held-long"}),
)

NUMBERS = {"rows": int, "milliseconds": (int, float)}


@dataclass(frozen=True)
class Budgets:
    """Which table is of which class, and what single revisions are allowed, with the reason."""

    classes: Mapping[str, TableClass]
    tables: Mapping[str, str]
    """The class of each table that has been given one."""
    allowed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By revision: reasons by rule."""

    def of(self, table: str) -> TableClass:
        """The class of a table."""
        return self.classes[self.tables.get(table, ORDINARY)]


def budgets(folder: Path, hot: Iterable[str], small: Iterable[str]) -> Budgets:
    """What the application and the folder's `lint.toml` say. Raises BadOption.

    What the file says of a table counts more.
    """
    path = folder / FILE
    told = _read(path)
    classes = {one.name: one for one in DEFAULTS}
    tables = dict.fromkeys(small, SMALL) | dict.fromkeys(hot, HOT)
    for name, given in _section(path, told, "classes").items():
        classes[name] = _class(path, classes.get(name, TableClass(name, 1_000, 5_000.0)), given)
        tables |= dict.fromkeys(_names(path, name, given), name)
    allowed = {
        str(revision): checked(reasons, f"`allow.{revision}` of {shown(path)}")
        for revision, reasons in _section(path, told, "allow").items()
    }
    return Budgets(classes, tables, allowed)


def checked(reasons: Any, where: str) -> dict[str, str]:
    """Rules that a revision is allowed, each with its reason. Raises BadOption."""
    if not isinstance(reasons, dict):
        raise BadOption(f'{where} must name rules with reasons: {{"rewrite": "..."}}.')
    for rule, reason in reasons.items():
        if rule not in BY_NAME:
            raise BadOption(
                f"{where} names {rule!r}, and the rules are {', '.join(BY_NAME)}: correct it."
            )
        if not isinstance(reason, str) or not reason.strip():
            raise BadOption(
                f"{where} allows {rule} without a reason: write why it is harmless there."
            )
    return dict(reasons)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise BadOption(f"{shown(path)} is not TOML ({fault}): correct it.") from fault
    unknown = set(told) - {"classes", "allow"}
    if unknown:
        raise BadOption(
            f"{shown(path)} has a section {min(unknown)!r}, and the sections are `classes` and "
            "`allow`: correct it."
        )
    return told


def _section(path: Path, told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = told.get(name, {})
    if not isinstance(section, dict) or not all(isinstance(one, dict) for one in section.values()):
        raise BadOption(f"`{name}` of {shown(path)} must be tables, as in [{name}.NAME].")
    return section


def _names(path: Path, name: str, given: Mapping[str, Any]) -> list[str]:
    tables = given.get("tables", [])
    if not isinstance(tables, list) or not all(isinstance(one, str) for one in tables):
        raise BadOption(f"`tables` of `classes.{name}` of {shown(path)} must be a list of names.")
    return tables


def _class(path: Path, was: TableClass, given: Mapping[str, Any]) -> TableClass:
    where = f"`classes.{was.name}` of {shown(path)}"
    for name, value in given.items():
        if name in NUMBERS:
            kind: Any = NUMBERS[name]
            if not isinstance(value, kind) or isinstance(value, bool) or value < 0:
                raise BadOption(f"{where} has {name} = {value!r}, and it must be a number.")
            was = replace(was, **{name: value})
        elif name == "allow":
            if not isinstance(value, list) or not set(value) <= set(BY_NAME):
                raise BadOption(
                    f"{where} has allow = {value!r}, and it must be a list of rules, which are "
                    f"{', '.join(BY_NAME)}."
                )
            was = replace(was, allowed=frozenset(value))
        elif name != "tables":
            raise BadOption(
                f"{where} has {name!r}, and it can have rows, milliseconds, allow and tables."
            )
    return was
