"""A column that must not be empty is added, filled and then required."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from agentlogger.migrate import causes
from tests.migrations.writing.desk import Desk, calls, phases, told

ROWS = ("INSERT INTO parts (id, name) VALUES (1, 'bolt'), (2, 'it''s'), (3, NULL)",)
KEPT = "SELECT id FROM parts ORDER BY id"


def parts(*columns: sa.Column, name: sa.Column | None = None):
    def models(metadata: sa.MetaData) -> None:
        key = sa.Column("id", sa.Integer, primary_key=True)
        own = sa.Column("name", sa.String(40)) if name is None else name._copy()
        sa.Table("parts", metadata, key, own, *[one._copy() for one in columns])

    return models


@pytest.mark.parametrize(
    ("default", "type_", "value"),
    [
        ("it's: 5% :x", sa.String(20), "it's: 5% :x"),
        pytest.param(3, sa.Integer, 3, marks=pytest.mark.promise),
        pytest.param(False, sa.Boolean, False, marks=pytest.mark.promise),
        pytest.param(1.5, sa.Float, 1.5, marks=pytest.mark.promise),
    ],
)
def test_a_column_with_a_default_in_python_alone_is_filled_with_it(
    desk: Desk, default, type_, value
):
    desk.begin(parts(), *ROWS)

    files = desk.change(parts(sa.Column("extra", type_, default=default, nullable=False)))

    assert phases(files) == ["expand", "backfill", "contract"]
    assert [calls(path) for path in files] == [
        ["add_column"], ["backfill"], ["set_not_null_online"]
    ]  # fmt: skip
    assert told(files[-1], "needs_backfills") == ("parts_extra",)
    assert told(files[0], "needs_backfills") is None
    desk.round_trip(files, KEPT)
    assert {row == value for row in desk.project.rows("SELECT extra FROM parts")} == {True}


def test_a_column_without_any_default_is_refused_with_the_choice(desk: Desk):
    desk.begin(parts(), *ROWS)
    wanted = parts(sa.Column("extra", sa.Text, nullable=False))

    sentence = desk.refusal(wanted, causes.Undecided)

    assert "Give the column a server_default, or let it be nullable" in sentence
    assert '-x "backfill=parts.extra=SQL"' in sentence
    files = desk.change(wanted, "backfill=parts.extra=coalesce(name, 'none, yet')")
    assert phases(files) == ["expand", "backfill", "contract"]
    desk.round_trip(files, KEPT)
    assert desk.project.rows("SELECT extra FROM parts ORDER BY id") == ["bolt", "it's", "none, yet"]


def test_rows_that_are_there_get_what_is_said_and_not_the_default_of_new_ones(desk: Desk):
    desk.begin(parts(), *ROWS)
    wanted = parts(sa.Column("size", sa.Integer, server_default="0", nullable=False))

    files = desk.change(wanted, "backfill=parts.size=id * 10")

    assert phases(files) == ["expand", "backfill", "online"]
    desk.round_trip(files, KEPT)
    desk.project.run("INSERT INTO parts (id, name) VALUES (4, 'nut')")
    assert desk.project.rows("SELECT size FROM parts ORDER BY id") == [10, 20, 30, 0]


@pytest.mark.promise
@pytest.mark.parametrize("word", ["parts.name=1", "parts.extra", "extra=1"])
def test_a_backfill_that_fits_nothing_is_told(desk: Desk, word):
    desk.begin(parts(), *ROWS)

    sentence = desk.refusal(
        parts(sa.Column("extra", sa.Text)), causes.BadOption, f"backfill={word}"
    )

    assert f"-x backfill={word.partition('=')[0]}" in sentence


@pytest.mark.promise
def test_what_an_older_program_has_written_since_is_filled_before_it_is_required(desk: Desk):
    desk.begin(parts(), *ROWS)
    files = desk.change(parts(sa.Column("extra", sa.Integer, default=3, nullable=False)))
    desk.project.upgrade(told(files[1], "revision"))
    desk.project.run("INSERT INTO parts (id, name) VALUES (4, 'late')")

    desk.project.upgrade()

    assert desk.project.rows("SELECT extra FROM parts WHERE id = 4") == [3]


@pytest.mark.promise
def test_a_constant_default_needs_one_file(desk: Desk):
    desk.begin(parts(), *ROWS)

    files = desk.change(
        parts(
            sa.Column("extra", sa.Integer, server_default="3", nullable=False),
            sa.Column("other", sa.Integer, server_default=sa.text("3")),
            sa.Column("made", sa.DateTime, server_default=sa.func.now(), nullable=False),
        )
    )

    assert phases(files) == ["expand"]
    assert "sa.func.now()" in files[0].read_text()
    desk.round_trip(files, KEPT)
    assert desk.project.rows("SELECT extra, other FROM parts") == [(3, 3)] * 3


@pytest.mark.promise
def test_a_default_that_differs_by_row_is_given_to_new_rows_and_filled_in_old_ones(desk: Desk):
    desk.begin(parts(), *ROWS)
    default = "random()" if desk.is_postgresql else "(random())"

    files = desk.change(
        parts(sa.Column("extra", sa.Float, server_default=sa.text(default), nullable=False))
    )

    assert phases(files) == ["expand", "backfill", "online"]
    desk.project.upgrade(told(files[0], "revision"))
    desk.project.run("INSERT INTO parts (id, name) VALUES (4, 'late')")
    assert desk.project.rows("SELECT id FROM parts WHERE extra IS NULL ORDER BY id") == [1, 2, 3]
    desk.project.downgrade("-1")
    desk.round_trip(files, KEPT)


@pytest.mark.promise
def test_not_null_on_a_column_that_has_a_default_is_filled_before(desk: Desk):
    desk.begin(parts(), *ROWS)

    files = desk.change(
        parts(name=sa.Column("name", sa.String(40), nullable=False, default="part"))
    )

    assert phases(files) == ["backfill", "contract"]
    desk.round_trip(files, KEPT)
    assert desk.project.rows("SELECT name FROM parts ORDER BY id") == ["bolt", "it's", "part"]


@pytest.mark.promise
def test_not_null_where_the_database_fills_is_online(desk: Desk):
    desk.begin(parts(), *ROWS)

    files = desk.change(
        parts(name=sa.Column("name", sa.String(40), nullable=False, server_default="part"))
    )

    assert phases(files) == ["expand", "backfill", "online"]
    desk.round_trip(files, KEPT)


@pytest.mark.promise
def test_not_null_without_any_default_asks_an_older_program_for_a_value(desk: Desk):
    desk.begin(parts(), *ROWS)

    files = desk.change(parts(name=sa.Column("name", sa.String(40), nullable=False)))

    assert (phases(files), calls(files[0])) == (["contract"], ["set_not_null_online"])
    with pytest.raises(causes.Failed, match="name"):
        desk.project.upgrade()
    desk.project.run("UPDATE parts SET name = 'part' WHERE name IS NULL")
    desk.round_trip(files, KEPT)


@pytest.mark.promise
def test_a_unique_on_what_is_filled_is_made_after_it(desk: Desk):
    desk.begin(parts(), *ROWS)
    extra = sa.Column("extra", sa.Integer, nullable=False, unique=True)

    files = desk.change(parts(extra), "backfill=parts.extra=id * 2")

    assert phases(files) == ["expand", "backfill", "online", "contract"]
    assert told(files[2], "needs_backfills") == ("parts_extra",)
    desk.round_trip(files, KEPT)


@pytest.mark.promise
def test_a_column_that_may_be_empty_is_filled_where_that_is_said(desk: Desk):
    desk.begin(parts(), *ROWS)

    files = desk.change(
        parts(sa.Column("title", sa.Text)), "backfill=parts.title=name || ' ' || id"
    )

    assert phases(files) == ["expand", "backfill"]
    desk.round_trip(files, KEPT)
    titles = desk.project.rows("SELECT title FROM parts ORDER BY id")
    assert titles == ["bolt 1", "it's 2", None]


@pytest.mark.promise
def test_a_column_that_is_filled_once_more_has_a_backfill_of_another_name(desk: Desk):
    desk.begin(parts(), *ROWS)
    first = sa.Column("extra", sa.Text)
    desk.change(parts(first), "backfill=parts.extra=name")
    desk.project.upgrade()

    files = desk.change(parts(sa.Column("extra", sa.Text, nullable=False, default="none")))

    assert phases(files) == ["backfill", "contract"]
    assert told(files[-1], "needs_backfills") == ("parts_extra_2",)
    desk.round_trip(files, KEPT)
    assert desk.project.rows("SELECT extra FROM parts WHERE id = 3") == ["none"]
