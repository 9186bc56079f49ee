"""What `flask db plan` says of a million rows comes true within a factor of three.

A plan is made of four revisions that nobody writes differently: a new column, an index, a data step
over all rows and another type. Then they are applied for real, one by one.
"""

from __future__ import annotations

import json
import time

import pytest

from tests.migrations.project import Project, emptied

pytestmark = pytest.mark.promise

ROWS = 1_000_000
FACTOR = 3
COLUMN_MOST_SECONDS = 1.0

THINGS = """
op.create_table(
    "things",
    sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text(), nullable=False),
    sa.Column("note", sa.Text()),
    sa.Column("amount", sa.Integer(), nullable=False),
)
"""

FILL = {
    "sqlite": (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
        " INSERT INTO things SELECT i, 'name ' || (i * 7919 % 1000003),"
        " hex(i * 7919) || ' and so many words as a note has', i % 1000 FROM n"
    ),
    "postgresql": (
        "INSERT INTO things SELECT i, 'name ' || (i::bigint * 7919 % 1000003),"
        " md5(i::text) || ' and so many words', i % 1000 FROM generate_series(1, {rows}) AS i"
    ),
}

STEPS = {
    "column": 'op.add_column("things", sa.Column("label", sa.Text(), nullable=True))',
    "index": 'op.create_index("ix_things_name", "things", ["name"])',
    "update": 'op.execute("UPDATE things SET label = upper(name)")',
    "retype": """
with op.batch_alter_table("things") as batch:
    batch.alter_column("amount", type_=sa.BigInteger(), existing_type=sa.Integer())
""",
}
"""The last rewrites the table on PostgreSQL and copies it on SQLite."""


@pytest.fixture
def project(tmp_path, databases):
    """A million rows, and the four revisions pending."""
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url)
        made.add("things", None, THINGS)
        made.upgrade()
        made.run(FILL[url.get_backend_name()].format(rows=ROWS))
        parent = "things"
        for name, up in STEPS.items():
            made.add(name, parent, up)
            parent = name
        yield made


def seconds_of(project: Project, revision: str) -> float:
    """How long an upgrade to a revision takes, commit included."""
    began = time.perf_counter()
    # A snapshot is no part of a revision.
    project.upgrade(revision, "snapshots=0")
    return time.perf_counter() - began


def test_estimates_for_a_million_rows_come_true_within_a_factor_of_three(project):
    """Red when the seconds of the sample are told as they are, or multiplied by the rows alone."""
    began = time.perf_counter()
    outcome = project.door("flask db", "plan", "--json")
    planning = time.perf_counter() - began
    assert outcome.code == 0, outcome.err
    planned = {one["revision"]: one["seconds"] for one in json.loads(outcome.out)["revisions"]}
    real = {name: seconds_of(project, name) for name in STEPS}

    ratios = {name: real[name] / planned[name] for name in STEPS}
    print(f"\n{project.url.get_backend_name()}: planned in {planning:.1f} s")
    for name in STEPS:
        print(
            f"  {name:<7} planned {planned[name]:7.3f} s, took {real[name]:7.3f} s:"
            f" {ratios[name]:.2f} times as long"
        )
    assert list(planned) == list(STEPS)
    assert planned["column"] < COLUMN_MOST_SECONDS
    assert real["column"] < COLUMN_MOST_SECONDS
    for name in ("index", "update", "retype"):
        assert 1 / FACTOR < ratios[name] < FACTOR, (name, ratios)
