"""`flask db plan`: which rows of the live database it is tried with, and what these stand for."""

from __future__ import annotations

from contextlib import closing

import pytest
import sqlalchemy as sa

from agentlogger.migrate import causes
from agentlogger.migrate.trial import planning, simulating
from tests.conftest import PostgreSQLDatabases
from tests.migrations.project import Project, emptied
from tests.migrations.test_plan import (
    ADD_NOTE,
    DROP_NOTE,
    PARTS,
    POSTGRESQL,
    only,
    planned,
    project,
    scratches,
    statement,
)

pytestmark = pytest.mark.promise

__all__ = ["project"]

NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "

OWNERS = f"""
{PARTS}
op.create_table(
    "owners",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("boss_id", sa.Integer(), sa.ForeignKey("owners.id", name="fk_owners_boss")),
)
op.create_table(
    "orders",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("owner_id", sa.Integer(), sa.ForeignKey("owners.id", name="fk_orders_owner")),
    sa.Column("part_id", sa.Integer(), sa.ForeignKey("parts.id", name="fk_orders_part")),
)
"""

FILLS = (
    "INSERT INTO parts SELECT i, 'part ' || i, i % 7 FROM n",
    "INSERT INTO owners SELECT i, CASE WHEN i > 1 THEN i / 2 END FROM n",
    "INSERT INTO orders SELECT i, {} - i, i FROM n",
)
ROWS = 4_000


@pytest.fixture
def small(monkeypatch):
    """Samples that are quickly made."""
    monkeypatch.setattr(planning, "SMALL_ROWS", 200)
    monkeypatch.setattr(planning, "LARGE_ROWS", 1_000)
    monkeypatch.setattr(planning, "WHOLE_ROWS", 100)
    monkeypatch.setattr(planning, "AGAIN_SECONDS", 0)


@pytest.fixture
def many(tmp_path, databases, small):  # noqa: ARG001  (it makes samples small)
    """Thousands of parts, owners who have a boss, and orders for both."""
    with emptied(databases) as url:
        made = Project(tmp_path / "many", url)
        made.add("aaa111", None, OWNERS)
        made.upgrade("head")
        made.run(*(NUMBERS.format(ROWS) + one.format(ROWS + 1) for one in FILLS))
        yield made


def test_a_small_table_is_taken_whole_and_a_large_one_in_part(many):
    many.add("bbb222", "aaa111", ADD_NOTE)

    found = planned(many)["tables"]

    parts = found["parts"]
    assert parts["sampled"] == pytest.approx(1_000, abs=400)
    assert not parts["exact"]
    assert parts["rows"] == pytest.approx(ROWS, rel=0.2)


def test_what_a_statement_does_is_told_for_all_rows(many):
    """Red when the sample's numbers are shown as they are."""
    many.add("bbb222", "aaa111", 'op.execute("UPDATE parts SET size = 8 WHERE size = 3")')
    many.add("ccc333", "bbb222", ADD_NOTE)

    update, add = planned(many)["revisions"]

    assert statement(update, "UPDATE")["rows_written"] == pytest.approx(ROWS / 7, rel=0.3)
    assert statement(add, "ALTER")["rows_written"] == 0


def test_a_loop_is_one_statement_with_as_many_executions_as_there_are_rows(many):
    up = """
    for row in op.get_bind().execute(sa.text("SELECT id FROM parts")).all():
        op.get_bind().execute(sa.text(f"UPDATE parts SET size = 1 WHERE id = {row.id}"))
    """
    many.add("bbb222", "aaa111", up)

    update = statement(only(planned(many)), "UPDATE")

    assert update["executions"] == pytest.approx(ROWS, rel=0.2)
    assert update["rows_written"] == pytest.approx(ROWS, rel=0.2)


