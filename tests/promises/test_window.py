"""Two releases beside each other on one database: the API works for both, inside the window.

Before a release is tagged, the older and newer programs are copies of the tree with one real expand
revision on the busiest table and one real contract revision after it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.promises.programs import Programs, make_programs, run_suite

pytestmark = pytest.mark.promise

NULLABLE = 'op.add_column("log_records", sa.Column("note", sa.Text(), nullable=True))'
REQUIRED = """
op.add_column("log_records", sa.Column("note", sa.Text(), nullable=False, server_default=""))
with op.batch_alter_table("log_records") as batch:
    batch.alter_column("note", existing_type=sa.Text(), server_default=None)
"""
"""An older program does not fill it, so this is no expand revision, whatever it declares."""

READY = "test_the_program_says_that_it_is_ready"
READ_BACK = "test_a_sent_record_is_read_back"
"""One test of readiness and one of the API, which a program outside the window fails."""


@pytest.fixture(scope="module")
def server(postgresql_databases) -> URL:
    """Where the programs' tests make their databases."""
    return postgresql_databases.server


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """An old, a new and a newest program."""
    return make_programs(tmp_path_factory.mktemp("programs"), expand=NULLABLE)


def require_passed(ran: subprocess.CompletedProcess[str]) -> None:
    """Fail where a test of the suite failed, or was left out."""
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "skipped" not in ran.stdout


def test_the_old_program_works_on_the_new_ones_schema(programs, server):
    """Red when the expand revision adds what an INSERT must fill: see the last test."""
    ran = run_suite(programs.old, "upgrade", migrated_by=programs.new, server=server)

    require_passed(ran)


def test_the_newest_program_works_before_its_contract_is_applied(programs, server):
    """Red when a program asks for its own newest revision instead of its own expand revisions."""
    expand = ("-x", "phase=expand", "upgrade")

    ran = run_suite(programs.newest, *expand, migrated_by=programs.newest, server=server)

    require_passed(ran)


def test_the_new_program_works_beside_the_newest_one(programs, server):
    """Red when `phase=expand` applies a contract."""
    expand = ("-x", "phase=expand", "upgrade")

    ran = run_suite(programs.new, *expand, migrated_by=programs.newest, server=server)

    require_passed(ran)


@pytest.mark.parametrize(
    ("program", "migrated_by"),
    [("new", "newest"), ("new", "old")],
    ids=["after a contract", "before an expand"],
)
def test_outside_the_window_a_program_says_that_it_is_not_ready(
    programs, server, program, migrated_by
):
    """Red when the verdict is yes whatever the database: then agents would meet the errors."""
    ran = run_suite(
        getattr(programs, program),
        "upgrade",
        migrated_by=getattr(programs, migrated_by),
        server=server,
    )

    assert ran.returncode == 1, ran.stdout + ran.stderr
    for kind in ("sqlite", "postgresql"):
        assert f"FAILED tests/promises/readiness.py::{READY}[{kind}]" in ran.stdout
        assert f"FAILED tests/api/test_reading.py::{READ_BACK}[{kind}]" in ran.stdout


def test_a_revision_that_only_calls_itself_expand_is_found_out(tmp_path: Path, server):
    """The proof can fail: a column that must be filled stops the old program's inserts."""
    made = make_programs(tmp_path, expand=REQUIRED)

    ran = run_suite(made.old, "upgrade", migrated_by=made.new, server=server, only=READ_BACK)

    assert ran.returncode == 1, ran.stdout + ran.stderr
    for kind in ("sqlite", "postgresql"):
        assert f"FAILED tests/api/test_reading.py::{READ_BACK}[{kind}]" in ran.stdout
