"""Two traps of stock Alembic that lose data without an error: by both doors, nothing is lost."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from tests.migrations.checkout import DOORS, Checkout
from tests.promises.programs import BEFORE_IN_MODEL, MODEL
from tests.promises.revisions import add_revision, seal

pytestmark = pytest.mark.promise

PARENT_AND_CHILDREN = (
    "INSERT INTO projects (id, name, created_ns) VALUES (7, 'seven', 1)",
    (
        "INSERT INTO api_keys (id, project_id, name, prefix, digest, scopes, created_ns)"
        " VALUES ('4a3c9d1e000040008000000000000001', 7, 'n', 'p', 'd', 'read', 1)"
    ),
)

MODELS_DO_NOT_OWN = {
    "sqlite": (
        "CREATE TABLE another_programs (id INTEGER PRIMARY KEY)",
        "CREATE VIRTUAL TABLE search_of_another USING fts5 (words)",
    ),
    "postgresql": (
        "CREATE TABLE another_programs (id integer PRIMARY KEY)",
        "CREATE SCHEMA another CREATE TABLE things (id integer)",
        # As the service makes one for each day.
        (
            "CREATE TABLE log_records_20200101 PARTITION OF log_records"
            " FOR VALUES FROM (0, 1577836800000000000) TO (0, 1577923200000000000)"
        ),
        "CREATE TABLE of_an_extension (id integer)",
        "ALTER EXTENSION plpgsql ADD TABLE of_an_extension",
        "CREATE FOREIGN DATA WRAPPER nothing",
        "CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing",
        "CREATE FOREIGN TABLE far_away (id integer) SERVER nowhere",
    ),
}
"""What stock autogenerate writes `op.drop_table` for (alembic#539), and its neighbours."""

TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'f')",
}

BY_BOTH_DOORS = (
    ("alembic", "upgrade", "head"),
    ("alembic", "downgrade", "-1"),
    ("flask db", "upgrade"),
    ("flask db", "downgrade", "-1"),
)


def run_sql(url: str | URL, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def ask(url: str | URL, question: str) -> list:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = list(connection.execute(text(question)).scalars())
    engine.dispose()
    return found


def test_changing_a_parent_keeps_the_rows_that_refer_to_it(checkout: Checkout):
    """Red when foreign keys are on while a table is rebuilt: ON DELETE CASCADE takes all children.

    On PostgreSQL nothing is rebuilt, and the same file must do the same.
    """
    checkout.bring("upgrade", "head")
    run_sql(checkout.url, *PARENT_AND_CHILDREN)
    add_revision(
        checkout,
        "rebuild01",
        "allow longer names of projects",
        """
        with op.batch_alter_table("projects") as batch:
            batch.alter_column("name", existing_type=sa.String(100), type_=sa.String(200))
        """,
        """
        with op.batch_alter_table("projects") as batch:
            batch.alter_column("name", existing_type=sa.String(200), type_=sa.String(100))
        """,
    )
    seal(checkout)

    for door, *words in BY_BOTH_DOORS:
        outcome = checkout.door(door, *words)

        assert outcome.code == 0, outcome.err
        assert ask(checkout.url, "SELECT project_id FROM api_keys") == [7]
    # The key still refers to its project: it goes when that goes, and not before.
    assert ask(checkout.url, "SELECT name FROM projects WHERE id = 7") == ["seven"]


def test_what_the_models_do_not_own_is_neither_dropped_nor_reported(checkout: Checkout):
    """Red when partitions, an extension's tables or another program's are compared with models."""
    checkout.bring("upgrade", "head")
    kind = checkout.url.partition(":")[0].partition("+")[0]
    run_sql(checkout.url, *MODELS_DO_NOT_OWN[kind])
    before = sorted(ask(checkout.url, TABLES[kind]))
    for door in DOORS:
        checked = checkout.door(door, "check")
        assert checked.code == 0, checked.err
    known = checkout.revisions()
    model = checkout.folder / MODEL
    note = "    note: Mapped[str | None] = mapped_column(Text)\n"
    model.write_text(model.read_text().replace(BEFORE_IN_MODEL, note + BEFORE_IN_MODEL))

    written = checkout.door("flask db", "migrate", "-m", "add a note to each log record")
    applied = checkout.door("alembic", "upgrade", "head")

    assert (written.code, applied.code) == (0, 0), written.err + applied.err
    (name,) = checkout.revisions() - known
    code = (checkout.folder / "migrations" / "versions" / name).read_text()
    upgrade = code[code.index("def upgrade") : code.index("def downgrade")]
    assert "add_column" in upgrade
    assert "drop" not in upgrade
    assert sorted(ask(checkout.url, TABLES[kind])) == before