def test_rows_come_with_those_that_they_refer_to(many):
    """Red when each table is sampled by itself: owners and parts of an order would be missing."""
    up = """
    run = op.get_bind().execute
    orders = run(sa.text("SELECT count(*) FROM orders")).scalar_one()
    joined = run(sa.text(
        "SELECT count(*) FROM orders JOIN owners ON owners.id = owner_id"
        " JOIN parts ON parts.id = part_id"
    )).scalar_one()
    bosses = run(sa.text(
        "SELECT count(*) FROM owners o WHERE boss_id IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM owners b WHERE b.id = o.boss_id)"
    )).scalar_one()
    op.add_column("parts", sa.Column(f"seen_{orders}_{joined}_{bosses}", sa.Integer()))
    """
    many.add("bbb222", "aaa111", up)

    add = statement(only(planned(many)), "ALTER")

    (seen,) = [word for word in add["sql"].split() if word.startswith("seen_")]
    orders, joined, bosses = (int(number) for number in seen.split("_")[1:])
    assert orders == joined
    assert orders > 100
    assert bosses == 0


def test_the_foreign_keys_are_there_while_revisions_are_tried(many):
    """Red when they are not made again after the sample, or on SQLite not checked at the end."""
    many.add("bbb222", "aaa111", 'op.execute("INSERT INTO orders VALUES (-1, NULL, -7)")')

    found = planned(many, code=causes.Failed.exit_code)

    assert "orders" in found["failure"]["reason"]


def test_a_table_that_a_revision_fills_is_estimated_by_what_fills_it(many):
    many.add("bbb222", "aaa111", 'op.create_table("copies", sa.Column("id", sa.Integer()))')
    many.add("ccc333", "bbb222", 'op.execute("INSERT INTO copies SELECT id FROM parts")')
    many.add("ddd444", "ccc333", 'op.execute("UPDATE copies SET id = id + 1")')

    _, fill, change = planned(many)["revisions"]

    assert statement(fill, "INSERT")["rows_written"] == pytest.approx(ROWS, rel=0.2)
    assert statement(change, "UPDATE")["rows_written"] == pytest.approx(ROWS, rel=0.2)


@POSTGRESQL
def test_partitions_of_the_service_are_there_with_their_rows(tmp_path, databases):
    """On PostgreSQL only: SQLite has none. Red when only the history's own are made."""
    with emptied(databases) as url:
        project = Project(tmp_path / "parted", url)
        up = 'op.execute("CREATE TABLE days (day int, n int) PARTITION BY RANGE (day)")'
        project.add("aaa111", None, up)
        project.upgrade()
        project.run(
            "CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (10)",
            "CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM (10) TO (20)"
            " PARTITION BY LIST (n)",
            "CREATE TABLE days_2_7 PARTITION OF days_2 FOR VALUES IN (7)",
            "INSERT INTO days VALUES (1, 1), (2, 2), (12, 7)",
        )
        project.add("bbb222", "aaa111", 'op.execute("UPDATE days SET n = 7")')

        found = planned(project)

        assert found["tables"]["days"]["sampled"] == 3
        update = statement(only(found), "UPDATE")
        assert update["rows_written"] == 3
        assert update["locks"] == {"days": "ROW EXCLUSIVE"}


@POSTGRESQL
def test_numbers_of_sequences_and_identities_go_on_after_the_sample(tmp_path, databases):
    """On PostgreSQL only: SQLite counts from the rows. Red when the sequences stay at one."""
    with emptied(databases) as url:
        project = Project(tmp_path / "counted", url)
        up = """
        number = sa.Column("id", sa.Integer(), sa.Identity(always=True), primary_key=True)
        op.create_table("a", number)
        number = sa.Column("id", sa.Integer(), primary_key=True)
        op.create_table("b", number, sa.Column("x", sa.Text()))
        """
        project.add("aaa111", None, up)
        project.upgrade()
        project.run(
            "INSERT INTO a DEFAULT VALUES",
            "INSERT INTO a DEFAULT VALUES",
            "INSERT INTO b VALUES (5)",
        )
        fill = (
            'op.execute("INSERT INTO a DEFAULT VALUES")\nop.execute("INSERT INTO b (x) VALUES (1)")'
        )
        project.add("bbb222", "aaa111", fill)

        assert planned(project)["failure"] is None


