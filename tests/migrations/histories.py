"""Small histories with their models, statements run by hand, and a look at what came of them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from agentlogger.migrate.options import Options
from agentlogger.migrate.task import DIALECTS
from agentlogger.migrate.trial.drift import Report, drift
from agentlogger.migrate.trial.replay import replay
from agentlogger.models.database import NAMES, Base
from tests.migrations.checkout import ROOT

HISTORY = ROOT / "migrations"
REVISION = """
import sqlalchemy as sa
from alembic import op
revision = {revision!r}
down_revision = {parent!r}
branch_labels = None
depends_on = None
def upgrade():
{upgrade}
def downgrade():
    pass
"""

PEOPLE = (
    "    op.create_table('people', sa.Column('id', sa.BigInteger(), nullable=False,"
    " autoincrement=False),"
    " sa.Column('age', sa.Integer(), server_default='0', nullable=True),"
    " sa.PrimaryKeyConstraint('id', name='pk_people'),"
    " sa.CheckConstraint('age >= 0', name=op.f('ck_people_age')))\n"
    "    op.create_index('ix_people_age', 'people', ['age'],"
    " postgresql_where=sa.text('age > 1'), sqlite_where=sa.text('age > 1'))\n"
)
"""A table as a revision makes it; `people` makes the model of it."""


def people(*columns: sa.Column, check: str = "age >= 0", where: str = "age > 1") -> sa.MetaData:
    metadata = sa.MetaData(naming_convention=NAMES)
    sa.Table(
        "people",
        metadata,
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("age", sa.Integer, server_default="0"),
        *columns,
        sa.CheckConstraint(check, name="age"),
        sa.Index(
            "ix_people_age", "age", postgresql_where=sa.text(where), sqlite_where=sa.text(where)
        ),
    )
    return metadata


def folder(parent: Path, **revisions: tuple[str | None, str]) -> Path:
    """A folder of revisions: for each its parent and the lines of its upgrade."""
    made = parent / "history"
    (made / "versions").mkdir(parents=True, exist_ok=True)
    for revision, (before, upgrade) in revisions.items():
        text = REVISION.format(revision=revision, parent=before, upgrade=upgrade)
        (made / "versions" / f"{revision}.py").write_text(text)
    return made


def look(
    url: URL, *words: str, history: Path = HISTORY, metadata: sa.MetaData = Base.metadata
) -> Report:
    return drift(url, history, metadata, Options(words, {}), DIALECTS[url.get_backend_name()])


def bring(url: URL, history: Path, target: str = "heads", metadata: sa.MetaData | None = None):
    """Bring an empty database to a revision of a history."""
    replay(history, url, target, DIALECTS[url.get_backend_name()], metadata=metadata)


def run(url: URL, statements: Sequence[str]) -> None:
    """Run statements one by one, each by itself; a remark is none."""
    real = [one for one in statements if not one.startswith("--")]
    if url.get_backend_name() == "sqlite":
        with contextlib.closing(sqlite3.connect(str(url.database), isolation_level=None)) as raw:
            for statement in real:
                raw.execute(statement)
        return
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        # The driver itself: it leaves percent signs alone.
        with driver.cursor() as cursor:
            for statement in real:
                cursor.execute(statement)


def catalogue(url: URL) -> Mapping[str, str]:
    dialect = DIALECTS[url.get_backend_name()]
    engine = dialect.make_reader(url)
    with engine.connect() as connection:
        found = dialect.catalogue(connection)
    engine.dispose()
    return found
