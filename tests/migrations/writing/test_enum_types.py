"""An enum type is there before its first column, and goes with its last, up and down."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.migrations.writing.desk import Desk, calls, phases

pytestmark = pytest.mark.promise

ROWS = ("INSERT INTO parts (id) VALUES (1), (2)",)
KEPT = "SELECT id FROM parts ORDER BY id"


def mood() -> sa.Enum:
    return sa.Enum("calm", "it's", name="mood")


def models(*columns: sa.Column, more: tuple[sa.Column, ...] = ()):
    def put(metadata: sa.MetaData) -> None:
        for name, own in (("parts", columns), ("more", more)):
            if own or name == "parts":
                key = sa.Column("id", sa.Integer, primary_key=True)
                sa.Table(name, metadata, key, *[one._copy() for one in own])

    return put


def feeling(**told) -> sa.Column:
    return sa.Column("feeling", mood(), **told)


def test_the_type_of_a_new_column_is_made_before_it(desk: Desk):
    desk.begin(models(), *ROWS)

    files = desk.change(models(feeling()))

    assert phases(files) == ["expand"]
    assert calls(files[0]) == ["create_enum", "add_column"]
    desk.round_trip(files, KEPT)
    desk.project.run("UPDATE parts SET feeling = 'it''s'")


def test_a_type_that_another_column_has_is_not_made_again(desk: Desk):
    desk.begin(models(feeling()), *ROWS)

    files = desk.change(models(feeling(), more=(feeling(server_default="calm", nullable=False),)))

    assert calls(files[0]) == ["create_table"]
    desk.round_trip(files, KEPT)


def test_the_type_goes_with_its_last_column(desk: Desk):
    desk.begin(models(feeling(), more=(feeling(),)), *ROWS)

    (one,) = desk.change(models(more=(feeling(),)), "allow-drop=parts.feeling")
    assert calls(one) == ["batch_alter_table", "drop_column"]
    desk.round_trip([one], KEPT)
    (last,) = desk.change(models(), "allow-drop=more")

    assert calls(last) == ["drop_table", "drop_enum"]
    desk.round_trip([last], KEPT)
    if desk.is_postgresql:
        assert desk.project.rows("SELECT typname FROM pg_type WHERE typname = 'mood'") == []


def test_a_new_column_of_a_required_enum_is_filled(desk: Desk):
    desk.begin(models(), *ROWS)

    files = desk.change(models(feeling(nullable=False, default="it's")))

    assert phases(files) == ["expand", "backfill", "contract"]
    desk.round_trip(files, KEPT)
    assert desk.project.rows("SELECT feeling FROM parts") == ["it's"] * 2
