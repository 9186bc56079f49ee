"""How `flask db lint` tells it: to people, to scripts and to GitHub; and how it ends."""

from __future__ import annotations

from pathlib import Path

from agentlogger.migrate.linting.annotations import for_github
from agentlogger.migrate.linting.filling import Filled
from agentlogger.migrate.linting.finding import DOWN, Finding, Judged, Report
from agentlogger.migrate.revisions.declared import Declared
from tests.migrations.linting.judged import SQLITE, line_of, linted, of

COPY = """
with op.batch_alter_table("logs", recreate="always") as batch:  # here
    batch.add_column(sa.Column("level", sa.Integer()))
"""
DROP = 'op.drop_column("logs", "level")'
RENAME = 'op.alter_column("logs", "msg", new_column_name="message")  # here'
RENAME_BACK = 'op.alter_column("logs", "message", new_column_name="msg")'

KEYS = {
    "database", "version", "squawk", "notes", "tables", "revisions", "errors", "warnings",
    "not_judged",
}  # fmt: skip
REVISION_KEYS = {
    "revision", "message", "phase", "file", "verdict", "not_judged", "notes", "findings",
    "statements",
}  # fmt: skip
FINDING_KEYS = {
    "rule", "level", "message", "advice", "file", "line", "direction", "sql", "table", "class",
    "rows", "lock", "milliseconds", "milliseconds_per_million_rows", "allowed",
}  # fmt: skip
STATEMENT_KEYS = {
    "direction", "sql", "file", "line", "executions", "milliseconds", "transaction", "autocommit",
    "rows_read", "rows_written", "locks", "rewrites", "indexes", "error",
}  # fmt: skip


def revision(name: str = "aaa111") -> Declared:
    path = Path.cwd() / "migrations" / "versions" / f"{name}.py"
    return Declared(name, (), "do it", "expand", "yes", None, path, "")


def report_of(*judged: Judged) -> Report:
    return Report("postgresql", "15.18", {"logs": ("hot", Filled(5))}, (), "", judged)


@SQLITE
def test_json_has_these_keys_for_scripts(project):
    """On SQLite alone, as in all that follows: both databases are told by the same code."""
    project.add("aaa111", "base00", RENAME, RENAME_BACK)

    report = linted(project, "aaa111", code=39)

    one = of(report, "aaa111")
    assert set(report) == KEYS
    assert set(one) == REVISION_KEYS
    assert {frozenset(found) for found in one["findings"]} == {frozenset(FINDING_KEYS)}
    assert {frozenset(found) for found in one["statements"]} == {frozenset(STATEMENT_KEYS)}
    assert {found["direction"] for found in one["statements"]} == {"upgrade", "downgrade"}


@SQLITE
def test_people_read_where_what_and_what_to_do(project):
    path = project.add("aaa111", "base00", RENAME, RENAME_BACK, message="rename the text")
    project.add("bbb222", "aaa111", message="do nothing at all")

    outcome = project.door("flask db", "lint", "base00:")

    assert outcome.code == 39
    assert "aaa111  rename the text  [expand]" in outcome.out
    assert f"ERROR    breaks-older  migrations/versions/aaa111.py:{line_of(path)}" in outcome.out
    assert "ALTER TABLE logs RENAME" in outcome.out
    assert 'Declare `phase = "contract"`' in outcome.out
    assert "bbb222  do nothing at all  [expand]\n  clean\n" in outcome.out
    assert "2 revisions: 1 error, 0 warnings." in outcome.out
    assert outcome.err.startswith("Error: 1 error, 0 warnings: correct the revisions")
    assert max(map(len, outcome.out.splitlines())) <= 100


@SQLITE
def test_warnings_fail_where_they_are_asked_to(project):
    project.add("aaa111", "base00", COPY, DROP)

    assert linted(project, "aaa111")["warnings"] == 1
    assert project.door("flask db", "lint", "aaa111").code == 0
    assert project.door("flask db", "lint", "aaa111", "--strict").code == 39


@SQLITE
def test_a_finding_counts_more_than_what_was_not_judged(project):
    project.add("aaa111", "base00", RENAME, RENAME_BACK)
    project.add("bbb222", "aaa111", 'op.execute("UPDATE nowhere SET n = 1")')

    outcome = project.door("flask db", "lint", "base00:")

    assert outcome.code == 39
    assert "1 not judged" in outcome.err


@SQLITE
def test_what_was_not_judged_ends_with_its_own_code(project):
    project.add("aaa111", "base00", 'op.execute("UPDATE nowhere SET n = 1")')

    outcome = project.door("flask db", "lint", "aaa111")

    assert outcome.code == 40
    assert "no such table: nowhere" in outcome.err
    assert "migrations/versions/aaa111.py" in outcome.err
    assert "Traceback" not in outcome.err


@SQLITE
def test_github_shows_it_beside_the_line(project):
    path = project.add("aaa111", "base00", RENAME, RENAME_BACK)

    outcome = project.door("flask db", "lint", "aaa111", "--format", "github")

    (line,) = outcome.out.splitlines()
    where = f"file=migrations/versions/aaa111.py,line={line_of(path)}"
    assert line.startswith(f"::error {where},title=breaks-older (aaa111%2C upgrade)::it says")
    assert outcome.code == 39


def test_nothing_that_github_would_read_as_its_own_is_left():
    odd = Path.cwd() / "a, b:c%.py"
    one = Finding("rule: x", "warning", "50 % of it\r\nfails", "", odd, 3, DOWN)

    (line,) = for_github(report_of(Judged(revision(), (one,))))

    assert line == (
        "::warning file=a%2C b%3Ac%25.py,line=3,title=rule%3A x (aaa111%2C downgrade)"
        "::50 %25 of it%0D%0Afails."
    )


def test_github_is_told_what_was_not_judged_and_not_what_is_allowed():
    allowed = Finding("rewrite", "error", "it was", "", revision().path, 3, allowed="a reason")

    (line,) = for_github(
        report_of(Judged(revision(), (allowed,)), Judged(revision("bbb222"), not_judged="it fails"))
    )

    assert line == (
        "::error file=migrations/versions/bbb222.py,line=1,title=bbb222 was not judged::it fails"
    )


@SQLITE
def test_a_table_that_could_not_be_filled_is_named(project):
    made = 'op.execute("CREATE TABLE odd (id INTEGER PRIMARY KEY, a TEXT NOT NULL CHECK (a <> a))")'
    project.add("aaa111", "base00", made, 'op.drop_table("odd")')
    project.add("bbb222", "aaa111")

    outcome = project.door("flask db", "lint", "bbb222")

    assert outcome.code == 0
    assert "Not filled  odd, of which 0 rows were made: no values that obey a <> a" in outcome.out
    assert "a <> a" in linted(project, "bbb222")["tables"]["odd"]["reason"]
