"""What a revision would execute, as far as it can be rendered, where nothing can be tried.

Statements are those of `--sql`. What a revision executes on its own connection is added with its
text; where it asks for rows to go on, the rest cannot be told.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Dialect as SQLDialect


class _NoRows:
    """A connection that writes down what it is given, and the answer to it: there are no rows."""

    rowcount = 0

    def __init__(self, statements: list[str]) -> None:
        self._statements = statements

    def execute(self, statement: Any, *_values: Any, **_options: Any) -> _NoRows:
        self._statements.append(str(statement))
        return self

    exec_driver_sql = execute

    def __getattr__(self, name: str) -> Any:
        raise LookupError(name)

    def __iter__(self) -> Iterator[Any]:
        raise LookupError


def rendered(function: Callable[[], Any], dialect: SQLDialect) -> tuple[list[str], bool]:
    """The statements of an `upgrade` or `downgrade`, and whether they are all that it executes."""
    statements: list[str] = []
    context = MigrationContext.configure(
        dialect=dialect,
        opts={"as_sql": True, "output_buffer": io.StringIO(), "literal_binds": True},
    )
    impl: Any = context.impl
    impl.static_output = statements.append
    context.autocommit_block = nullcontext  # type: ignore[method-assign,assignment]
    is_complete = True
    with Operations.context(context) as operations:
        operations.get_bind = lambda: _NoRows(statements)  # type: ignore[method-assign,assignment,return-value]
        try:
            function()
        except Exception:  # noqa: BLE001  (whatever it needs is not here)
            is_complete = False
    return [one.strip().removesuffix(";") for one in statements if one.strip()], is_complete
