"""A history in which there is much to interrupt: data steps, concurrent index builds, constraints.

Nothing in it is written to be run twice: what a killed run has left, the next one must deal with.
"""

from __future__ import annotations

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL

from tests.migrations.checkout import Checkout
from tests.migrations.schema_text import schema_text
from tests.promises.revisions import add_revision, seal

PARTS_AND_OWNERS = """
op.create_table(
    "owners",
    sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text(), nullable=False),
)
op.create_table(
    "parts",
    sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("owner_id", sa.Integer(), nullable=False),
    sa.Column("counted", sa.Integer(), nullable=False),
)
op.create_table("entries", sa.Column("part_id", sa.Integer()), sa.Column("amount", sa.Integer()))
numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
op.execute(numbers.format(10) + "INSERT INTO owners SELECT i, 'owner ' || i FROM n")
op.execute(numbers.format(20_000) + "INSERT INTO parts SELECT i, 1 + i % 10, 0 FROM n")
"""
"""`numbers` stands before INSERT on both databases, and makes a row of each."""

COUNT_ONCE = """
op.execute("UPDATE parts SET counted = counted + 1")
op.execute("INSERT INTO entries SELECT id, counted FROM parts")
"""
"""Done twice, it would count 2 and enter every part twice."""

INDEX_OWNERS = """
with op.get_context().autocommit_block():
    op.create_index("ix_parts_owner_id", "parts", ["owner_id"], postgresql_concurrently=True)
"""

ADD_NOTE = 'op.add_column("parts", sa.Column("note", sa.Text(), nullable=True))'

ADD_AND_INDEX_CODE = """
op.add_column("parts", sa.Column("code", sa.Integer(), nullable=True))
with op.get_context().autocommit_block():
    for first in range(0, 20_000, 5_000):
        batch = f"id > {first} AND id <= {first + 5_000}"
        op.execute(f"UPDATE parts SET code = coalesce(code, 0) + id WHERE {batch}")
    op.create_index("ix_parts_code", "parts", ["code"], unique=True, postgresql_concurrently=True)
"""
"""What stands before the block is committed by it, long before the revision is, and so is each
batch: done twice, a code would be the double."""

OWNERS_MUST_EXIST = """
with op.batch_alter_table("parts") as batch:
    batch.create_foreign_key(
        "fk_parts_owner_id_owners", "owners", ["owner_id"], ["id"], postgresql_not_valid=True
    )
"""

VALIDATE = """
if op.get_context().dialect.name == "postgresql":
    op.execute("ALTER TABLE parts VALIDATE CONSTRAINT fk_parts_owner_id_owners")
op.execute("UPDATE parts SET counted = counted + 10")
"""

STEPS = (
    ("long0001", "create parts and owners with rows", PARTS_AND_OWNERS, "expand"),
    ("long0002", "count each part and enter it once", COUNT_ONCE, "expand"),
    ("long0003", "index the owners of parts concurrently", INDEX_OWNERS, "online"),
    ("long0004", "add a note to each part", ADD_NOTE, "expand"),
    ("long0005", "add a code to each part and index it", ADD_AND_INDEX_CODE, "online"),
    ("long0006", "let every part have an owner that exists", OWNERS_MUST_EXIST, "online"),
    ("long0007", "validate the owners of all parts", VALIDATE, "online"),
)

HEAD = STEPS[-1][0]

READ = (
    "SELECT id, owner_id, counted, note, code FROM parts ORDER BY id",
    "SELECT id, name FROM owners ORDER BY id",
    "SELECT part_id, amount FROM entries ORDER BY part_id, amount",
    "SELECT id, name FROM projects ORDER BY id",
    "SELECT version_num FROM alembic_version",
    "SELECT revision, direction FROM migration_history WHERE ended_ns IS NOT NULL ORDER BY id",
)
"""Every row that the history has made or found, and what the database keeps of the history."""


def lengthen(checkout: Checkout) -> None:
    """Add the history to that of a copy."""
    for revision, message, code, phase in STEPS:
        add_revision(checkout, revision, message, code, phase=phase)
    seal(checkout)


def state(url: URL) -> tuple[str, list[list[tuple]]]:
    """The whole schema as text, INVALID and NOT VALID included, and every row."""
    engine = create_engine(url)
    try:
        return schema_text(engine), _rows(engine)
    finally:
        engine.dispose()


def _rows(engine: Engine) -> list[list[tuple]]:
    with engine.connect() as connection:
        return [[tuple(row) for row in connection.execute(text(query))] for query in READ]
