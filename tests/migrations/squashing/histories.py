"""A history of six revisions that a squash has to do with, and one that stays."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.engine import URL

from agentlogger.migrate.extension import revisions_in
from agentlogger.migrate.ledger.window import Verdict
from tests.migrations.checkout import Outcome
from tests.migrations.histories import catalogue
from tests.migrations.project import Project

TEAMS = """
op.create_table(
    "teams",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("name", sa.String(length=40), nullable=False, comment="As its members call it"),
    sa.Column("size", sa.Enum("small", "large", name="team_size"), nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
    sa.UniqueConstraint("name", name="uq_teams_name"),
)
"""

MEMBERS = """
op.create_table(
    "members",
    sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column("team_id", sa.Integer(), nullable=False),
    sa.Column("nick", sa.String(), nullable=False, server_default="nobody"),
    sa.Column("age", sa.Integer(), nullable=True),
    sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()),
    sa.PrimaryKeyConstraint("id", name="pk_members"),
    sa.ForeignKeyConstraint(
        ["team_id"], ["teams.id"], name="fk_members_team_id_teams", ondelete="CASCADE"
    ),
    sa.CheckConstraint("age > 0", name="ck_members_age"),
)
op.create_index(
    "ix_members_age", "members", ["age"],
    postgresql_where=sa.text("age > 17"), sqlite_where=sa.text("age > 17"),
)
"""

RENAMED = """
with op.batch_alter_table("members") as members:
    members.alter_column("nick", new_column_name="handle")
"""

NOTES = """
op.create_table("notes", sa.Column("id", sa.Integer(), primary_key=True))
op.create_index("ix_teams_upper", "teams", [sa.text("upper(name)")])
"""

ROWS = """
op.execute("INSERT INTO teams (name, size) VALUES ('first: 50% \\\\ it''s', 'small')")
op.execute("INSERT INTO teams (name, size) VALUES ('second', 'large')")
op.execute("INSERT INTO members (id, team_id, handle, age) VALUES (7, 1, 'ann', 30)")
op.drop_table("notes")
"""

BY_SQL = """
if op.get_context().dialect.name == "postgresql":
    op.execute(
        "CREATE FUNCTION lower_handle() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN NEW.handle = lower(NEW.handle); RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER members_handle BEFORE INSERT ON members FOR EACH ROW"
        " EXECUTE FUNCTION lower_handle()"
    )
else:
    op.execute(
        "CREATE TRIGGER members_handle AFTER INSERT ON members BEGIN"
        " UPDATE members SET handle = lower(handle) WHERE id = NEW.id; END"
    )
op.execute("CREATE VIEW adults AS SELECT id, handle FROM members WHERE age > 17")
"""

WITHOUT_SQL = """
op.execute("DROP VIEW adults")
if op.get_context().dialect.name == "postgresql":
    op.execute("DROP TRIGGER members_handle ON members")
    op.execute("DROP FUNCTION lower_handle()")
else:
    op.execute("DROP TRIGGER members_handle")
"""

CITY = 'op.add_column("members", sa.Column("city", sa.String()))'

REPLACED = ("aaa111", "bbb222", "ccc333", "ddd444", "eee555", "fff666")


def write(project: Project) -> None:
    """Write the history, each release half of it, and seal it."""
    steps = (TEAMS, MEMBERS, RENAMED, NOTES, ROWS, BY_SQL)
    downs = (
        'op.drop_table("teams")\nsa.Enum(name="team_size").drop(op.get_bind(), checkfirst=True)',
        'op.drop_table("members")',
        RENAMED.replace('"nick", new_column_name="handle"', '"handle", new_column_name="nick"'),
        'op.drop_index("ix_teams_upper", "teams")\nop.drop_table("notes")',
        'op.create_table("notes", sa.Column("id", sa.Integer(), primary_key=True))',
        WITHOUT_SQL,
    )
    parent = None
    for number, (revision, up, down) in enumerate(zip(REPLACED, steps, downs, strict=True)):
        release = "1.0" if number < 3 else "1.1"
        project.add(revision, parent, up, down, release=release)
        parent = revision
    project.add("ggg777", parent, CITY, 'op.drop_column("members", "city")', release="2.0")
    sealed = project.door("flask", "seal")
    assert sealed.code == 0, sealed.err


def squash(project: Project, scratch: URL, *words: str, before: str = "ggg777") -> Outcome:
    """Squash what comes before a revision, with a PostgreSQL database to try things in."""
    named = f"scratch={scratch.render_as_string(hide_password=False)}"
    return project.door("flask", "squash", "--before", before, "-x", named, *words)


def files(project: Project) -> dict[str, str]:
    """The files of a project's history, each with its text."""
    folder = project.folder / "migrations"
    found = [
        *project.versions.glob("*.py"),
        folder / "migrations.sum",
        *folder.glob(".squash.json"),
    ]
    return {path.name: path.read_text() for path in found if path.exists()}


class Stage:
    """A database, the program that has all revisions, and the one that has them as one."""

    def __init__(self, folder: Path, url: URL, squashed: Path) -> None:
        self.old = _project(folder / "old", url, squashed.with_name("unsquashed"), "1.1")
        self.new = _project(folder / "new", url, squashed, "2.0")
        with self.new.at_work():
            declared = revisions_in(self.new.migrations.folder)
        self.base = next(one.revision for one in declared if one.replaces is not None)

    def forget_follower(self) -> None:
        """Let the older program be of the release before what follows the squash."""
        (self.old.versions / "ggg777.py").unlink()

    def verdict(self, project: Project) -> Verdict:
        """What `/readyz` would say of the database."""
        with project.at_work(), project.app.app_context(), project.engine.connect() as connection:
            return project.migrations.verdict(connection)

    def catalogue(self) -> Mapping[str, str]:
        """What is in the database."""
        return catalogue(self.new.url)


def _project(folder: Path, url: URL, history: Path, version: str) -> Project:
    made = Project(folder, url, version=version)
    shutil.copytree(history, folder / "migrations", dirs_exist_ok=True)
    return made
