"""What is taken away goes last, in an order that works, and comes back as it was."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from agentlogger.migrate import causes
from tests.migrations.writing.desk import Desk, calls, phases

pytestmark = pytest.mark.promise

KEPT = "SELECT id FROM parts ORDER BY id"
ROWS = (
    "INSERT INTO makers (id, code) VALUES (1, 'a')",
    "INSERT INTO parts (id, maker_id, code) VALUES (1, 1, 'a'), (2, NULL, NULL)",
)
JSON = postgresql.JSONB().with_variant(sa.JSON(), "sqlite")


def whole(metadata: sa.MetaData) -> None:
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table("makers", metadata, key, sa.Column("code", sa.String(9), unique=True))
    sa.Table(
        "parts",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("maker_id", sa.ForeignKey("makers.id", ondelete="SET NULL"), index=True),
        sa.Column("code", sa.String(9), sa.ForeignKey("makers.code")),
        sa.Column("extra", JSON),
        sa.Column("token", sa.Uuid),
        sa.Column("made", sa.DateTime(timezone=True), server_default=sa.func.now()),
        sa.UniqueConstraint("maker_id", "code"),
    )
    sa.Table("marks", metadata, sa.Column("part_id", sa.ForeignKey("parts.id"), index=True))


def left(metadata: sa.MetaData) -> None:
    sa.Table("parts", metadata, sa.Column("id", sa.Integer, primary_key=True))


def test_what_refers_is_dropped_before_what_it_refers_to(desk: Desk):
    desk.begin(whole, *ROWS)

    gone = ("maker_id", "code", "extra", "token", "made")
    files = desk.change(
        left, "allow-drop=makers,marks", *[f"allow-drop=parts.{one}" for one in gone]
    )

    assert phases(files) == ["contract"]
    desk.round_trip(files, KEPT)


def test_a_table_goes_while_the_column_that_referred_to_it_stays(desk: Desk):
    desk.begin(whole, "INSERT INTO parts (id) VALUES (1), (2)")

    def staying(metadata: sa.MetaData) -> None:
        whole(metadata)
        metadata.remove(metadata.tables["makers"])
        for name in ("maker_id", "code"):
            column = metadata.tables["parts"].c[name]
            for key in list(column.foreign_keys):
                metadata.tables["parts"].constraints.remove(key.constraint)
                column.foreign_keys.remove(key)
        metadata.tables["parts"].c.maker_id.type = sa.Integer()

    files = desk.change(staying, "allow-drop=makers")

    assert phases(files) == ["contract"]
    desk.round_trip(files, "SELECT id, maker_id, code FROM parts ORDER BY id")


def required(metadata: sa.MetaData) -> None:
    left(metadata)
    metadata.tables["parts"].append_column(sa.Column("size", sa.Integer, nullable=False))


def test_a_required_column_is_let_be_empty_before_it_goes(desk: Desk):
    """A newer program writes no such value, and runs before the contract."""
    desk.begin(required, "INSERT INTO parts (id, size) VALUES (1, 5)")

    files = desk.change(left, "allow-drop=parts.size")

    assert phases(files) == ["expand", "contract"]
    assert [calls(path) for path in files] == [
        ["drop_not_null_online"], ["batch_alter_table", "drop_column"]
    ]  # fmt: skip
    desk.project.upgrade()
    desk.project.downgrade("-1")
    with pytest.raises(causes.Failed, match="size"):
        desk.project.downgrade("-1")
    desk.project.run("UPDATE parts SET size = 7")
    desk.project.downgrade("-1")
    desk.project.run("DELETE FROM parts")
    desk.round_trip(files, KEPT)
