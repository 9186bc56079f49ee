"""What was generated on one database works on the other, up and down, with rows in place."""

from __future__ import annotations

import shutil
from contextlib import ExitStack

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tests.migrations.project import Project, emptied
from tests.migrations.writing.desk import Desk, parent

JSONB = postgresql.JSONB().with_variant(sa.JSON(), "sqlite")
ALLOWED = ("allow-drop=marks", *(f"allow-drop=parts.{one}" for one in ("extra", "token", "mood")))
KEPT = "SELECT id, name FROM parts ORDER BY id"
ROWS = ("INSERT INTO parts (id, name, size) VALUES (1, 'bolt', '5'), (2, 'it''s', NULL)",)


def first(metadata: sa.MetaData) -> None:
    sa.Table("makers", metadata, sa.Column("id", sa.Integer, primary_key=True))
    sa.Table(
        "parts",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(9)),
        sa.Column("size", sa.Text),
        sa.Column("maker_id", sa.Integer),
        sa.Column("extra", JSONB),
        sa.Column("token", sa.Uuid, index=True),
        sa.Column("mood", sa.Enum("calm", "wild", name="mood")),
    )
    sa.Table(
        "marks",
        metadata,
        sa.Column("part_id", sa.ForeignKey("parts.id"), index=True),
        sa.Column("made", sa.DateTime(timezone=True), server_default=sa.func.now()),
        sa.Column("data", sa.LargeBinary),
        sa.Column("share", sa.Double),
    )


def second(metadata: sa.MetaData) -> None:
    sa.Table("makers", metadata, sa.Column("id", sa.Integer, primary_key=True))
    sa.Table(
        "parts",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(30), nullable=False, default="part"),
        sa.Column("amount", sa.Integer),
        sa.Column("maker_id", sa.ForeignKey("makers.id"), index=True),
        sa.Column("state", sa.Enum("new", "old", name="state"), nullable=False, default="new"),
        sa.Column("made", sa.DateTime, nullable=False, server_default=sa.func.now()),
        sa.UniqueConstraint("name", "amount"),
    )


@pytest.mark.promise
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_one_database_has_generated_works_on_the_other(tmp_path, request, kind):
    with ExitStack() as stack:
        desks = {}
        for one in ("sqlite", "postgresql"):
            url = stack.enter_context(emptied(request.getfixturevalue(f"{one}_databases")))
            desks[one] = Desk(Project(tmp_path / one, url), "alembic")
        generating = desks.pop(kind)
        (other,) = desks.values()
        generating.begin(first, *ROWS)
        (start,) = generating.project.versions.glob("*.py")
        files = generating.change(second, *ALLOWED, "rewrite=parts.size:amount")
        assert len(files) > 6
        for path in [start, *files]:
            shutil.copy(path, other.project.versions)
        (generating.project.folder / "migrations" / "migrations.sum").rename(
            other.project.folder / "migrations" / "migrations.sum"
        )
        other.model(second)
        other.project.upgrade(parent(files[0]))
        other.project.run(*ROWS)

        other.round_trip(files, "SELECT id FROM parts ORDER BY id")
