"""The statements of PostgreSQL that make an object what a catalogue says it is.

They are shown and never run: an index is built CONCURRENTLY and a constraint validated apart from
being made, so that a service goes on meanwhile; a remark begins with two dashes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agentlogger.migrate.postgresql.catalogue import BEING_BUILT, INVALID, NOT_VALID
from agentlogger.migrate.trial.objects import Thing, in_order, parse

COLUMN = re.compile(
    r"(?P<type>.+?)(?P<collation> COLLATE \S+)?(?P<required> NOT NULL)?"
    r"(?: (?P<value>(?:DEFAULT|GENERATED) .+))?",
    re.DOTALL,
)
LABEL = re.compile(r"'(?:[^']|'')*'")

DROPS = {
    "enum": "DROP TYPE {name};",
    "sequence": "DROP SEQUENCE {name};",
    "function": "DROP ROUTINE {name}{arguments};",
    "table": "DROP TABLE {name};",
    "partition": "DROP TABLE {name};",
    "column": "ALTER TABLE {table} DROP COLUMN {last};",
    "constraint": "ALTER TABLE {table} DROP CONSTRAINT {name};",
    "view": "DROP VIEW {name};",
    "materialized view": "DROP MATERIALIZED VIEW {name};",
    "statistics": "DROP STATISTICS {qualified};",
    "rule": "DROP RULE {name} ON {table};",
    "trigger": "DROP TRIGGER {name} ON {table};",
    "trigger state": "ALTER TABLE {table} ENABLE TRIGGER {name};",
    "row security": "ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;",
    "policy": "DROP POLICY {name} ON {table};",
}

MAKES = {
    "enum": "CREATE TYPE {name} AS ENUM ({definition});",
    "sequence": "CREATE SEQUENCE {name} {definition};",
    "function": "{definition};",
    "partition": "CREATE TABLE {name} PARTITION OF {table} {definition};",
    "view": "CREATE VIEW {name} AS {definition};",
    "materialized view": "CREATE MATERIALIZED VIEW {name} AS {definition};",
    "statistics": "{definition};",
    "rule": "{definition};",
    "trigger": "{definition};",
    "trigger state": "ALTER TABLE {table} {definition} TRIGGER {name};",
    "policy": "CREATE POLICY {name} ON {table} {definition};",
    "options": "ALTER TABLE {name} SET ({definition});",
}

CHANGES = {
    "sequence": "ALTER SEQUENCE {name} {definition};",
    "function": "{definition};",
    "trigger state": "ALTER TABLE {table} {definition} TRIGGER {name};",
}
"""What changes in place; the rest is dropped and made anew, or has a function of its own."""

LOSES = {"table": "-- its rows go with it", "partition": "-- its rows go with it",
         "column": "-- what is in it goes with it"}  # fmt: skip


def repair(key: str, found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """What makes the object `key` of the catalogue `found` as it is in the catalogue `wanted`."""
    thing = parse(key)
    if key not in wanted:
        return _drop(thing, found)
    if key not in found:
        return _make(thing, wanted)
    own = OWN_CHANGES.get(thing.kind)
    if own is not None:
        return own(thing, found, wanted)
    if thing.kind in CHANGES:
        return [_filled(CHANGES[thing.kind], thing, wanted[key])]
    return [*_drop(thing, found), *_make(thing, wanted)]


def _filled(template: str, thing: Thing, definition: str = "") -> str:
    return template.format(
        name=thing.name,
        qualified=thing.qualified,
        arguments=thing.arguments,
        last=thing.last,
        table=thing.belongs_to,
        definition=definition,
    )


def _is_partitioned(table: str | None, catalogue: Mapping[str, str]) -> bool:
    return "partitioned by" in catalogue.get(f"table {table}", "")


def _drop(thing: Thing, found: Mapping[str, str]) -> list[str]:
    if thing.kind == "index":
        return _drop_index(thing, found)
    if thing.kind == "options":
        names = ", ".join(one.partition("=")[0] for one in found[str(thing)].split(", "))
        return [f"ALTER TABLE {thing.name} RESET ({names});"]
    if thing.kind == "storage":
        usual = found[str(thing)].rpartition(" ")[2]
        return [f"ALTER TABLE {thing.belongs_to} ALTER COLUMN {thing.last} SET STORAGE {usual};"]
    if thing.kind == "constraint" and found[str(thing)].startswith("NOT NULL "):
        # PostgreSQL 18 lists one only while it is not valid; the column's own text says the rest.
        return [_validate(thing)]
    lost = [LOSES[thing.kind]] if thing.kind in LOSES else []
    return [*lost, _filled(DROPS[thing.kind], thing)]


def _drop_index(thing: Thing, found: Mapping[str, str]) -> list[str]:
    definition = found[str(thing)]
    if definition.endswith(BEING_BUILT):
        return ["-- it is being built at this moment: wait until that has ended"]
    if f"table {thing.table}" not in found:
        # A partition's, which may be attached to its table's index and can then not be dropped.
        return [f"REINDEX INDEX CONCURRENTLY {thing.qualified};"]
    gently = "" if _is_partitioned(thing.table, found) else " CONCURRENTLY"
    return [f"DROP INDEX{gently} {thing.qualified};"]


def _make(thing: Thing, wanted: Mapping[str, str]) -> list[str]:
    own = OWN_MAKES.get(thing.kind)
    if own is not None:
        return own(thing, wanted)
    return [_filled(MAKES[thing.kind], thing, wanted[str(thing)])]


def _make_table(thing: Thing, wanted: Mapping[str, str]) -> list[str]:
    """The table with all that hangs on it, but without its foreign keys: they come last."""
    hanging = _hanging(thing, wanted)
    others = [str(one) for one in hanging if one.kind not in {"column", "constraint"}]
    rest = [line for key in in_order(others, wanted) for line in _make(parse(key), wanted)]
    return [f"{created(thing, wanted)};", *rest]


def _hanging(thing: Thing, catalogue: Mapping[str, str]) -> list[Thing]:
    found = [parse(key) for key in catalogue]
    return [one for one in found if one.belongs_to == thing.name]


def created(thing: Thing, wanted: Mapping[str, str], *, between: str = ", ") -> str:
    """The statement that makes a table with its columns and valid constraints.

    Without foreign keys: what they refer to may come later.
    """
    definition = wanted[str(thing)]
    hanging = _hanging(thing, wanted)
    parts = [f"{one.last} {wanted[str(one)]}" for one in hanging if one.kind == "column"]
    parts += [
        f"CONSTRAINT {one.name} {wanted[str(one)]}"
        for one in hanging
        if one.kind == "constraint" and not is_added_later(wanted[str(one)])
    ]
    unlogged = "UNLOGGED " if definition.startswith("unlogged") else ""
    _, partitioned, by = definition.partition("partitioned by ")
    tail = f" PARTITION BY {by}" if partitioned else ""
    return f"CREATE {unlogged}TABLE {thing.name} ({between.join(parts)}){tail}"


def is_added_later(constraint: str) -> bool:
    """Whether a constraint of this definition is added to its table, and not made with it."""
    return constraint.startswith("FOREIGN KEY")


def _make_column(thing: Thing, wanted: Mapping[str, str]) -> list[str]:
    column = _read(wanted[str(thing)])
    add = f"ALTER TABLE {thing.belongs_to} ADD COLUMN {thing.last}"
    if column.is_required and not column.value:
        return [
            f"{add} {column.type};",
            f"-- fill {thing.last} in every row, then:",
            f"ALTER TABLE {thing.belongs_to} ALTER COLUMN {thing.last} SET NOT NULL;",
        ]
    return [f"{add} {wanted[str(thing)]};"]


def _make_storage(thing: Thing, wanted: Mapping[str, str]) -> list[str]:
    kept = wanted[str(thing)].partition(" ")[0]
    return [f"ALTER TABLE {thing.belongs_to} ALTER COLUMN {thing.last} SET STORAGE {kept};"]


def _make_security(thing: Thing, wanted: Mapping[str, str]) -> list[str]:
    return [
        f"ALTER TABLE {thing.name} {word} ROW LEVEL SECURITY;"
        for word in wanted[str(thing)].split(", ")
    ]


def _make_index(thing: Thing, wanted: Mapping[str, str]) -> list[str]:
    definition = wanted[str(thing)].removesuffix(INVALID)
    if _is_partitioned(thing.table, wanted):
        return [f"-- writes to {thing.table} wait while it is built", f"{definition};"]
    return [f"{definition.replace(' INDEX ', ' INDEX CONCURRENTLY ', 1)};"]


def _make_constraint(thing: Thing, wanted: Mapping[str, str]) -> list[str]:
    definition = wanted[str(thing)].removesuffix(INVALID)
    add = f"ALTER TABLE {thing.table} ADD CONSTRAINT {thing.name} {definition}"
    by_row = definition.startswith("CHECK")
    by_row |= definition.startswith("FOREIGN") and not _is_partitioned(thing.table, wanted)
    if not by_row or definition.endswith((NOT_VALID, " NOT ENFORCED")):
        return [f"{add};"]
    return [f"{add}{NOT_VALID};", _validate(thing)]


def _validate(thing: Thing) -> str:
    return f"ALTER TABLE {thing.table} VALIDATE CONSTRAINT {thing.name};"


def _change_constraint(
    thing: Thing, found: Mapping[str, str], wanted: Mapping[str, str]
) -> list[str]:
    is_now, shall_be = found[str(thing)], wanted[str(thing)]
    if is_now == shall_be + NOT_VALID:
        return [_validate(thing)]
    if is_now == shall_be + INVALID:
        return [f"REINDEX INDEX CONCURRENTLY {thing.qualified};"]
    return [*_drop(thing, found), *_make_constraint(thing, wanted)]


def _change_index(thing: Thing, found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    is_now, shall_be = found[str(thing)], wanted[str(thing)]
    if is_now == shall_be + INVALID and not _is_partitioned(thing.table, wanted):
        return [f"REINDEX INDEX CONCURRENTLY {thing.qualified};"]
    dropped = _drop_index(thing, found)
    if is_now.endswith(BEING_BUILT):
        return dropped
    return [*dropped, *_make_index(thing, wanted)]


def _change_column(thing: Thing, found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    is_now, shall_be = _read(found[str(thing)]), _read(wanted[str(thing)])
    alter = f"ALTER TABLE {thing.belongs_to} ALTER COLUMN {thing.last}"
    value_differs = is_now.value != shall_be.value
    if value_differs and shall_be.is_computed:
        # Only PostgreSQL 17 can change an expression in place; what is computed is not lost.
        return [_filled(DROPS["column"], thing), *_make_column(thing, wanted)]
    lines: list[str] = []
    if is_now.type != shall_be.type:
        # A default of the old type might not be one of the new.
        lines += [f"{alter} {undo};" for undo in is_now.undo]
        lines.append(f"{alter} TYPE {shall_be.type} USING {thing.last}::{shall_be.bare_type};")
    elif value_differs and not (is_now.is_default and shall_be.is_default):
        lines += [f"{alter} {undo};" for undo in is_now.undo]
    if is_now.is_required != shall_be.is_required:
        lines.append(f"{alter} {'SET' if shall_be.is_required else 'DROP'} NOT NULL;")
    if shall_be.value and (value_differs or is_now.type != shall_be.type):
        word = "SET" if shall_be.is_default else "ADD"
        lines.append(f"{alter} {word} {shall_be.value};")
    return lines


@dataclass(frozen=True)
class ColumnText:
    """A column's definition, taken apart; `value` is what stands in it where nobody says."""

    bare_type: str
    collation: str
    is_required: bool
    value: str

    @property
    def type(self) -> str:
        """The type with its collation."""
        return self.bare_type + self.collation

    @property
    def is_default(self) -> bool:
        """Whether the value is a default, and neither an identity nor computed."""
        return self.value.startswith("DEFAULT ")

    @property
    def is_computed(self) -> bool:
        """Whether the value is an expression of the row's other columns."""
        return self.value.startswith("GENERATED ALWAYS AS (")

    @property
    def undo(self) -> list[str]:
        """What makes it a column without a value of its own."""
        if not self.value:
            return []
        kind = "EXPRESSION" if self.is_computed else "DEFAULT" if self.is_default else "IDENTITY"
        return [f"DROP {kind}"]


