"""What a rehearsal says of a revision, and by what: the rows and the schema that came back."""

from __future__ import annotations

import pytest

from tests.migrations.rehearsal.stage import (
    ADD_NOTE,
    DROP_NOTE,
    copies,
    only,
    rehearsed,
    state,
)

TRIGGER = """
if op.get_context().dialect.name == "sqlite":
    op.execute("CREATE TRIGGER watch AFTER UPDATE ON parts BEGIN SELECT 1; END")
else:
    op.execute("CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql"
               " AS 'BEGIN RETURN NEW; END'")
    op.execute("CREATE TRIGGER watch BEFORE UPDATE ON parts"
               " FOR EACH ROW EXECUTE FUNCTION watch()")
"""
BATCH_DROP = """
with op.batch_alter_table("parts") as batch:
    batch.drop_column("size")
"""
DATA_STEP = """
table = sa.table("parts", sa.column("id"), sa.column("note"))
for row in op.get_bind().execute(sa.text("SELECT id, name FROM parts")).all():
    op.get_bind().execute(
        table.update().where(table.c.id == row.id).values(note=row.name.upper())
    )
"""
ADD_SIZE = 'op.add_column("parts", sa.Column("size", sa.Integer()))'


def test_a_revision_whose_rows_and_schema_come_back_is_reversible(project):
    project.add("bbb222", "aaa111", ADD_NOTE, DROP_NOTE)
    before = state(project)

    revision = only(rehearsed(project))

    assert (revision["verdict"], revision["as_declared"]) == ("reversible", True)
    assert "3 rows are the same" in revision["sentence"]
    assert [step["direction"] for step in revision["steps"]] == ["up", "down", "up"]
    prints = revision["fingerprints"]
    assert prints["before"] == prints["after_down"] != prints["after"]
    assert prints["after"] == prints["after_second_up"]
    assert (state(project), copies(project)) == (before, [])
    assert project.heads() == "aaa111"


def test_a_revision_that_says_yes_and_loses_a_columns_data_is_not(project):
    project.add("bbb222", "aaa111", BATCH_DROP, ADD_SIZE)

    revision = only(rehearsed(project, code=37))

    assert revision["verdict"] == "NOT reversible"
    assert "it declares yes" in revision["sentence"]
    assert "parts.size" in revision["sentence"]


@pytest.mark.promise
def test_the_same_is_as_declared_where_it_says_so(project):
    project.add("bbb222", "aaa111", BATCH_DROP, ADD_SIZE, reversible="loses data")

    revision = only(rehearsed(project))

    assert (revision["verdict"], revision["as_declared"]) == ("loses data as declared", True)


@pytest.mark.promise
def test_a_revision_that_changes_rows_and_gives_them_back_rewrites_data(project):
    project.add(
        "bbb222", "aaa111",
        'op.execute("UPDATE parts SET size = size + 1")',
        'op.execute("UPDATE parts SET size = size - 1")',
    )  # fmt: skip

    revision = only(rehearsed(project))

    assert (revision["verdict"], revision["as_declared"]) == ("rewrites data", True)
    assert "parts.size" in revision["sentence"]
    assert "parts.name" not in revision["sentence"]


@pytest.mark.promise
def test_values_that_change_rows_are_seen_though_the_column_holds_the_same_ones(project):
    swap = """op.execute("UPDATE parts SET size = CASE id WHEN 1 THEN 7 WHEN 2 THEN 5 END")"""
    project.add("bbb222", "aaa111", swap, "pass")

    revision = only(rehearsed(project, code=37))

    assert revision["verdict"] == "NOT reversible"
    assert "parts.size" in revision["sentence"]


@pytest.mark.promise
def test_a_downgrade_that_fails_is_told_with_its_line(project):
    project.add("bbb222", "aaa111", ADD_NOTE, 'op.drop_column("parts", "noted")')
    before = state(project)

    revision = only(rehearsed(project, code=37))

    assert revision["verdict"] == "fails"
    assert "the downgrade ends with" in revision["sentence"]
    assert "migrations/versions/bbb222.py:22" in revision["sentence"]
    assert (state(project), copies(project)) == (before, [])


def test_a_downgrade_that_leaves_a_trigger_behind_is_found(project):
    project.add("bbb222", "aaa111", TRIGGER, "pass")

    revision = only(rehearsed(project, code=37))

    assert revision["verdict"] == "NOT reversible"
    assert "trigger watch on parts is left behind" in revision["sentence"]


