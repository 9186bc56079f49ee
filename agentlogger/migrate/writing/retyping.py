"""Columns of another type: in place, beside the old one, or at once where somebody says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic.autogenerate import render, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Column
from sqlalchemy.types import TypeEngine

from agentlogger.migrate.causes import BadOption, Undecided
from agentlogger.migrate.options import Options
from agentlogger.migrate.writing.conversions import converted, is_in_place, written
from agentlogger.migrate.writing.names import quoted
from agentlogger.migrate.writing.operations import added, first
from agentlogger.migrate.writing.phases import Place, Step
from agentlogger.migrate.writing.saying import said


class RetypeOp(ops.AlterColumnOp):
    """An `alter_column` of a type, with what PostgreSQL makes of the values."""

    def reverse(self) -> RetypeOp:
        """The operation that gives the column its former type."""
        made = super().reverse()
        old, new = made.existing_type, made.modify_type
        assert old is not None and new is not None  # noqa: S101, PT018  (it changes the type)
        made.kw |= {"postgresql_using": converted(quoted(made.column_name), old, new)}
        assert isinstance(made, RetypeOp)  # noqa: S101  (Alembic makes one of the same class)
        return made


@renderers.dispatch_for(RetypeOp)
def _written(context: AutogenContext, operation: RetypeOp) -> str:
    """The call, with `postgresql_using`, which Alembic itself never writes."""
    text = render.renderers.dispatch(ops.AlterColumnOp("", ""))(context, operation)
    using = operation.kw.get("postgresql_using")
    if using is None or using == quoted(operation.column_name):
        return str(text)
    # SQLite takes no notice of it: there the table is copied, each value cast.
    told = str.__repr__(using)
    return f"{str(text).removesuffix(')')},\n           postgresql_using={told})"


@dataclass
class Rewrite:
    """A column that takes another's place, with other values of the same meaning."""

    table: str
    old: Column[Any]
    new: Column[Any]

    @property
    def forth(self) -> str:
        """What the new column is, by the old one."""
        return converted(quoted(self.old.name), self.old.type, self.new.type)

    @property
    def back(self) -> str:
        """What the old column is, by the new one."""
        return converted(quoted(self.new.name), self.new.type, self.old.type)

    @property
    def lacking(self) -> str:
        """The rows whose new column has not got its value."""
        return f"{quoted(self.new.name)} IS NULL AND {quoted(self.old.name)} IS NOT NULL"

    @property
    def lacking_back(self) -> str:
        """The rows whose old column has not got its value back."""
        return f"{quoted(self.old.name)} IS NULL AND {quoted(self.new.name)} IS NOT NULL"


@dataclass
class Retyping:
    """What this run says of columns that get another type."""

    at_once: set[str] = field(default_factory=set)
    """What `-x retype=table.column` says."""
    rewrites: dict[tuple[str, str], Rewrite] = field(default_factory=dict)
    """What `-x rewrite=table.column:new_name` says, by the table and the new name."""
    used: set[str] = field(default_factory=set)

    @classmethod
    def told(cls, operations: Sequence[Any], options: Options) -> Retyping:
        """As the options of this run say. Raises BadOption for a rewrite that fits nothing."""
        made = cls(set(options.words("retype")))
        for word in options.words("rewrite"):
            column, _, new = word.partition(":")
            table, _, old = column.partition(".")
            drop = first(operations, ops.DropColumnOp, table_name=table, column_name=old)
            add = added(operations, table, new)
            if drop is None or add is None:
                raise BadOption(
                    f"-x rewrite={word} does not fit: the models must have {new or 'a new name'} "
                    f"in place of {column}, and autogenerate has found no such pair."
                )
            made.rewrites[table, new] = Rewrite(table, drop.to_column(), add.column)
        return made

    @property
    def replaced(self) -> list[str]:
        """The columns whose place another takes."""
        return [f"{one.table}.{one.old.name}" for one in self.rewrites.values()]

    def refuse_unused(self) -> None:
        """Raise BadOption for a column that does not change its type."""
        unused = sorted(self.at_once - self.used)
        if unused:
            raise BadOption(
                f"-x retype={unused[0]} does not fit: the models do not change the type of that "
                "column, and no revision was written."
            )

    def step(self, operation: ops.AlterColumnOp) -> Step:
        """The step that changes a type. Raises Undecided where that would stop everybody."""
        name = f"{operation.table_name}.{operation.column_name}"
        old, new = operation.existing_type, operation.modify_type
        assert new is not None  # noqa: S101  (its caller looked)
        if old is not None and is_in_place(old, new):
            down = [operation.reverse()]
            return Step([operation], down, Place.MAKE, is_alone=False, says=said(operation))
        if name not in self.at_once or old is None:
            raise Undecided(_choices(name, old, new))
        self.used.add(name)
        up = list(_with_default(operation, old, new))
        down = [one.reverse() for one in reversed(up)]
        return Step(up, down, Place.TAKE, is_alone=True, says=said(operation))


def _with_default(
    operation: ops.AlterColumnOp, old: TypeEngine[Any], new: TypeEngine[Any]
) -> Iterator[ops.AlterColumnOp]:
    """The change of a type; PostgreSQL casts no default, so that goes before and comes after."""
    using = converted(quoted(operation.column_name), old, new)
    known: dict[str, Any] = {
        "schema": operation.schema,
        "existing_nullable": operation.existing_nullable,
    }
    table, column = operation.table_name, operation.column_name
    before = operation.existing_server_default
    after = before if operation.modify_server_default is False else operation.modify_server_default
    if before:
        yield ops.AlterColumnOp(
            table,
            column,
            existing_type=old,
            existing_server_default=before,
            modify_server_default=None,
            **known,
        )
    yield RetypeOp(
        table, column, existing_type=old, modify_type=new, postgresql_using=using, **known
    )
    if after:
        yield ops.AlterColumnOp(
            table,
            column,
            existing_type=new,
            existing_server_default=None,
            modify_server_default=after,
            **known,
        )


def _choices(name: str, old: TypeEngine[Any] | None, new: TypeEngine[Any]) -> str:
    table, _, column = name.rpartition(".")
    was = "its type" if old is None else written(old)
    return (
        f"{name} would change from {was} to {written(new)}, for which PostgreSQL writes or checks "
        "every row while nobody can read the table: no revision was written. Give the column "
        f"another name in the models and run the command again with -x rewrite={name}:NEW_NAME, "
        f"which fills it beside {column} and drops that last; or, for a small table, keep the name "
        f"and say -x retype={name}, which changes {table} at once."
    )
