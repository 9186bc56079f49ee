"""A type is changed in place where that costs nothing, else as somebody says."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from agentlogger.migrate import causes
from tests.migrations.writing.desk import Desk, calls, phases, told

pytestmark = pytest.mark.promise

JSONB = postgresql.JSONB().with_variant(sa.JSON(), "sqlite")
ROWS = "INSERT INTO parts VALUES (1, {}), (2, NULL)"
ONE = "INSERT INTO parts (id, size) VALUES (3, {})"
SAME = "SELECT id, {} = {} FROM parts ORDER BY id"
MOODS = sa.Enum("calm", "wild", name="mood")


def parts(name: str, type_: Any, **told: Any):
    def models(metadata: sa.MetaData) -> None:
        key = sa.Column("id", sa.Integer, primary_key=True)
        sa.Table("parts", metadata, key, sa.Column(name, type_, **told))

    return models


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (sa.String(4), sa.String(9)),
        (sa.String(4), sa.Text()),
        (sa.Text(), sa.String()),
        (sa.Numeric(6, 2), sa.Numeric(9, 2)),
        (sa.Numeric(6, 2), sa.Numeric()),
    ],
    ids=str,
)
def test_a_wider_type_is_an_expand(desk: Desk, old, new):
    desk.begin(parts("size", old), "INSERT INTO parts VALUES (1, '12.5'), (2, NULL)")

    desk.model(parts("size", new))
    outcome, files = desk.generate()

    assert outcome.code == 0
    if files:  # SQLite knows no difference between some of them.
        assert phases(files) == ["expand"]
        desk.round_trip(files, "SELECT id, size FROM parts ORDER BY id")


CHANGES = [
    (sa.Integer(), sa.BigInteger(), "5", "5"),
    (sa.Text(), sa.Integer(), "'5'", "5"),
    (sa.String(9), sa.String(4), "'bolt'", "'bolt'"),
    (sa.Text(), MOODS, "'wild'", "'wild'"),
    (sa.Integer(), sa.Text(), "5", "'5'"),
]
"""Types that are not changed in place, with a value of both."""
ON_POSTGRESQL = [
    (sa.JSON(), JSONB, """'{"a": 1}'""", """'{"a": 1}'"""),
    (sa.DateTime(), sa.DateTime(timezone=True), "'2026-01-02 12:00:00'", "'2026-01-02 12:00+00'"),
]
"""SQLite keeps these alike, and has nothing to change."""


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_another_type_is_refused_with_the_choice(desk: Desk, change):
    old, new, was, _ = change
    desk.begin(parts("size", old), ROWS.format(was))

    sentence = desk.refusal(parts("size", new), causes.Undecided)

    assert "-x rewrite=parts.size:NEW_NAME" in sentence
    assert "-x retype=parts.size" in sentence


def changed_at_once(desk: Desk, old: Any, new: Any, was: str, becomes: str) -> None:
    desk.begin(parts("size", old), ROWS.format(was))

    files = desk.change(parts("size", new), "retype=parts.size")

    assert phases(files)[-1] == "contract"
    desk.round_trip(files, "SELECT id FROM parts ORDER BY id")
    assert desk.project.rows(SAME.format("size", becomes)) == [(1, 1), (2, None)]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_small_table_is_changed_at_once(desk: Desk, change):
    changed_at_once(desk, *change)


@pytest.mark.parametrize("change", ON_POSTGRESQL, ids=str)
@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_small_table_of_postgresql_is_changed_at_once(desk: Desk, change, monkeypatch):
    """On PostgreSQL only: SQLite keeps both alike. The zone of the session makes no difference."""
    monkeypatch.setenv("PGTZ", "America/New_York")
    changed_at_once(desk, *change)


def rewritten(desk: Desk, old: Any, new: Any, was: str, becomes: str) -> None:
    desk.begin(parts("size", old), ROWS.format(was))

    files = desk.change(parts("amount", new), "rewrite=parts.size:amount")

    assert phases(files) == ["expand", "backfill", "contract"]
    assert calls(files[-1]) == ["batch_alter_table", "drop_column"]
    assert told(files[-1], "needs_backfills") == ("parts_amount",)
    desk.project.upgrade(told(files[1], "revision"))
    desk.project.run(ONE.format(was))
    desk.project.upgrade()
    assert desk.project.rows(SAME.format("amount", becomes)) == [(1, 1), (2, None), (3, 1)]
    desk.is_clean()
    desk.project.downgrade(told(files[0], "down_revision"))
    same = SAME.format("CAST(size AS text)", f"CAST({was} AS text)")
    assert desk.project.rows(same) == [(1, 1), (2, None), (3, 1)]
    desk.round_trip(files, "SELECT id FROM parts ORDER BY id")


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_large_table_gets_a_column_beside_the_old_one(desk: Desk, change):
    rewritten(desk, *change)


@pytest.mark.parametrize("change", ON_POSTGRESQL, ids=str)
@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_large_table_of_postgresql_likewise(desk: Desk, change, monkeypatch):
    """On PostgreSQL only: SQLite keeps both alike. The zone of the session makes no difference."""
    monkeypatch.setenv("PGTZ", "America/New_York")
    rewritten(desk, *change)


def test_a_required_column_stays_required_under_its_new_name(desk: Desk):
    desk.begin(parts("size", sa.Text, nullable=False), "INSERT INTO parts VALUES (1, '5')")

    files = desk.change(parts("amount", sa.Integer, nullable=False), "rewrite=parts.size:amount")

    assert phases(files) == ["expand", "expand", "backfill", "contract", "contract"]
    desk.round_trip(files, "SELECT id FROM parts")
    assert desk.project.rows("SELECT amount FROM parts") == [5]
    desk.project.downgrade(told(files[0], "down_revision"))
    assert desk.project.rows("SELECT size FROM parts") == ["5"]


def test_a_default_follows_its_column_to_the_other_type(desk: Desk):
    desk.begin(parts("size", sa.Text, server_default="0"), "INSERT INTO parts VALUES (1, '5')")

    files = desk.change(parts("size", sa.Integer, server_default="0"), "retype=parts.size")

    desk.round_trip(files, "SELECT id FROM parts")
    desk.project.run("INSERT INTO parts (id) VALUES (2)")
    assert desk.project.rows("SELECT size FROM parts ORDER BY id") == [5, 0]


@pytest.mark.parametrize(
    "word", ["retype=parts.id", "rewrite=parts.size:other", "rewrite=parts.size"]
)
def test_an_option_that_fits_nothing_is_told(desk: Desk, word):
    desk.begin(parts("size", sa.Integer))

    def more(metadata: sa.MetaData) -> None:
        parts("size", sa.Integer)(metadata)
        metadata.tables["parts"].append_column(sa.Column("more", sa.Text))

    assert f"-x {word} does not fit" in desk.refusal(more, causes.BadOption, word)


def test_a_default_would_stand_in_the_way_of_what_is_copied(desk: Desk):
    desk.begin(parts("size", sa.Text), "INSERT INTO parts VALUES (1, '5')")

    sentence = desk.refusal(
        parts("amount", sa.Integer, server_default="0"),
        causes.Undecided,
        "rewrite=parts.size:amount",
    )

    assert "parts.amount shall take the place of size and has a default" in sentence
