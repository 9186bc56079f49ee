"""squawk's second opinion: on what was executed, never a failure, and told where it is lacking."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from agentlogger.migrate.causes import Refused
from agentlogger.migrate.linting import squawk
from agentlogger.migrate.trial.observing import Observed
from tests.migrations.linting.judged import POSTGRESQL, SQLITE, linted, of


def observed(*statements: str, autocommit: bool = False) -> list[Observed]:
    return [
        Observed("aaa111", sql, "", Path("aaa111.py"), line, 1, autocommit)
        for line, sql in enumerate(statements, start=11)
    ]


def said(statements: Iterable[Observed]) -> set[tuple[str, int | None]]:
    program = squawk.found()
    assert program is not None
    found = squawk.opinions(program, {"aaa111": list(statements), "empty": []}, "15.18")
    assert found["empty"] == []
    return {(one.rule, one.line) for one in found["aaa111"]}


def test_each_opinion_stands_at_the_line_of_its_statement():
    found = said(
        observed(
            "ALTER TABLE logs\n  ADD COLUMN level bigint",
            "CREATE INDEX ix_logs_level ON logs (level)",
            "ALTER TABLE logs ADD CONSTRAINT c CHECK (level > 0)",
        )
    )

    assert found == {
        ("squawk: require-concurrent-index-creation", 12),
        ("squawk: constraint-missing-not-valid", 13),
    }


def test_what_runs_outside_a_transaction_is_told_apart():
    index = "CREATE INDEX CONCURRENTLY ix_logs_n ON logs (n)"

    assert said(observed(index, autocommit=True)) == set()
    assert "squawk: ban-concurrent-index-creation-in-transaction" in {
        rule for rule, _ in said(observed(index))
    }


def test_parameters_are_no_mistakes_of_syntax():
    assert said(observed("UPDATE logs SET n = %(n)s::INTEGER WHERE msg LIKE 'x%%'")) == set()


def test_a_constraint_that_comes_and_goes_in_one_revision_is_nobody_elses():
    drop = "ALTER TABLE logs DROP CONSTRAINT IF EXISTS n_is_set"
    add = "ALTER TABLE logs ADD CONSTRAINT n_is_set CHECK (n IS NOT NULL) NOT VALID"

    assert said(observed(add, drop, autocommit=True)) == set()
    assert said(observed(drop)) == {("squawk: ban-drop-constraint", 11)}


def test_an_index_of_a_partitioned_table_alone_is_made_at_once():
    alone = "CREATE INDEX ix_logs_n ON ONLY public.logs (n)"

    assert said(observed(alone)) == set()
    assert said(observed("CREATE INDEX ix_logs_n ON logs ((n)) WHERE n > 0")) == {
        ("squawk: require-concurrent-index-creation", 11)
    }


def test_what_does_not_run_is_said(tmp_path):
    program = tmp_path / "squawk"
    program.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    program.chmod(0o755)

    with pytest.raises(Refused, match=r"squawk has failed \(broken\): install it anew"):
        squawk.version_of(program)
    with pytest.raises(Refused, match="could not be run"):
        squawk.version_of(tmp_path / "nowhere")


@POSTGRESQL
@pytest.mark.promise
def test_its_findings_are_warnings_and_may_be_lacking(project, monkeypatch):
    """On PostgreSQL only, which is all that squawk knows."""
    up = 'op.add_column("logs", sa.Column("level", sa.Integer()))'
    project.add("aaa111", "base00", up, 'op.drop_column("logs", "level")')

    report = linted(project, "aaa111")

    (found,) = of(report, "aaa111")["findings"]
    assert (found["rule"], found["level"]) == ("squawk: prefer-bigint-over-int", "warning")
    assert report["squawk"].startswith("2.")
    assert project.door("flask db", "lint", "aaa111", "--strict").code == 39

    (project.folder / ".squawk.toml").write_text('excluded_rules = ["prefer-bigint-over-int"]\n')
    assert of(linted(project, "aaa111"), "aaa111")["findings"] == []

    monkeypatch.setattr(squawk, "found", lambda: None)
    report = linted(project, "aaa111")
    assert (report["squawk"], report["notes"]) == (None, [squawk.LACKING])
    assert squawk.INSTALL in project.door("flask db", "lint", "aaa111").out


@SQLITE
def test_on_sqlite_it_is_not_asked(project, monkeypatch):
    """On SQLite only: squawk knows PostgreSQL alone, so nothing is lacking."""
    monkeypatch.setattr(squawk, "found", lambda: pytest.fail("it was asked"))

    report = linted(project, "base00")

    assert (report["squawk"], report["notes"]) == (None, [])