def test_a_data_step_is_rehearsed_with_the_rows_of_the_database(project):
    up = f"{ADD_NOTE}{DATA_STEP}"
    project.add("bbb222", "aaa111", up, DROP_NOTE)

    revision = only(rehearsed(project))

    assert revision["verdict"] == "reversible"
    update = [
        one for one in revision["steps"][0]["statements"] if one["sql"].startswith("UPDATE")
    ]  # fmt: skip
    assert (update[0]["executions"], update[0]["rows_written"]) == (3, 3)
    assert update[0]["file"].endswith("bbb222.py")


@pytest.mark.promise
def test_a_revision_that_declares_no_way_back_is_only_taken_up(project):
    project.add("bbb222", "aaa111", ADD_NOTE, DROP_NOTE, reversible="no: nothing to go back to")

    revision = only(rehearsed(project))

    assert revision["verdict"] == "one way as declared"
    assert [step["direction"] for step in revision["steps"]] == ["up"]


@pytest.mark.promise
def test_an_applied_revision_is_proved_with_what_was_written_since(project):
    project.add("bbb222", "aaa111", ADD_NOTE, DROP_NOTE)
    project.upgrade("head")
    project.run("UPDATE parts SET note = 'short' WHERE id = 1")

    revision = only(rehearsed(project, code=37))

    assert revision["applied"] is True
    assert [step["direction"] for step in revision["steps"]] == ["down", "up", "down", "up"]
    assert revision["verdict"] == "NOT reversible"
    assert "parts.note" in revision["sentence"]


@pytest.mark.promise
def test_one_revision_that_fails_does_not_keep_the_next_from_being_tried(project):
    project.add("bbb222", "aaa111", ADD_NOTE, 'op.drop_column("parts", "noted")')
    project.add("ccc333", "bbb222", "pass", "pass")

    found = rehearsed(project, code=37)

    assert [one["verdict"] for one in found["revisions"]] == ["fails", "reversible"]


@pytest.mark.promise
def test_what_follows_a_revision_that_cannot_be_applied_is_not_rehearsed(project):
    project.add("bbb222", "aaa111", 'op.drop_column("parts", "noted")', "pass")
    project.add("ccc333", "bbb222", "pass", "pass")

    found = rehearsed(project, code=37)

    assert [one["verdict"] for one in found["revisions"]] == ["fails", "not rehearsed"]


@pytest.mark.promise
@pytest.mark.parametrize(("words", "count"), [((), 1), (("--revisions", "2"), 2), (("--all",), 3)])
def test_how_much_of_the_history_is_rehearsed_is_chosen(project, words, count):
    project.add("bbb222", "aaa111", "pass", "pass")
    project.add("ccc333", "bbb222", "pass", "pass")
    project.upgrade("head")

    found = rehearsed(project, *words)

    names = ["aaa111", "bbb222", "ccc333"]
    assert [one["revision"] for one in found["revisions"]] == names[3 - count :]
    assert found["as_declared"] is True


def test_rows_that_a_verb_refuses_are_a_verdict(project):
    up = 'op.set_not_null_online("parts", "size")'
    path = project.add("bbb222", "aaa111", up, 'op.drop_not_null_online("parts", "size")')

    revision = only(rehearsed(project, code=37))

    assert revision["verdict"] == "fails"
    assert f"{path.name}:" in revision["sentence"]
    assert "the upgrade ends with the cause `failed` (31)" in revision["sentence"]


@pytest.mark.promise
def test_a_backfill_runs_to_its_end_within_the_rehearsal(project):
    up = 'op.backfill("parts", set={"note": "upper(name)"}, where="note IS NULL")'
    project.add("bbb222", "aaa111", ADD_NOTE, DROP_NOTE)
    project.add("ccc333", "bbb222", up, 'op.execute("UPDATE parts SET note = NULL")')
    project.add("ddd444", "ccc333", "pass", "pass", needs_backfills=("parts_note",))

    found = rehearsed(project)

    assert [one["verdict"] for one in found["revisions"]] == [
        "reversible", "rewrites data", "reversible",
    ]  # fmt: skip
    assert "parts.note" in found["revisions"][1]["sentence"]
    assert project.rows("SELECT count(*) FROM migration_backfills") == [0]
