"""One table for both databases, from what each of them has made of it.

A merged table is a proposal: whether it makes the same is tried on both, and where it does not, the
text of each database's own catalogue takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import conv
from sqlalchemy.sql.schema import ColumnCollectionConstraint
from sqlalchemy.types import TypeEngine

from agentlogger.migrate.revisions.recording import dialect_of
from agentlogger.migrate.trial.objects import parse

POSTGRESQL = dialect_of(make_url("postgresql+psycopg2://"))
SQLITE = dialect_of(make_url("sqlite://"))

SERIAL = re.compile(r"nextval\('(?P<name>[^']+)'::regclass\)")
CAST = re.compile(r"(?P<value>'(?:[^']|'')*'|-?[\d.]+|\(-?[\d.]+\))::[\w \"().]+")
NOW = {"now()", "CURRENT_TIMESTAMP"}

MODIFIERS = ("length", "timezone", "precision", "scale")

GENERIC: tuple[type[TypeEngine[Any]], ...] = (
    sa.Uuid, sa.BigInteger, sa.SmallInteger, sa.Integer, sa.Boolean, sa.String, sa.Text,
    sa.DateTime, sa.Date, sa.Time, sa.Interval, sa.Double, sa.Float, sa.Numeric, sa.LargeBinary,
    sa.JSON, sa.CHAR,
)  # fmt: skip
"""Types that each database spells in its own way; the first that fits is taken."""


class Unlike(Exception):  # noqa: N818  (no error: the end of what one table can say)
    """No single table makes what both databases have."""


@dataclass(frozen=True)
class Side:
    """What one database has: its tables as SQLAlchemy reads them, and its catalogue."""

    tables: Mapping[str, sa.Table]
    catalogue: Mapping[str, str]


@dataclass(frozen=True)
class Merged:
    """A table for both, and the sequences that come with it on PostgreSQL."""

    table: sa.Table
    sequences: frozenset[str]


def merged(key: str, ours: Side, theirs: Side, metadata: sa.MetaData) -> Merged:
    """The table of this key, from PostgreSQL (`ours`) and SQLite. Raises Unlike."""
    thing = parse(key)
    one, other = ours.tables.get(thing.bare), theirs.tables.get(thing.bare)
    if (
        thing.schema
        or one is None
        or other is None
        or set(one.columns.keys()) != set(other.columns.keys())
    ):
        raise Unlike(key)
    sequences: set[str] = set()
    table = sa.Table(thing.bare, metadata, comment=one.comment)
    for column in one.columns:
        table.append_column(_column(column, other.columns[column.name], sequences))
    for constraint in _constraints(one, other):
        table.append_constraint(constraint)
    by = ours.catalogue[key]
    if by.startswith("partitioned by "):
        table.dialect_options["postgresql"]["partition_by"] = by.removeprefix("partitioned by ")
        table.kwargs["postgresql_partition_by"] = by.removeprefix("partitioned by ")
    elif by != "ordinary":
        raise Unlike(key)
    if any("AUTOINCREMENT" in text for text in _of(thing.name, theirs.catalogue)):
        table.kwargs["sqlite_autoincrement"] = True
    return Merged(table, frozenset(sequences))


def merged_index(key: str, table: sa.Table, ours: Side, theirs: Side) -> sa.Index:
    """The index of this key on a merged table. Raises Unlike."""
    name = parse(key).bare
    one = _index(ours.tables[table.name], name)
    other = _index(theirs.tables[table.name], name)
    columns = [column.name for column in one.columns]
    if not columns or columns != [column.name for column in other.columns]:
        raise Unlike(key)
    told: dict[str, Any] = {
        option: value
        for index, prefix in ((one, "postgresql_"), (other, "sqlite_"))
        for option, value in index.dialect_kwargs.items()
        if option.startswith(prefix) and (isinstance(value, sa.ClauseElement) or value)
    }
    if ("postgresql_where" in told) != ("sqlite_where" in told):
        raise Unlike(key)
    if "sqlite_where" in told:
        # In the words of who wrote it; PostgreSQL has put them into its own.
        where = sa.text(str(told["sqlite_where"]))
        told |= {"postgresql_where": where, "sqlite_where": where}
    return sa.Index(conv(name), *(table.columns[column] for column in columns),
                    unique=one.unique, **told)  # fmt: skip


def _of(table: str, catalogue: Mapping[str, str]) -> Iterator[str]:
    for key, definition in catalogue.items():
        if parse(key).belongs_to == table:
            yield definition


def _index(table: sa.Table, name: str) -> sa.Index:
    found = [index for index in table.indexes if index.name == name]
    if not found:
        raise Unlike(name)
    return found[0]


def _column(one: Any, other: Any, sequences: set[str]) -> sa.Column[Any]:
    default, is_serial = _default(one, other, sequences)
    extra: list[Any] = [default] if isinstance(default, sa.Identity | sa.Computed) else []
    return sa.Column(
        one.name,
        common_type(one.type, other.type),
        *extra,
        nullable=one.nullable,
        server_default=None if extra else default,
        # As autogenerate writes it: only where it is not what follows from the rest.
        autoincrement="auto" if is_serial or not _is_whole(one) else False,
        comment=one.comment,
    )


def _is_whole(column: Any) -> bool:
    return bool(column.primary_key) and isinstance(column.type, sa.Integer)


def common_type(one: TypeEngine[Any], other: TypeEngine[Any]) -> TypeEngine[Any]:
    """A type that is the first on PostgreSQL and the second on SQLite."""
    wanted = _spelled(one, POSTGRESQL), _spelled(other, SQLITE)
    given = {name: value for name in MODIFIERS
             if (value := getattr(one, name, None)) not in {None, False}}  # fmt: skip
    for kind in GENERIC:
        for arguments in (given, {}):
            try:
                found = kind(**arguments)
            except TypeError:
                continue
            if (_spelled(found, POSTGRESQL), _spelled(found, SQLITE)) == wanted:
                return found
    base = one
    if isinstance(one, postgresql.ENUM):
        # It is made by itself, before the first table that has it.
        base = postgresql.ENUM(*one.enums, name=one.name, schema=one.schema, create_type=False)
    elif wanted[0] == "JSONB":
        base = postgresql.JSONB()
    for kind in GENERIC:
        if _spelled(kind(), SQLITE) == wanted[1]:
            return base.with_variant(kind(), "sqlite")
    return base.with_variant(other, "sqlite")


def _spelled(kind: TypeEngine[Any], dialect: Any) -> str:
    try:
        text = str(kind.compile(dialect=dialect))
    except sa.exc.CompileError:
        return type(kind).__name__
    # PostgreSQL keeps a FLOAT as this.
    return "DOUBLE PRECISION" if dialect is POSTGRESQL and text == "FLOAT" else text


def _default(one: Any, other: Any, sequences: set[str]) -> tuple[Any, bool]:
    """What stands in a column where nobody says, and whether that is counted by itself."""
    if one.identity is not None:
        given = {name: getattr(one.identity, name)
                 for name in ("always", "start", "increment", "cycle")}  # fmt: skip
        if other.server_default is not None:
            raise Unlike(one.name)
        return sa.Identity(**given), True
    if one.computed is not None:
        if other.computed is None:
            raise Unlike(one.name)
        return sa.Computed(str(_text(other.computed)), persisted=other.computed.persisted), False
    mine, theirs = _text(one.server_default), _text(other.server_default)
    serial = SERIAL.fullmatch(mine or "")
    if serial and theirs is None and _is_whole(one):
        sequences.add(serial["name"])
        return None, True
    if mine is None or theirs is None:
        if mine != theirs:
            raise Unlike(one.name)
        return None, False
    return _common_default(mine, theirs), False


def _common_default(mine: str, theirs: str) -> Any:
    while (match := CAST.fullmatch(mine)) is not None:
        mine = match["value"]
    if (mine, theirs) in {("false", "0"), ("true", "1")}:
        return sa.false() if mine == "false" else sa.true()
    if mine in NOW and theirs.strip("()") in NOW:
        return sa.func.now()
    return sa.text(theirs)


def _text(default: Any) -> str | None:
    if default is None:
        return None
    said = getattr(default, "sqltext", None)
    said = default.arg if said is None else said
    return str(said.text if isinstance(said, sa.TextClause) else said)


def _constraints(one: sa.Table, other: sa.Table) -> Iterator[sa.Constraint]:
    """Each constraint, by the name that both give it; without one where SQLite has none."""
    names: dict[Any, list[Any]] = {}
    for constraint in other.constraints:
        names.setdefault(_what(constraint), []).append(constraint)
    ordered = sorted(one.constraints, key=lambda each: (_rank(each), str(each.name)))
    for constraint in ordered:
        if isinstance(constraint, sa.PrimaryKeyConstraint) and not constraint.columns:
            continue
        if isinstance(constraint, sa.CheckConstraint):
            # PostgreSQL says it in words of its own; these are those of who wrote it.
            checks = [each for each in other.constraints if isinstance(each, sa.CheckConstraint)]
            theirs = [each for each in checks if each.name == constraint.name]
        else:
            theirs = names.get(_what(constraint), [])
        if len(theirs) != 1:
            raise Unlike(str(constraint.name))
        yield _copied(constraint, theirs[0])


def _rank(constraint: sa.Constraint) -> int:
    order = (sa.CheckConstraint, sa.ForeignKeyConstraint, sa.PrimaryKeyConstraint)
    return next((place for place, kind in enumerate(order) if isinstance(constraint, kind)), 9)


def _what(constraint: sa.Constraint) -> Any:
    if isinstance(constraint, sa.ForeignKeyConstraint):
        to = tuple(element.target_fullname for element in constraint.elements)
        return "foreign key", tuple(constraint.column_keys), to
    if isinstance(constraint, ColumnCollectionConstraint):
        return type(constraint).__name__, tuple(constraint.columns.keys())
    return type(constraint).__name__


def _copied(constraint: Any, theirs: Any) -> sa.Constraint:
    name = None if theirs.name is None else conv(str(theirs.name))
    match constraint:
        case sa.CheckConstraint():
            return sa.CheckConstraint(sa.text(str(theirs.sqltext)), name=name)
        case sa.ForeignKeyConstraint():
            return sa.ForeignKeyConstraint(
                list(constraint.column_keys),
                [element.target_fullname for element in constraint.elements],
                name=name,
                onupdate=constraint.onupdate,
                ondelete=constraint.ondelete,
                deferrable=constraint.deferrable,
                initially=constraint.initially,
            )
        case sa.PrimaryKeyConstraint():
            return sa.PrimaryKeyConstraint(*constraint.columns.keys(), name=name)
        case sa.UniqueConstraint():
            return sa.UniqueConstraint(*constraint.columns.keys(), name=name)
    raise Unlike(str(constraint.name))
