"""The statements of SQLite that make an object what a catalogue says it is.

They are shown and never run. SQLite changes neither a column nor a constraint in place: the table
is then made anew, in one transaction, with the rows that it has (sqlite.org/lang_altertable.html).
"""

from __future__ import annotations

from collections.abc import Mapping

from agentlogger.migrate.trial.objects import Thing, in_order, parse

REBUILT = "rebuilt_table"
"""The name of a table while it is made anew."""

WHOLE = {"index", "view", "trigger", "virtual table"}
"""What the catalogue keeps as the statement that makes it."""

LOSES = {
    "table": "-- its rows go with it",
    "virtual table": "-- its rows go with it",
    "column": "-- what is in it goes with it",
}


def repair(key: str, found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """What makes the object `key` of the catalogue `found` as it is in the catalogue `wanted`."""
    thing = parse(key)
    if key not in wanted:
        return _drop(thing, found, wanted)
    if key not in found:
        return _make(thing, found, wanted)
    if thing.kind in WHOLE:
        return [*_drop(thing, found, wanted), f"{wanted[key]};"]
    return _rebuild(thing, found, wanted)


def _drop(thing: Thing, found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    lost = [LOSES[thing.kind]] if thing.kind in LOSES else []
    if thing.kind == "column":
        return [*lost, f"ALTER TABLE {thing.belongs_to} DROP COLUMN {thing.last};"]
    if thing.kind in {"table", "index", "view", "trigger", "virtual table"}:
        return [*lost, f"DROP {thing.kind.rpartition(' ')[2].upper()} {thing.name};"]
    return _rebuild(thing, found, wanted)


def _make(thing: Thing, found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    if thing.kind in WHOLE:
        return [f"{wanted[str(thing)]};"]
    if thing.kind == "table":
        return [f"{created(thing.name, thing.name, wanted)};", *_hanging(thing.name, wanted)]
    if thing.kind == "column" and _can_be_added(wanted[str(thing)]):
        return [f"ALTER TABLE {thing.belongs_to} ADD COLUMN {thing.last} {wanted[str(thing)]};"]
    return _rebuild(thing, found, wanted)


def _can_be_added(definition: str) -> bool:
    """Whether SQLite adds such a column to a table that has rows."""
    if " NOT NULL" in definition and " DEFAULT " not in definition:
        return False
    return " DEFAULT (" not in definition and not definition.endswith(" STORED")


def _rebuild(thing: Thing, found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """The table made anew as it is wanted, with what it has in the columns that both have."""
    table = str(thing.belongs_to or thing.name)
    kept = [
        one.last
        for one in _columns(table, wanted)
        if str(one) in found and "GENERATED ALWAYS AS (" not in wanted[str(one)] + found[str(one)]
    ]
    columns = ", ".join(kept)
    return [
        "PRAGMA foreign_keys = OFF;",
        "PRAGMA legacy_alter_table = ON;",
        "BEGIN IMMEDIATE;",
        f"{created(table, REBUILT, wanted)};",
        f"INSERT INTO {REBUILT} ({columns}) SELECT {columns} FROM {table};",  # noqa: S608  (shown, never run)
        f"DROP TABLE {table};",
        f"ALTER TABLE {REBUILT} RENAME TO {table};",
        *_hanging(table, wanted),
        "PRAGMA foreign_key_check;",
        "COMMIT;",
        "PRAGMA legacy_alter_table = OFF;",
        "PRAGMA foreign_keys = ON;",
    ]


def _columns(table: str, catalogue: Mapping[str, str]) -> list[Thing]:
    things = [parse(key) for key in catalogue]
    return [one for one in things if one.kind == "column" and one.belongs_to == table]


def created(table: str, name: str, wanted: Mapping[str, str], *, between: str = ", ") -> str:
    """The statement that makes a table, under this name, with its columns and constraints."""
    parts = [f"{one.last} {wanted[str(one)]}" for one in _columns(table, wanted)]
    for key in wanted:
        one = parse(key)
        if one.kind == "constraint" and one.belongs_to == table:
            is_named = one.name != '"' + wanted[key].replace('"', '""') + '"'
            parts.append(f"CONSTRAINT {one.name} {wanted[key]}" if is_named else wanted[key])
    options = wanted[f"table {table}"].removeprefix("ordinary")
    return f"CREATE TABLE {name} ({between.join(parts)}) {options}".rstrip()


def _hanging(table: str, wanted: Mapping[str, str]) -> list[str]:
    """The statements that make the indexes and triggers of a table."""
    things = [parse(key) for key in wanted]
    keys = [str(one) for one in things if one.table == table and one.kind in {"index", "trigger"}]
    return [f"{wanted[key]};" for key in in_order(keys, wanted)]
