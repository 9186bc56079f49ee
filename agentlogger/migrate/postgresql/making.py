"""Statements of PostgreSQL that make objects where nobody is served: in a base of a history."""

from __future__ import annotations

from collections.abc import Mapping

from agentlogger.migrate.postgresql.catalogue import NOT_VALID
from agentlogger.migrate.postgresql.repairs import created, is_added_later, repair
from agentlogger.migrate.trial.objects import parse

BY_TEXT = {"index"}
"""What the catalogue keeps as the statement that makes it, and a repair would build otherwise."""


def making(key: str, catalogue: Mapping[str, str]) -> list[str]:
    """What makes this object where it is not; [] for what is made with its table."""
    thing, definition = parse(key), catalogue[key]
    if thing.kind == "table":
        between = ",\n    "
        return [created(thing, _valid(catalogue), between=between)]
    if thing.kind == "column":
        return []
    if thing.kind == "constraint":
        if not is_added_later(definition) and not definition.endswith(NOT_VALID):
            return []
        return [f"ALTER TABLE {thing.table} ADD CONSTRAINT {thing.name} {definition}"]
    if thing.kind in BY_TEXT:
        return [definition]
    found = {one: text for one, text in catalogue.items() if one != key}
    return [line.removesuffix(";") for line in repair(key, found, catalogue) if line[:2] != "--"]


def _valid(catalogue: Mapping[str, str]) -> dict[str, str]:
    """The catalogue without what can only be added to a table that is there."""
    return {
        key: text
        for key, text in catalogue.items()
        if parse(key).kind != "constraint" or not text.endswith(NOT_VALID)
    }
