"""What `flask db lint` finds on both databases: an older program, no way back, rows that refuse."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.migrations.linting.conftest import FEW
from tests.migrations.linting.judged import (
    BOTH,
    POSTGRESQL,
    SQLITE,
    line_of,
    linted,
    of,
    ours,
    rules,
)
from tests.migrations.project import emptied
from tests.migrations.test_plan import scratches

ADD = 'op.add_column("logs", sa.Column("level", sa.BigInteger(), nullable=True))'
DROP = 'op.drop_column("logs", "level")'
RENAME = 'op.alter_column("logs", "msg", new_column_name="message")  # here'
RENAME_BACK = 'op.alter_column("logs", "message", new_column_name="msg")'
COPY = """
with op.batch_alter_table("logs") as batch:  # here
    batch.alter_column("n", existing_type=sa.Integer(), nullable=False)
"""
COPY_BACK = """
with op.batch_alter_table("logs") as batch:
    batch.alter_column("n", existing_type=sa.Integer(), nullable=True)
"""


@BOTH
def test_a_column_that_is_added_is_clean(project):
    """SQLite adds and drops it without a copy of the table."""
    project.add("aaa111", "base00", ADD, DROP)

    report = linted(project, "aaa111")

    assert of(report, "aaa111")["verdict"] == "clean"
    assert (report["errors"], report["warnings"], report["not_judged"]) == (0, 0, 0)
    assert report["tables"]["logs"] == {"class": "hot", "rows": FEW, "reason": None}
    assert report["tables"]["agents"] == {"class": "ordinary", "rows": FEW, "reason": None}


@SQLITE
def test_a_copy_of_the_table_is_found(project):
    """On SQLite only: PostgreSQL alters it, and SET NOT NULL is found there by another rule."""
    path = project.add("aaa111", "base00", COPY, COPY_BACK)

    (found,) = ours(of(linted(project, "aaa111"), "aaa111"))

    assert (found["rule"], found["level"]) == ("table-copy", "warning")
    assert (found["line"], found["table"]) == (line_of(path), "logs")


NEW = 'op.execute("CREATE TABLE made (id INTEGER PRIMARY KEY, msg VARCHAR, n BIGINT)")'
FILL = 'op.execute("INSERT INTO made SELECT id, msg, n FROM logs")  # here'
HAND_MADE = {
    "the new one is renamed": (
        f"{NEW}\n{FILL}\n"
        'op.execute("DROP TABLE logs")\n'
        'op.execute(\'ALTER TABLE "made" RENAME TO "logs"\')'
    ),
    "the old one is renamed first": (
        'op.execute(\'ALTER TABLE "logs" RENAME TO "logs_old"\')\n'
        f"{NEW.replace('made', 'logs')}\n"
        f"{FILL.replace('logs', 'logs_old').replace('made', 'logs')}\n"
        'op.execute("DROP TABLE IF EXISTS logs_old")'
    ),
}


@SQLITE
@pytest.mark.parametrize("statements", HAND_MADE.values(), ids=HAND_MADE)
def test_a_copy_of_the_table_by_hand_is_found(project, statements):
    """On SQLite only, where `ALTER TABLE` can do so little that revisions are written like this."""
    path = project.add("aaa111", "base00", statements, phase="contract", reversible="columns go")

    found = [
        one for one in ours(of(linted(project, "aaa111"), "aaa111"))
        if one["rule"] == "table-copy"
    ]  # fmt: skip

    assert [(one["line"], one["table"]) for one in found] == [(line_of(path), "logs")]
    assert found[0]["rows"] == FEW


@SQLITE
def test_rows_for_a_table_beside_it_are_no_copy(project):
    project.add("aaa111", "base00", f"{NEW}\n{FILL}", 'op.drop_table("made")')

    assert of(linted(project, "aaa111"), "aaa111")["verdict"] == "clean"


@SQLITE
def test_that_rows_with_null_are_refused_is_told(project):
    """On SQLite only, where it takes a moment; `set_not_null` of PostgreSQL fails the same way."""
    project.add("aaa111", "base00", COPY, COPY_BACK)

    one = of(linted(project, "aaa111"), "aaa111")

    assert any("rows with NULL" in note for note in one["notes"])


@BOTH
def test_a_column_that_an_older_program_reads_must_not_go_in_an_expand(project):
    path = project.add("aaa111", "base00", RENAME, RENAME_BACK)

    (found,) = ours(of(linted(project, "aaa111", code=39), "aaa111"))

    assert (found["rule"], found["level"]) == ("breaks-older", "error")
    assert (found["line"], found["table"]) == (line_of(path), "logs")
    assert "msg" in found["message"]


@BOTH
def test_in_a_contract_it_may_go(project):
    project.add("aaa111", "base00", RENAME, RENAME_BACK, phase="contract")

    assert rules(of(linted(project, "aaa111"), "aaa111")) == set()


@BOTH
def test_a_default_that_an_older_program_leaves_out_must_stay(project):
    """Seen by an insert alone: every column can still be read."""
    up = 'op.add_column("agents", sa.Column("kind", sa.Text(), server_default="x", nullable=False))'
    project.add("aaa111", "base00", up, 'op.drop_column("agents", "kind")')
    up = """
    with op.batch_alter_table("agents") as batch:  # here
        batch.alter_column("kind", existing_type=sa.Text(), server_default=None)
    """
    down = up.replace("None", '"x"').replace("  # here", "")
    path = project.add("bbb222", "aaa111", up, down)

    found = {one["rule"]: one for one in ours(of(linted(project, "bbb222", code=39), "bbb222"))}

    assert found["breaks-older"]["line"] == line_of(path)
    assert "inserting" in found["breaks-older"]["message"]


@BOTH
def test_a_downgrade_that_leaves_something_is_found(project):
    up = f'{ADD}\nop.create_table("extras", sa.Column("id", sa.Integer(), primary_key=True))'
    path = project.add("aaa111", "base00", up, DROP)

    (found,) = ours(of(linted(project, "aaa111", code=39), "aaa111"), "downgrade")

    assert (found["rule"], found["level"]) == ("not-reversible", "error")
    assert "table extras is left" in found["message"]
    lines = path.read_text().splitlines()
    assert lines[found["line"] - 1] == "def downgrade():"


@BOTH
def test_a_downgrade_that_fails_is_found_in_its_line(project):
    path = project.add("aaa111", "base00", ADD, 'op.drop_column("logs", "nowhere")  # here')
    project.add("bbb222", "aaa111", "pass", "pass")

    report = linted(project, "base00:", code=39)

    (found,) = ours(of(report, "aaa111"), "downgrade")
    assert (found["rule"], found["line"]) == ("not-reversible", line_of(path))
    assert of(report, "bbb222")["verdict"] == "clean"


@BOTH
def test_what_says_that_it_cannot_be_taken_back_is_not_tried(project):
    project.add("aaa111", "base00", ADD, 'raise RuntimeError("no")', reversible="it is said here")

    assert of(linted(project, "aaa111"), "aaa111")["verdict"] == "clean"


@BOTH
def test_a_revision_that_fails_with_rows_is_found_and_the_next_one_judged(project):
    up = 'op.add_column("logs", sa.Column("level", sa.Integer(), nullable=False))  # here'
    if project.url.get_backend_name() == "sqlite":
        # SQLite refuses that one on an empty table, too.
        up = """
        with op.batch_alter_table("logs") as batch:  # here
            batch.add_column(sa.Column("level", sa.Integer(), nullable=False))
        """
    path = project.add("aaa111", "base00", up, DROP)
    project.add("bbb222", "aaa111", RENAME, RENAME_BACK)

    report = linted(project, "base00:", code=39)

    (found,) = ours(of(report, "aaa111"))
    assert (found["rule"], found["line"]) == ("fails-with-rows", line_of(path))
    assert rules(of(report, "bbb222")) == {"breaks-older"}


@BOTH
def test_a_column_of_the_same_release_must_be_filled_before_it_is_required(project):
    """The rows of before have nothing there, whatever else may be said of rows with NULL."""
    project.add("aaa111", "base00", ADD, DROP)
    require = 'op.set_not_null_online("logs", "level")'
    allow = 'op.drop_not_null_online("logs", "level")'
    project.add("bbb222", "aaa111", require, allow, phase="contract")
    fill = 'op.execute("UPDATE logs SET level = 1 WHERE level IS NULL")'

    assert rules(of(linted(project, "base00:", code=39), "bbb222")) == {"fails-with-rows"}

    project.add("aaa222", "aaa111", fill, "pass", phase="backfill")
    project.add("bbb222", "aaa222", require, allow, phase="contract")
    code = 39 if project.url.get_backend_name() == "postgresql" else 0
    report = linted(project, "base00:", code=code)
    assert rules(of(report, "bbb222")) <= {"table-copy"}
    assert rules(of(report, "aaa222")) == ({"whole-table-update"} if code else set())


@BOTH
def test_what_cannot_even_be_applied_is_not_judged(project):
    path = project.add("aaa111", "base00", 'op.execute("UPDATE nowhere SET n = 1")  # here')
    project.add("bbb222", "aaa111")

    report = linted(project, "base00:", code=40)

    one, next_one = of(report, "aaa111"), of(report, "bbb222")
    assert one["verdict"] == next_one["verdict"] == "not judged"
    assert f"line {line_of(path)} " in one["not_judged"]
    assert "follows aaa111" in next_one["not_judged"]
    assert report["not_judged"] == 2


@BOTH
def test_what_stands_before_the_first_must_work(project):
    project.add("aaa111", "base00", 'op.execute("UPDATE nowhere SET n = 1")')
    project.add("bbb222", "aaa111")

    outcome = project.door("flask db", "lint", "bbb222")

    assert outcome.code == 31
    assert "aaa111" in outcome.err


@BOTH
def test_rows_of_a_revision_do_not_meet_those_that_were_made_up(project):
    up = """op.execute("INSERT INTO agents (id, name) VALUES (1, 'first')")"""
    if project.url.get_backend_name() == "postgresql":
        up = """op.execute("INSERT INTO agents (id, name) VALUES (0, 'first')")"""
    project.add("aaa111", "base00", up, 'op.execute("DELETE FROM agents WHERE id < 2")')

    assert rules(of(linted(project, "aaa111"), "aaa111")) == set()


@BOTH
def test_a_revision_cannot_reach_the_live_database(project):
    project.upgrade("base00")
    up = """
    from flask import current_app
    current_app.extensions["sqlalchemy"].session.execute(sa.text("DELETE FROM logs"))
    """
    project.add("aaa111", "base00", up)

    one = of(linted(project, code=40), "aaa111")

    assert "another connection" in one["not_judged"]


@POSTGRESQL
@pytest.mark.promise
def test_three_tables_locked_one_after_the_other_are_a_warning(project):
    """On PostgreSQL only: SQLite has one lock."""
    third = 'op.create_table("spans", sa.Column("id", sa.Integer(), primary_key=True))'
    project.add("aaa111", "base00", third, 'op.drop_table("spans")')
    names = ("logs", "agents", "spans")
    up = "\n".join(f'op.add_column("{one}", sa.Column("x", sa.Integer()))' for one in names)
    down = "\n".join(f'op.drop_column("{one}", "x")' for one in names)
    project.add("bbb222", "aaa111", f"{up}  # here", down)

    (found,) = ours(of(linted(project, "bbb222"), "bbb222"))

    assert (found["rule"], found["level"]) == ("long-chain", "warning")
    assert all(name in found["message"] for name in names)
    assert scratches(project) == []


@POSTGRESQL
@pytest.mark.promise
def test_a_partitioned_table_is_judged_by_its_partitions(project):
    """On PostgreSQL only: SQLite has no partitions."""
    made = """
    op.execute("CREATE TABLE days (id integer NOT NULL, day integer NOT NULL, msg text,"
               " PRIMARY KEY (id, day)) PARTITION BY RANGE (day)")
    op.execute("CREATE TABLE days_0 PARTITION OF days FOR VALUES FROM (0) TO (2000000)")
    """
    project.add("aaa111", "base00", made, 'op.drop_table("days")')
    project.add(
        "bbb222", "aaa111",
        'op.create_index("ix_days_msg", "days", ["msg"])',
        'op.drop_index("ix_days_msg", "days")',
    )  # fmt: skip
    project.add(
        "ccc333", "bbb222",
        'op.create_index_online("ix_days_day", "days", ["day", "msg"])',
        'op.drop_index_online("ix_days_day", "days")',
    )  # fmt: skip

    report = linted(project, "aaa111:", code=39)

    assert report["tables"]["days"]["rows"] == FEW
    assert rules(of(report, "bbb222")) == {"index-blocks-writes"}
    assert rules(of(report, "ccc333")) == set()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.promise
def test_another_database_can_judge(project, postgresql_databases):
    """The configured one is SQLite, and the server is PostgreSQL."""
    project.add("aaa111", "base00", 'op.create_index("ix_logs_n", "logs", ["n"])',
                'op.drop_index("ix_logs_n", "logs")')  # fmt: skip
    with emptied(postgresql_databases) as url:
        on = url.set(drivername="postgres").render_as_string(hide_password=False)

        report = linted(project, "aaa111", "--on", on, code=39)

    assert report["database"] == "postgresql"
    assert rules(of(report, "aaa111")) == {"index-blocks-writes"}
    assert linted(project, "aaa111")["database"] == "sqlite"


@POSTGRESQL
@pytest.mark.promise
def test_a_label_that_stays_in_an_enum_is_no_other_schema(project):
    """On PostgreSQL only, which takes no label away."""
    made = """op.execute("CREATE TYPE mood AS ENUM ('calm')")"""
    project.add("aaa111", "base00", made, 'op.execute("DROP TYPE mood")')
    up, down = 'op.add_enum_value("mood", "wild")', 'op.retire_enum_value("mood", "wild")'
    project.add("bbb222", "aaa111", up, down)

    assert rules(of(linted(project, "bbb222"), "bbb222")) == set()


@POSTGRESQL
@pytest.mark.promise
def test_a_database_that_was_named_is_used_and_left_empty(project, databases):
    """On PostgreSQL only: SQLite tries things in a file of its own."""
    require = 'op.set_not_null_online("logs", "n")'
    project.add("aaa111", "base00", require, 'op.drop_not_null_online("logs", "n")')
    with emptied(databases) as url:
        named = f"scratch={url.render_as_string(hide_password=False)}"

        one = of(linted(project, "-x", named, "aaa111"), "aaa111")

        engine = sa.create_engine(url, poolclass=sa.NullPool)
        assert sa.inspect(engine).get_table_names() == []
    assert one["verdict"] == "clean"
    assert len(one["notes"]) == 1


@POSTGRESQL
@pytest.mark.promise
def test_a_backfill_is_clean_and_done_before_what_needs_it(project):
    """On PostgreSQL only, where it is left for later: SQLite fills at once, with no other way."""
    project.add("aaa111", "base00", ADD, DROP)
    fill = """op.backfill("logs", set={"level": "n % 7"}, where="level IS NULL")"""
    project.add("bbb222", "aaa111", fill, phase="backfill")
    require, allow = (f'op.{verb}_not_null_online("logs", "level")' for verb in ("set", "drop"))
    needs = ("logs_level",)
    project.add("ccc333", "bbb222", require, allow, phase="contract", needs_backfills=needs)

    report = linted(project, "base00:")

    assert rules(of(report, "bbb222")) == rules(of(report, "ccc333")) == set()
    assert of(report, "ccc333")["verdict"] == "clean"


@BOTH
def test_what_a_revision_needs_is_filled_when_it_is_judged_alone(project):
    """Red when its own UPDATE, for what older programs have written since, finds every row."""
    project.add("aaa111", "base00", ADD, DROP)
    fill = """op.backfill("logs", set={"level": "7"}, where="level IS NULL")"""
    project.add("bbb222", "aaa111", fill, phase="backfill")
    up = 'op.execute("UPDATE logs SET level = 7 WHERE level IS NULL")'
    project.add("ccc333", "bbb222", up, phase="contract", needs_backfills=("logs_level",))

    one = of(linted(project, "ccc333"), "ccc333")

    (update,) = [each for each in one["statements"] if each["sql"].startswith("UPDATE")]
    assert (update["rows_written"], rules(one)) == (0, set())


@BOTH
def test_a_backfill_that_fails_is_found_with_its_revision(project):
    fill = """op.backfill("logs", set={"n": "n / 0 + nowhere"}, where="n IS NULL")  # here"""
    path = project.add("bbb222", "base00", fill, phase="backfill")

    outcome = project.door("flask db", "lint", "--json", "bbb222")

    assert outcome.code in {39, 40}
    assert "nowhere" in outcome.out
    assert path.name in outcome.out
