"""The SQL of each verb and of what takes it back, as text.

A revision that was applied must mean the same for ever, so that once a verb is released a change
of its file here is a mistake.

`python -m tests.migrations.verbs.frozen` writes the files beside this one anew.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.engine import make_url

from agentlogger.migrate.causes import Refused
from agentlogger.migrate.revisions.recording import dialect_of
from tests.conftest import Databases, PostgreSQLDatabases, SQLiteDatabases
from tests.migrations.project import emptied
from tests.migrations.verbs.stage import ENUMS, Doing, Stage
from tests.postgresql.server import start_server

FOLDER = Path(__file__).parent

CASES: Mapping[str, tuple[Doing, Doing]] = {
    "create_index_online": (
        lambda op: op.create_index_online(
            "ix_people_name",
            "people",
            ["name"],
            postgresql_where=sa.text("age > 1"),
            sqlite_where=sa.text("age > 1"),
        ),
        lambda op: op.drop_index_online("ix_people_name", "people"),
    ),
    "create_unique_online": (
        lambda op: op.create_unique_online("uq_people_day_name", "people", ["day", "name"]),
        lambda op: op.drop_constraint_online("uq_people_day_name", "people", "unique"),
    ),
    "create_foreign_key_online": (
        lambda op: op.create_foreign_key_online(
            "fk_people_team_id_teams", "people", "teams", ["team_id"], ["id"], ondelete="CASCADE"
        ),
        lambda op: op.drop_constraint_online("fk_people_team_id_teams", "people", "foreignkey"),
    ),
    "create_check_online": (
        lambda op: op.create_check_online(op.f("ck_people_age"), "people", "age >= 0"),
        lambda op: op.drop_constraint_online(op.f("ck_people_age"), "people", "check"),
    ),
    "set_not_null_online": (
        lambda op: op.set_not_null_online("people", "name"),
        lambda op: op.drop_not_null_online("people", "name"),
    ),
    "backfill": (
        lambda op: op.backfill("people", set={"name": "'p' || id", "age": "1"}, where="age > 1"),
        lambda _op: None,
    ),
    "create_enum": (
        lambda op: op.create_enum("temper", ["calm", "it's"]),
        lambda op: op.drop_enum("temper", ["calm", "it's"]),
    ),
    "add_enum_value": (
        lambda op: op.add_enum_value("mood", "keen", after="calm", columns=["teams.feeling"]),
        lambda op: op.retire_enum_value("mood", "keen", columns=["teams.feeling"]),
    ),
}
"""A call of each verb, and the one that takes it back."""

PARTITIONED = sa.MetaData()
sa.Table("people", PARTITIONED, sa.Column("day", sa.Integer), postgresql_partition_by="RANGE (day)")


def text_of(verb: str, kind: str, stages: Mapping[str, Stage]) -> str:
    """The SQL of a verb on one kind of database; `stages` are such databases, by their shape."""
    up, down = CASES[verb]
    parts = []
    for shape, stage in stages.items():
        if verb == "add_enum_value":
            stage.run(*ENUMS[kind])
        for direction, doing in (("upgrade", up), ("downgrade", down)):
            stage.statements.clear()
            stage.do(doing)
            parts.append((f"{direction}, {shape}", list(stage.statements)))
    for title, metadata in (("a table", None), ("a partitioned table", PARTITIONED)):
        if metadata is None or kind == "postgresql":
            for direction, doing in (("upgrade", up), ("downgrade", down)):
                parts.append((f"{direction} --sql, {title}", script(doing, kind, metadata)))
    return "\n".join(_part(title, lines) for title, lines in parts)


def script(doing: Doing, kind: str, metadata: sa.MetaData | None = None) -> list[str]:
    """What `--sql` writes, or the sentence that says why it does not."""
    buffer = io.StringIO()
    context = MigrationContext.configure(
        dialect=dialect_of(make_url(f"{kind}://")),
        opts={
            "as_sql": True,
            "output_buffer": buffer,
            "target_metadata": metadata,
            "literal_binds": True,
            "transactional_ddl": True,
        },
    )
    try:
        with context.begin_transaction(), Operations.context(context) as op:
            doing(op)
    except Refused as refused:
        return [f"-- {refused}"]
    return [line.removesuffix(";") for line in buffer.getvalue().splitlines() if line.strip()]


def _part(title: str, lines: list[str]) -> str:
    written = [one if one.startswith("--") else f"{re.sub(' +', ' ', one)};" for one in lines]
    return "\n".join([f"-- {title}", *(written or ["-- (nothing)"]), ""])


def path_of(verb: str, kind: str) -> Path:
    """Where the SQL of a verb is kept."""
    return FOLDER / f"{verb}.{kind}.sql"


@contextmanager
def stages(databases: Databases) -> Iterator[dict[str, Stage]]:
    """Databases of a kind, with tables of every shape."""
    with emptied(databases) as url:
        whole = Stage(url, partitioned=False)
        if isinstance(databases, SQLiteDatabases):
            yield {"a table": whole}
            return
        with emptied(databases) as other:
            yield {"a table": whole, "a partitioned table": Stage(other, partitioned=True)}


def main() -> None:
    """Write all files anew."""
    server = start_server()
    folder = FOLDER / "scratch"
    folder.mkdir()
    try:
        made = {
            "postgresql": PostgreSQLDatabases(make_url(server.url())),
            "sqlite": SQLiteDatabases(folder),
        }
        for kind, databases in made.items():
            for verb in CASES:
                with stages(databases) as several:
                    path_of(verb, kind).write_text(text_of(verb, kind, several))
    finally:
        server.stop()
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


if __name__ == "__main__":
    main()
