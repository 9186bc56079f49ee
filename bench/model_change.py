"""One model change of the big table, as the program's own autogenerate and as stock Alembic see it.

An index, a unique constraint, a NOT NULL column whose value follows from others, a foreign key, and
a column that goes. The program that serves meanwhile knows none of it: the column has a default,
and the one that goes was left over by an older program.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.minimal_projects import ROOT

COPIED = ("agentlogger", "migrations", "wsgi.py", "setup.cfg", "pyproject.toml")

LEFT_OVER = "fade00000000"
"""The revision that has left the column behind: the newest one before the change."""
MESSAGE = "weigh log records by their tokens"
WEIGHT = "coalesce(tokens_in, 0) + coalesce(tokens_out, 0)"

BEFORE = '''\
"""keep a note that nothing reads any more

Revision ID: {revision}
Revises: {parent}
"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{parent}"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"


def upgrade():
    op.add_column("log_records", sa.Column("old_note", sa.Text(), nullable=True))


def downgrade():
    op.drop_column("log_records", "old_note")
'''

STOCK = f'''\
"""{MESSAGE}

Revision ID: fade11111111
Revises: {LEFT_OVER}
"""

import sqlalchemy as sa
from alembic import op

revision = "fade11111111"
down_revision = "{LEFT_OVER}"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "log_records", sa.Column("weight", sa.BigInteger(), server_default="0", nullable=True)
    )
    op.execute("UPDATE log_records SET weight = {WEIGHT}")
    op.alter_column("log_records", "weight", existing_type=sa.BigInteger(), nullable=False)
    op.create_index(
        "ix_log_records_project_id_model_ts_ns", "log_records", ["project_id", "model", "ts_ns"]
    )
    op.create_unique_constraint(
        "uq_log_records_id_ts_ns_stray", "log_records", ["id", "ts_ns", "stray"]
    )
    op.create_foreign_key(
        "fk_log_records_project_id_projects", "log_records", "projects", ["project_id"], ["id"]
    )
    op.drop_column("log_records", "old_note")


def downgrade():
    raise NotImplementedError
'''  # noqa: S608  (a constant)
"""As `alembic revision --autogenerate` writes it; by hand is only the UPDATE, which the column
needs, and that the column may be empty until then."""

EDITS = {
    "from sqlalchemy import BigInteger, Boolean, Index, SmallInteger, String, Text, text\n": (
        "from sqlalchemy import (\n"
        "    BigInteger, Boolean, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint,"
        " text\n)\n"
    ),
    "    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True,": (
        "    project_id: Mapped[int] = mapped_column(BigInteger, ForeignKey('projects.id'),"
        " primary_key=True,"
    ),
    '        {"postgresql_partition_by"': (
        '        Index("ix_log_records_project_id_model_ts_ns", "project_id", "model", "ts_ns"),\n'
        '        UniqueConstraint("id", "ts_ns", "stray"),\n'
        '        {"postgresql_partition_by"'
    ),
    "    attributes: Mapped[dict": (
        '    weight: Mapped[int] = mapped_column(BigInteger, server_default="0")\n'
        "    attributes: Mapped[dict"
    ),
}
"""What the change is in `agentlogger/models/logs.py`."""


def copy_with_left_over(folder: Path, head: str) -> None:
    """Copy this tree, with a revision behind its newest one."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, folder / name)
    add_left_over(folder / "migrations" / "versions", head)


def add_left_over(versions: Path, head: str) -> None:
    """Write the revision that has left a column behind."""
    (versions / f"20261123_000000_{LEFT_OVER}_keep_a_note.py").write_text(
        BEFORE.format(revision=LEFT_OVER, parent=head)
    )


def change_models(folder: Path) -> None:
    """Make the change in a copy of this tree."""
    path = folder / "agentlogger" / "models" / "logs.py"
    text = path.read_text()
    for before, after in EDITS.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    path.write_text(text)


def add_stock(versions: Path) -> None:
    """Write the change as stock Alembic does."""
    (versions / "fade11111111_weigh_log_records.py").write_text(STOCK)
