"""What autogenerate writes is what the linter asks for: no error in any of its files."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.migrations.linting.judged import linted, rules

pytestmark = pytest.mark.promise


def change(metadata: sa.MetaData) -> None:
    """Both tables otherwise: what is longer, unique, required, referred to, and what is gone."""
    sa.Table(
        "agents", metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(120), unique=True),
    )  # fmt: skip
    sa.Table(
        "logs", metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("agent_id", sa.Integer, sa.ForeignKey("agents.id")),
        sa.Column("msg", sa.Text),
        sa.Column("n", sa.Integer, server_default="5", nullable=False, index=True),
        sa.Column("locale", sa.String, default="en", nullable=False),
        sa.Column("at", sa.DateTime, server_default=sa.func.now(), nullable=False),
        sa.Column("mood", sa.Enum("calm", "wild", name="mood")),
        sa.CheckConstraint("n >= 0", name="ck_logs_n"),
    )  # fmt: skip


def test_no_file_of_a_large_change_has_an_error(project):
    project.upgrade("head")
    change(project.metadata)
    words = ["-x", "allow-drop=logs.name", "-m", "let logs have a locale"]
    written = project.door("flask db", "migrate", *words)
    assert written.code == 0, written.err

    report = linted(project)
    revisions = [one["revision"] for one in report["revisions"]]
    alone = [linted(project, one)["revisions"][0] for one in revisions]

    assert len(revisions) > 5
    assert {one["phase"] for one in alone} == {"expand", "online", "backfill", "contract"}
    for one in (*report["revisions"], *alone):
        # SQLite copies the table for most of it, and each time it is told.
        expected = {"rewrite"} if report["database"] == "postgresql" else {"table-copy"}
        assert rules(one) <= expected
        assert all(found["level"] == "warning" for found in one["findings"])