def test_triggers_do_not_do_again_what_they_have_done_to_the_sampled_rows(project):
    up = """
    op.create_table("noted", sa.Column("id", sa.Integer()))
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER see AFTER INSERT ON parts BEGIN INSERT INTO noted VALUES (NEW.id); END"
        )
    else:
        op.execute(
            "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN INSERT INTO noted VALUES (NEW.id); RETURN NEW; END$$"
        )
        op.execute("CREATE TRIGGER see AFTER INSERT ON parts FOR EACH ROW EXECUTE FUNCTION see()")
    """
    project.add("bbb222", "aaa111", up)
    project.upgrade()
    project.add("ccc333", "bbb222", 'op.execute("UPDATE noted SET id = 1 WHERE id < 9")')
    project.add("ddd444", "ccc333", "op.execute(\"INSERT INTO parts VALUES (8, 'x', 1)\")")

    look, insert = planned(project)["revisions"]

    assert statement(look, "UPDATE")["rows_written"] == 0
    assert statement(insert, "INSERT")["rows_written"] == 2


@POSTGRESQL
def test_a_named_scratch_database_is_used_and_left_empty(project, databases):
    """On PostgreSQL only: SQLite has a temporary file."""
    project.add("bbb222", "aaa111", ADD_NOTE)
    with emptied(databases) as scratch:
        url = scratch.render_as_string(hide_password=False)

        revision = only(planned(project, "-x", f"scratch={url}"))

        assert statement(revision, "ALTER")["simulated"] is True
        with closing(sa.create_engine(scratch, poolclass=sa.NullPool).connect()) as connection:
            assert sa.inspect(connection).get_table_names() == []


@POSTGRESQL
def test_without_a_scratch_database_the_statements_are_those_of_sql(project, postgresql_databases):
    """On PostgreSQL only, where a role may not be allowed to make one."""
    assert isinstance(postgresql_databases, PostgreSQLDatabases)
    project.run("DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN", *GRANTS)
    up = """
    op.execute("ALTER TABLE parts ADD COLUMN note TEXT")
    op.execute("UPDATE parts SET size = 1")
    for row in op.get_bind().execute(sa.text("SELECT id FROM parts")):
        op.execute("DELETE FROM parts")
    """
    project.add("bbb222", "aaa111", up)
    project.app.config["MIGRATE_DATABASE_URL"] = project.url.set(
        username="reader"
    ).render_as_string()
    try:
        found = planned(project)
        out = project.door("flask db", "plan").out
    finally:
        project.run("DROP OWNED BY reader", "DROP ROLE reader")

    revision = only(found)
    assert found["simulated"] is False
    assert any("CREATEDB" in note and "-x scratch=URL" in note for note in found["notes"])
    assert (revision["safe"], revision["complete"], revision["seconds"]) == (None, False, None)
    assert [one["sql"].split()[0] for one in revision["statements"]] == [
        "ALTER",
        "UPDATE",
        "SELECT",
    ]
    assert [one["locks"][""] for one in revision["statements"]] == [
        "ACCESS EXCLUSIVE",
        "ROW EXCLUSIVE",
        "ACCESS SHARE",
    ]
    assert "not simulated" in out
    assert scratches(project) == []


GRANTS = (
    "GRANT USAGE ON SCHEMA public TO reader",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
)


def test_what_takes_too_long_is_tried_in_part_and_told_so(project, monkeypatch):
    """Red when a plan goes on for as long as a revision does."""
    monkeypatch.setattr(simulating, "LONGEST_SECONDS", 0.2)
    project.add("bbb222", "aaa111", f"{ADD_NOTE}\nimport time\ntime.sleep(0.3)\n{DROP_NOTE}")
    project.add("ccc333", "bbb222", ADD_NOTE)

    found = planned(project)

    slow, later = found["revisions"]
    assert [one["sql"].split()[2] for one in slow["statements"]] == ["parts"]
    assert (slow["safe"], slow["complete"], slow["seconds"]) == (None, False, None)
    assert [one["simulated"] for one in later["statements"]] == [False]
    assert any("took too long" in note for note in found["notes"])
    assert (found["safe"], found["seconds"]) == (None, None)


def test_a_table_beside_the_history_is_said_to_be_missing(project):
    project.run("CREATE TABLE by_hand (id INTEGER)")
    project.add("bbb222", "aaa111", 'op.execute("UPDATE by_hand SET id = 1")')

    found = planned(project, code=causes.Failed.exit_code)

    assert any("Beside the history stand by_hand" in note for note in found["notes"])
