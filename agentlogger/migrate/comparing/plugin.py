"""The comparators as a plugin of Alembic's.

It is known to Alembic under its name, and used only by a context that names it: any other project
in the same process is compared as if this did not exist.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import alembic.autogenerate  # noqa: F401  (its own comparators are known first, and run first)
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.runtime.plugins import Plugin
from alembic.util import DispatchPriority, PriorityDispatchResult

from agentlogger.migrate.comparing.columns import compare_computed, compare_default
from agentlogger.migrate.comparing.comparison import OPTION, Comparison, comparison_of
from agentlogger.migrate.comparing.constraints import compare_constraints
from agentlogger.migrate.comparing.enums import compare_enums, gather_enums, leave_enums
from agentlogger.migrate.comparing.indexes import compare_indexes
from agentlogger.migrate.comparing.unfinished import tell_failures, tell_unfinished

NAME = "agentlogger.migrate.comparing"

ALEMBICS: Sequence[str] = ("alembic.autogenerate.*",)
"""What Alembic uses where nothing is said."""

REPLACED = "~alembic.ext.checkconstraint_byname"
"""Compares CHECKs by their names alone."""


SEEN_BY_US = (
    "autogenerate skipping metadata-specified expression-based index",
    "Skipped unsupported reflection of expression-based index",
    "Can't validate argument 'dialect_options'",
)
"""How warnings begin of what is seen here: two of indexes of SQLite's, one of a NOT VALID CHECK."""


@contextmanager
def quietly() -> Iterator[None]:
    """Compare without the warnings of others that they do not see what is seen here."""
    with warnings.catch_warnings():
        for one in SEEN_BY_US:
            warnings.filterwarnings("ignore", re.escape(one))
        yield


def arguments(given: Mapping[str, Any], comparison: Callable[[], Comparison]) -> dict[str, Any]:
    """What `context.configure` is told so that a comparison is ours.

    `given` is what else it is told, and `comparison` is asked once something is compared.
    """
    plugins: Collection[str] = given.get("autogenerate_plugins") or ALEMBICS
    return {"autogenerate_plugins": [*plugins, REPLACED, NAME], OPTION: comparison}


def _finish(context: AutogenContext, upgrade: ops.UpgradeOps) -> PriorityDispatchResult:
    comparison = comparison_of(context)
    compare_enums(context, upgrade)
    tell_unfinished(comparison)
    tell_failures(comparison)
    comparison.sayings.tell()
    return PriorityDispatchResult.CONTINUE


def _set_up() -> None:
    plugin = Plugin(NAME)
    first, last = DispatchPriority.FIRST, DispatchPriority.LAST
    add = plugin.add_autogenerate_comparator
    add(compare_default, "column", "server_default", priority=first)
    add(leave_enums, "column", "types", priority=first)
    # What stands on a column that is computed anew is made anew with it, so that is found last.
    for function in (gather_enums, compare_constraints, compare_indexes, compare_computed):
        add(function, "table", f"{NAME} {function.__name__}", priority=last)
    add(_finish, "autogenerate", NAME, priority=last)


_set_up()
