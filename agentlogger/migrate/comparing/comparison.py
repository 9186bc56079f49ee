"""One comparison of the database with the models: what is asked once and used by each part."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, Enum, Table

from agentlogger.migrate.comparing.former import Former
from agentlogger.migrate.comparing.sayings import Sayings
from agentlogger.migrate.comparing.wording import Wording, Wordings
from agentlogger.migrate.dialect import Dialect

OPTION = "agentlogger_comparison"
"""Where the options of Alembic's context hold it: a context without it is compared as ever."""


@dataclass
class Used:
    """An enum of the models and the columns of the database that have it."""

    enum: Enum
    values: tuple[str, ...]
    """The values that the database knows, in its order."""
    columns: list[str] = field(default_factory=list)
    """Each with its table, as "table.column"."""

    @property
    def name(self) -> str:
        """Its name, with the schema where the model says one."""
        return f"{self.enum.schema}.{self.enum.name}" if self.enum.schema else str(self.enum.name)


@dataclass
class Comparison:
    """What the parts of a comparison share."""

    dialect: Dialect
    connection: Connection
    tables: Collection[Table]
    """Those of the models that take part."""
    former: Former
    renames: Mapping[str, str] = field(default_factory=dict)
    """New names of columns that this run is told of, by "table.column"."""
    sayings: Sayings = field(default_factory=Sayings)
    enums: dict[tuple[str | None, str], Used] = field(default_factory=dict)
    """By schema and name."""

    @cached_property
    def wordings(self) -> Wordings:
        """The tables of the database and of the models, both in the words of the database."""
        return self.dialect.wordings(self.connection, self.tables)

    def both(self, table: Table) -> tuple[Wording, Wording] | None:
        """A table of the database and of the models; None where one of them cannot be told."""
        live, wanted = self.wordings.live.get(table.key), self.wordings.wanted.get(table.key)
        return None if live is None or wanted is None else (live, wanted)

    def renamed(self, table: Table, said: str | None) -> str | None:
        """What the database says of a table once its columns have their new names.

        A database renames a column in everything that stands on it.
        """
        for column, name in self.renames.items():
            where, _, old = column.rpartition(".")
            if where == table.name and said is not None:
                said = re.sub(rf"\b{re.escape(old)}\b", name, said)
        return said

    def say(self, sentence: str) -> None:
        """Tell something that was seen and is not written."""
        self.sayings.say(sentence)


def comparison_of(context: AutogenContext) -> Comparison:
    """The comparison that a context was configured with. Raises KeyError."""
    found: Any = context.opts[OPTION]
    assert callable(found)  # noqa: S101  (see looking)
    made = found()
    assert isinstance(made, Comparison)  # noqa: S101  (likewise)
    return made
