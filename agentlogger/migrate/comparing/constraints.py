"""CHECK constraints, and what else a constraint says beyond what Alembic compares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.util import PriorityDispatchResult
from sqlalchemy import CheckConstraint, Constraint, Table, TextClause, UniqueConstraint, text
from sqlalchemy.sql.elements import conv

from agentlogger.migrate.comparing.comparison import Comparison, comparison_of
from agentlogger.migrate.comparing.types import enum_columns
from agentlogger.migrate.comparing.wording import Wording
from agentlogger.migrate.revisions.naming import final_name

CHECK = "CHECK "

CHANGED: tuple[type[Constraint], ...] = (CheckConstraint, UniqueConstraint)
"""What may be another one under the same name; Alembic compares foreign keys rightly."""


def compare_constraints(
    context: AutogenContext,
    modify: ops.ModifyTableOps,
    _schema: str | None,
    _table_name: str,
    live_table: Table | None,
    table: Table | None,
) -> PriorityDispatchResult:
    """Compare CHECKs by name and text, and UNIQUE constraints of one name by all that they say."""
    comparison = comparison_of(context)
    both = comparison.both(table) if live_table is not None and table is not None else None
    if live_table is not None and table is not None and both is not None:
        modify.ops.extend(
            _Compared(context, comparison, live_table, table, both).operations(modify)
        )
    return PriorityDispatchResult.CONTINUE


class _Compared:
    """The constraints of one table."""

    def __init__(
        self,
        context: AutogenContext,
        comparison: Comparison,
        live_table: Table,
        table: Table,
        both: tuple[Wording, Wording],
    ) -> None:
        self._context = context
        self._comparison = comparison
        self._live_table = live_table
        self._table = table
        self._live, self._wanted = both
        dialect = context.dialect
        self._named = {
            name: one
            for one in table.constraints
            if isinstance(one, CHANGED) and (name := final_name(one, dialect)) is not None
        }
        """The models' constraints, by the names that they have in the database."""
        self._values_elsewhere = set(_checks_of_types(table))

    def operations(self, modify: ops.ModifyTableOps) -> Iterator[ops.MigrateOperation]:
        """What makes those of the database those of the models."""
        seen = {str(getattr(one, "constraint_name", None)) for one in modify.ops}
        live, wanted = self._live.constraints, self._wanted.constraints
        surplus = self._surplus()
        for name in surplus:
            if name not in seen and self._takes(self._reflected(name), name, is_live=True):
                yield self._drop(name)
        for name, text_ in wanted.items():
            constraint = self._named.get(name)
            if name in seen or constraint is None or constraint in self._values_elsewhere:
                continue
            there = name in live
            if there and self._comparison.renamed(self._table, live[name]) != text_:
                if self._takes(constraint, name, is_live=False, beside=self._reflected(name)):
                    yield self._drop(name)
                    yield self._add(constraint, name)
            elif not there and text_.startswith(CHECK) and self._takes(constraint, name):
                yield self._add(constraint, name)

    def _surplus(self) -> list[str]:
        """The database's CHECKs that the models do not name, and do not say without a name."""
        live, wanted = self._live, self._wanted
        checks = {name: one for name, one in live.constraints.items() if one.startswith(CHECK)}
        surplus = {name: one for name, one in checks.items() if name not in self._named}
        unnamed = [one for name, one in wanted.constraints.items() if name not in self._named]
        said = [*live.unnamed, *surplus.values()]
        for one in [*unnamed, *wanted.unnamed]:
            if not one.startswith(CHECK):
                continue
            if one not in said:
                self._comparison.say(
                    f"{one} of {self._table.key} is in the models alone and has no name, so no "
                    "revision was generated for it: give it one (name=..., or a naming convention "
                    "for ck), then run the same command again."
                )
            else:
                surplus = {name: other for name, other in surplus.items() if other != one}
        return list(surplus)

    def _takes(self, item: Any, name: str, *, is_live: bool = False, beside: Any = None) -> bool:
        """Whether the filters let this take part: what the history has not made is nobody's."""
        kind = "unique_constraint" if isinstance(item, UniqueConstraint) else "check_constraint"
        return self._context.run_object_filters(
            item, name, kind, is_live, beside  # type: ignore[arg-type]
        )  # fmt: skip

    def _reflected(self, name: str) -> Any:
        for one in self._live_table.constraints:
            if one.name == name:
                return one
        said = self._live.constraints[name].removeprefix(CHECK)
        made = CheckConstraint(text(_unwrapped(said)), name=conv(name))
        made._set_parent(self._live_table)  # noqa: SLF001  (and no part of it)
        self._live_table.constraints.discard(made)
        return made

    def _drop(self, name: str) -> ops.DropConstraintOp:
        former = self._comparison.former.checks.get((self._table.name, name))
        made = ops.DropConstraintOp.from_constraint(self._reflected(name))
        made.constraint_name = conv(name)
        if former is not None and made._reverse is not None:  # noqa: SLF001  (no public reading)
            made._reverse = ops.CreateCheckConstraintOp(  # noqa: SLF001  (likewise)
                conv(name), self._table.name, former.condition, schema=self._table.schema,
                **former.kw,
            )  # fmt: skip
        return made

    def _add(self, constraint: Constraint, name: str) -> ops.AddConstraintOp:
        made: Any = ops.AddConstraintOp.from_constraint(constraint)
        made.constraint_name = conv(name)
        if isinstance(constraint, CheckConstraint) and not isinstance(made.condition, TextClause):
            # A constraint that is made of the model's own columns would become one of its table.
            impl = self._context.migration_context.impl
            made.condition = text(impl.render_ddl_sql_expr(made.condition).replace("%%", "%"))
        return made  # type: ignore[no-any-return]


def _unwrapped(said: str) -> str:
    """What stands in the parentheses of a CHECK."""
    return said[said.index("(") + 1 : said.rindex(")")]


def _checks_of_types(table: Table) -> Iterator[Constraint]:
    """The CHECKs of enums that are types on other databases: their values are compared as such."""
    for column, enum in enum_columns(table):
        if not enum.native_enum:
            continue
        for one in table.constraints:
            if getattr(one, "_type_bound", False) and _is_on(one, column):
                yield one


def _is_on(constraint: Any, column: Any) -> bool:
    return any(one is column for one in getattr(constraint, "columns", ()))
