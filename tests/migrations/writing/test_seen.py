"""What only our own comparison sees is written by phase too."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.migrations.writing.desk import Desk, calls, phases

pytestmark = pytest.mark.promise

ROWS = ("INSERT INTO parts (id, size) VALUES (1, 5), (2, 7)",)
KEPT = "SELECT id, size FROM parts ORDER BY id"


def parts(*things: Any):
    def models(metadata: sa.MetaData) -> None:
        key = sa.Column("id", sa.Integer, primary_key=True)
        sa.Table("parts", metadata, key, sa.Column("size", sa.Integer), *things)

    return models


def twice(expression: str) -> sa.Column:
    return sa.Column("more", sa.Integer, sa.Computed(expression, persisted=True), index=True)


def test_a_column_that_is_computed_in_another_way_goes_and_comes_in_one_step(desk: Desk):
    desk.begin(parts(twice("size * 2")), *ROWS)

    files = desk.change(parts(twice("size * 3")))

    assert [(phase, calls(path)) for phase, path in zip(phases(files), files, strict=True)] == [
        ("contract", ["batch_alter_table", "drop_index", "drop_column", "add_column"]),
        ("online", ["create_index_online"]),
    ]
    desk.round_trip(files, KEPT)
    assert desk.project.rows("SELECT more FROM parts ORDER BY id") == [15, 21]


def test_a_check_that_changes_is_let_go_and_made_online(desk: Desk):
    desk.begin(parts(sa.CheckConstraint("size > 0", name="size")), *ROWS)

    files = desk.change(parts(sa.CheckConstraint("size > 1", name="size")))

    assert [(phase, calls(path)) for phase, path in zip(phases(files), files, strict=True)] == [
        ("expand", ["drop_constraint_online"]),
        ("online", ["create_check_online"]),
    ]
    desk.round_trip(files, KEPT)


def test_a_condition_of_an_index_changes_under_its_name(desk: Desk):
    def index(condition: str) -> sa.Index:
        where = sa.text(condition)
        return sa.Index("ix_size", "size", postgresql_where=where, sqlite_where=where)

    desk.begin(parts(index("size > 1")), *ROWS)

    files = desk.change(parts(index("size > 2")))

    assert [calls(path) for path in files] == [["drop_index_online"], ["create_index_online"]]
    assert phases(files) == ["online", "online"]
    desk.round_trip(files, KEPT)


def test_a_value_of_an_enum_is_needed_as_a_column_is(desk: Desk):
    def mood(*values: str) -> sa.Column:
        return sa.Column("mood", sa.Enum(*values, name="mood"), server_default=values[-1])

    desk.begin(parts(mood("calm", "wild")), *ROWS)

    files = desk.change(parts(mood("calm", "wild", "keen")))

    assert [(phase, calls(path)) for phase, path in zip(phases(files), files, strict=True)] == [
        ("expand", ["add_enum_value"]),
        ("expand", ["batch_alter_table", "alter_column"]),
    ]
    desk.project.upgrade()
    desk.is_clean()
    desk.project.run("INSERT INTO parts (id) VALUES (3)")
    assert desk.project.rows("SELECT mood FROM parts WHERE id = 3") == ["keen"]
