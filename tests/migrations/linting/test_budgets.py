"""Classes of tables, their budgets, and what a revision is allowed with its reason."""

from __future__ import annotations

import pytest

from agentlogger.migrate.causes import BadOption
from agentlogger.migrate.linting.classes import HOT, ORDINARY, SMALL, budgets
from agentlogger.migrate.linting.rules import BY_NAME
from tests.migrations.linting.judged import SQLITE, linted, of

RENAME = 'op.alter_column("logs", "msg", new_column_name="message")'
RENAME_BACK = 'op.alter_column("logs", "message", new_column_name="msg")'
REASON = "the only program that read it is gone"
COPY = """
with op.batch_alter_table("logs", recreate="always") as batch:
    batch.add_column(sa.Column("level", sa.Integer()))
"""
DROP = 'op.drop_column("logs", "level")'


def told(folder, text: str):
    (folder / "lint.toml").write_text(text)
    return budgets(folder, hot=["logs"], small=["teams"])


def test_a_table_is_of_the_class_that_the_application_gives_it(tmp_path):
    found = budgets(tmp_path, hot=["logs"], small=["teams"])

    assert [found.of(name).name for name in ("logs", "teams", "others")] == [HOT, SMALL, ORDINARY]
    assert found.of("logs").rows > found.of("others").rows > found.of("teams").rows
    assert found.of("logs").milliseconds < found.of("others").milliseconds
    assert "rewrite" in found.of("teams").allowed
    assert "breaks-older" not in found.of("teams").allowed


def test_the_file_counts_more(tmp_path):
    found = told(
        tmp_path,
        """
        [classes.hot]
        tables = ["teams"]
        milliseconds = 50
        [classes.archive]
        tables = ["years"]
        rows = 7
        allow = ["rewrite"]
        [allow.aaa111]
        rewrite = "it was empty then"
        """,
    )

    assert found.of("teams").name == found.of("logs").name == HOT
    assert found.of("logs").milliseconds == 50
    assert (found.of("years").rows, found.of("years").allowed) == (7, {"rewrite"})
    assert found.allowed == {"aaa111": {"rewrite": "it was empty then"}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("classes = 5", "must be tables"),
        ("[clases.hot]", "'clases'"),
        ("[classes.hot", "is not TOML"),
        ('[classes.hot]\nmilliseconds = "50"', "must be a number"),
        ("[classes.hot]\nrows = true", "must be a number"),
        ('[classes.hot]\nallow = ["rewrites"]', "must be a list of rules"),
        ('[classes.hot]\ntables = "logs"', "must be a list of names"),
        ("[classes.hot]\ncolour = 1", "'colour'"),
        ('[allow.aaa111]\nrewrites = "x"', "'rewrites'"),
        ('[allow.aaa111]\nrewrite = " "', "without a reason"),
        ("[allow.aaa111]\nrewrite = true", "without a reason"),
    ],
)
def test_what_cannot_work_is_refused_with_its_place(tmp_path, text, said):
    with pytest.raises(BadOption, match=r"lint\.toml") as refused:
        told(tmp_path, text)

    assert said in str(refused.value)


@SQLITE
def test_a_revision_is_allowed_a_rule_for_a_reason(project):
    """On SQLite alone, as in all that follows: what is found on which is tested elsewhere."""
    project.add("aaa111", "base00", RENAME, RENAME_BACK, lint_allow={"breaks-older": REASON})

    report = linted(project, "aaa111")

    (found,) = of(report, "aaa111")["findings"]
    assert (found["level"], found["allowed"]) == ("error", REASON)
    assert (report["errors"], of(report, "aaa111")["verdict"]) == (0, "clean")
    assert f"Allowed: {REASON}" in project.door("flask db", "lint", "aaa111").out


@SQLITE
def test_an_applied_revision_is_allowed_it_beside_its_file(project):
    project.add("aaa111", "base00", RENAME, RENAME_BACK)
    path = project.folder / "migrations" / "lint.toml"
    path.write_text(f'[allow.aaa111]\nbreaks-older = "{REASON}"\n')

    assert linted(project, "aaa111")["errors"] == 0


@SQLITE
@pytest.mark.parametrize(
    ("allowed", "said"),
    [({"breaks-older": ""}, "without a reason"), ({"breaks": "x"}, "'breaks'"), (["x"], "reasons")],
)
def test_what_is_allowed_without_a_reason_is_refused(project, allowed, said):
    project.add("aaa111", "base00", RENAME, RENAME_BACK, lint_allow=allowed)

    outcome = project.door("flask db", "lint", "aaa111")

    assert outcome.code == 33
    assert "`lint_allow` of migrations/versions/aaa111.py" in outcome.err
    assert said in outcome.err


@SQLITE
def test_a_small_table_may_be_copied(project):
    project.add("aaa111", "base00", COPY, DROP)

    found = of(linted(project, "aaa111"), "aaa111")["findings"]
    assert [one["rule"] for one in found] == ["table-copy"]

    path = project.folder / "migrations" / "lint.toml"
    path.write_text('[classes.small]\ntables = ["logs"]\n')
    assert of(linted(project, "aaa111"), "aaa111")["findings"] == []


def test_every_rule_says_what_and_what_to_do():
    for rule in BY_NAME.values():
        assert rule.what.endswith(".")
        assert rule.advice.endswith(".")
        assert rule.name == rule.name.lower().replace(" ", "-")
