"""One change of the models becomes files by phase, and no more of them than it needs."""

from __future__ import annotations

import sqlalchemy as sa

from tests.migrations.writing.desk import Desk, calls, in_chain, told

ROWS = (
    "INSERT INTO makers (id, name) VALUES (1, 'ann'), (2, 'bea')",
    "INSERT INTO parts (id, name, maker_id, legacy) VALUES (1, 'bolt', 1, 'x'), (2, 'nut', 2, 'y')",
)
DEFAULT = ["batch_alter_table", "alter_column"]
KEPT = "SELECT id, name, maker_id FROM parts ORDER BY id"


def makers(metadata: sa.MetaData, *columns: sa.Column) -> None:
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table("makers", metadata, key, sa.Column("name", sa.String(20)), *columns)


def first(metadata: sa.MetaData) -> None:
    makers(metadata)
    sa.Table(
        "parts",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(40)),
        sa.Column("maker_id", sa.Integer),
        sa.Column("legacy", sa.Text, index=True),
    )


def everything(metadata: sa.MetaData) -> None:
    """A table, columns, an index, a unique, a foreign key, a CHECK-free NOT NULL and a drop."""
    makers(metadata)
    sa.Table(
        "tags",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("maker_id", sa.ForeignKey("makers.id")),
        sa.Column("label", sa.Text, index=True, unique=True),
    )
    sa.Table(
        "parts",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False, server_default="part"),
        sa.Column("maker_id", sa.ForeignKey("makers.id", ondelete="CASCADE"), index=True),
        sa.Column("size", sa.Integer),
        sa.Column("grade", sa.Text, nullable=False, server_default="a"),
        sa.UniqueConstraint("name", "maker_id"),
    )


def test_a_change_of_everything_is_written_by_phase(desk: Desk):
    desk.begin(first, *ROWS)

    files = desk.change(everything, "allow-drop=parts.legacy")

    assert in_chain(files)
    assert [(told(path, "phase"), calls(path)) for path in files] == [
        ("expand", ["create_table", "create_index", "add_column", "add_column", *DEFAULT]),
        ("backfill", ["backfill"]),
        ("online", ["create_index_online"]),
        ("online", ["create_unique_online"]),
        ("online", ["create_foreign_key_online"]),
        ("online", ["set_not_null_online"]),
        ("contract", ["batch_alter_table", "drop_index", "drop_column"]),
    ]
    assert [told(path, "reversible") for path in files] == [
        "loses data", "yes", "yes", "yes", "yes", "yes", "loses data"
    ]  # fmt: skip
    desk.round_trip(files, KEPT)