def _read(definition: str) -> ColumnText:
    match = COLUMN.fullmatch(definition)
    if match is None:
        raise ValueError(f"{definition!r} defines no column")
    return ColumnText(
        match["type"], match["collation"] or "", bool(match["required"]), match["value"] or ""
    )


def _change_enum(thing: Thing, found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    has, shall = LABEL.findall(found[str(thing)]), LABEL.findall(wanted[str(thing)])
    if [label for label in shall if label in has] != has:
        return [
            f"-- PostgreSQL takes no label from an enum: make another type of {wanted[str(thing)]}",
            "-- and move each column to it with ALTER COLUMN ... TYPE ... USING, in a revision",
        ]
    lines = []
    for place, label in enumerate(shall):
        if label not in has:
            where = f"AFTER {shall[place - 1]}" if place else f"BEFORE {has[0]}"
            lines.append(f"ALTER TYPE {thing.name} ADD VALUE {label} {where};")
    return lines


def _change_table(thing: Thing, found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    is_now, shall_be = found[str(thing)], wanted[str(thing)]
    if is_now.partition("partitioned")[1:] != shall_be.partition("partitioned")[1:]:
        return [
            f"-- no statement changes how a table is partitioned: make one that is {shall_be},",
            "-- copy the rows, and rename both",
        ]
    state = "UNLOGGED" if shall_be.startswith("unlogged") else "LOGGED"
    return [f"ALTER TABLE {thing.name} SET {state};"]


def _change_partition(
    thing: Thing, found: Mapping[str, str], wanted: Mapping[str, str]
) -> list[str]:
    del found
    return [
        f"ALTER TABLE {thing.table} DETACH PARTITION {thing.name};",
        f"ALTER TABLE {thing.table} ATTACH PARTITION {thing.name} {wanted[str(thing)]};",
    ]


def _change_security(
    thing: Thing, found: Mapping[str, str], wanted: Mapping[str, str]
) -> list[str]:
    has, shall = set(found[str(thing)].split(", ")), set(wanted[str(thing)].split(", "))
    undo = {"ENABLE": "DISABLE", "FORCE": "NO FORCE"}
    words = [undo[word] for word in sorted(has - shall)] + sorted(shall - has)
    return [f"ALTER TABLE {thing.name} {word} ROW LEVEL SECURITY;" for word in words]


OWN_MAKES: Mapping[str, Callable[[Thing, Mapping[str, str]], list[str]]] = {
    "table": _make_table,
    "column": _make_column,
    "storage": _make_storage,
    "constraint": _make_constraint,
    "index": _make_index,
    "row security": _make_security,
}

OWN_CHANGES: Mapping[str, Callable[[Thing, Mapping[str, str], Mapping[str, str]], list[str]]] = {
    "enum": _change_enum,
    "table": _change_table,
    "partition": _change_partition,
    "column": _change_column,
    "constraint": _change_constraint,
    "index": _change_index,
    "row security": _change_security,
}
