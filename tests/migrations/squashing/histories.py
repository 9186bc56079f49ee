"""A history of six revisions that a squash has to do with, and one that stays."""

from __future__ import annotations

import sqlalchemy as sa

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
op.execute("INSERT INTO teams (id, name, size) VALUES (1, 'first: 50% \\\\ it''s', 'small')")
op.execute("INSERT INTO teams (id, name, size) VALUES (2, 'second', 'large')")
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
        'op.execute("DROP VIEW adults")',
    )
    parent = None
    for number, (revision, up, down) in enumerate(zip(REPLACED, steps, downs, strict=True)):
        release = "1.0" if number < 3 else "1.1"
        project.add(revision, parent, up, down, release=release)
        parent = revision
    project.add("ggg777", parent, CITY, 'op.drop_column("members", "city")', release="2.0")
    sealed = project.door("flask", "seal")
    assert sealed.code == 0, sealed.err


def models(project: Project) -> None:
    """The models that go with the history; nothing of it is needed to squash."""
    sa.Table("teams", project.metadata, sa.Column("id", sa.Integer, primary_key=True))
