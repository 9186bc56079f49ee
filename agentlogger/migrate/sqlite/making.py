"""Statements of SQLite that make objects where nobody is served: in a base of a history."""

from __future__ import annotations

from collections.abc import Mapping

from agentlogger.migrate.sqlite.repairs import WHOLE, created
from agentlogger.migrate.trial.objects import parse


def making(key: str, catalogue: Mapping[str, str]) -> list[str]:
    """What makes this object where it is not; [] for what is made with its table."""
    thing = parse(key)
    if thing.kind in WHOLE:
        return [catalogue[key]]
    if thing.kind == "table":
        return [created(thing.name, thing.name, catalogue, between=",\n    ")]
    return []
