"""A project whose second revision fills the names of people, and whose third needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from agentlogger.migrate.backfills.progress import Backfill
from agentlogger.migrate.ledger.tables import BACKFILLS
from tests.migrations.backfills.filling import NAME, PEOPLE, WRONG
from tests.migrations.project import Project

CREATE = """\
op.create_table(
    "people",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("first_name", sa.String()),
    sa.Column("last_name", sa.String()),
)
"""

FILL = """\
op.add_column("people", sa.Column("full_name", sa.String()))
op.backfill(
    "people", set={"full_name": "first_name || ' ' || last_name"}, where="full_name IS NULL"
)
"""

REQUIRE = 'op.set_not_null_online("people", "full_name")'


class People(Project):
    """Three revisions: people, their full names, and that these must be there."""

    def __init__(self, folder: Path, url: URL, *, rows: int = 3) -> None:
        super().__init__(folder, url)
        create = f"{CREATE}op.execute({PEOPLE.format(rows=rows)!r})"
        self.add("aaa111", None, create, 'op.drop_table("people")', message="create people")
        drop = 'op.drop_column("people", "full_name")'
        self.add("bbb222", "aaa111", FILL, drop, phase="expand", message="add people full name")

    def require(self) -> None:
        """Write the revision that needs all of them."""
        back = 'op.drop_not_null_online("people", "full_name")'
        self.add(
            "ccc333", "bbb222", REQUIRE, back, phase="online", message="require people full name",
            needs_backfills=(NAME,),
        )  # fmt: skip

    def backfills(self) -> list[Backfill]:
        """What the extension tells."""
        with self.engine.connect() as connection:
            return self.migrations.backfills(connection)

    def change(self, **values: Any) -> None:
        """Change the backfill's row by hand."""
        with self.engine.begin() as connection:
            connection.execute(BACKFILLS.update().values(values))

    def wrong(self) -> int:
        """How many people have no full name, or a wrong one."""
        (count,) = self.rows(WRONG)
        return int(count)
