"""Verbs can be written by autogenerate, and afterwards it finds nothing more to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import ops

from agentlogger.migrate import verbs
from agentlogger.migrate.revisions.owned import Owned
from agentlogger.migrate.revisions.recording import dialect_of, record, render
from agentlogger.models.database import NAMES
from tests.migrations.histories import catalogue
from tests.migrations.project import emptied
from tests.migrations.verbs.frozen import CASES, script
from tests.migrations.verbs.stage import PARTITIONS, Stage

pytestmark = pytest.mark.promise


def models(*, partitioned: bool) -> sa.MetaData:
    """The tables of the stage as they are when all verbs have done their work."""
    metadata = sa.MetaData(naming_convention=NAMES)
    sa.Table("teams", metadata, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False))
    sa.Table(
        "people",
        metadata,
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("age", sa.Integer),
        sa.Column("team_id", sa.Integer, sa.ForeignKey("teams.id", ondelete="CASCADE")),
        sa.CheckConstraint("age >= 0", name="age"),
        sa.UniqueConstraint("day", "name"),
        sa.Index(
            "ix_people_name",
            "name",
            postgresql_where=sa.text("age > 1"),
            sqlite_where=sa.text("age > 1"),
        ),
        **({"postgresql_partition_by": "RANGE (day)"} if partitioned else {}),
    )
    return metadata


def indexed() -> sa.Index:
    table = sa.Table("people", sa.MetaData(), sa.Column("name"), sa.Column("age"), schema="odd")
    return sa.Index(
        "ix_people_name",
        sa.text("lower(name)"),
        table.c.age,
        unique=True,
        postgresql_where=sa.text("age > 1"),
        postgresql_using="btree",
        postgresql_include=["day"],
    )


WRITTEN: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: ops.CreateIndexOp.from_index(indexed()),
        (
            "op.create_index_online('ix_people_name', 'people', [sa.literal_column('lower(name)'),"
            " 'age'], unique=True, schema='odd', postgresql_where=sa.text('age > 1'),"
            " postgresql_using='btree', postgresql_include=['day'])"
        ),
    ),
    (
        lambda: ops.DropIndexOp.from_index(indexed()),
        "op.drop_index_online('ix_people_name', table_name='people', schema='odd')",
    ),
    (
        lambda: ops.CreateUniqueConstraintOp("uq_people_day_name", "people", ["day", "name"]),
        "op.create_unique_online('uq_people_day_name', 'people', ['day', 'name'])",
    ),
    (
        lambda: ops.CreateForeignKeyOp(
            "fk", "people", "teams", ["team_id"], ["id"], ondelete="CASCADE"
        ),
        (
            "op.create_foreign_key_online('fk', 'people', 'teams', ['team_id'], ['id'],"
            " ondelete='CASCADE')"
        ),
    ),
    (
        lambda: ops.CreateCheckConstraintOp("age", "people", sa.text("age >= 0"), schema="odd"),
        "op.create_check_online('age', 'people', 'age >= 0', schema='odd')",
    ),
    (
        lambda: ops.DropConstraintOp("uq_people_day_name", "people", type_="unique"),
        "op.drop_constraint_online('uq_people_day_name', 'people', type_='unique')",
    ),
    (
        lambda: ops.AlterColumnOp("people", "name", modify_nullable=False),
        "op.set_not_null_online('people', 'name')",
    ),
    (
        lambda: ops.AlterColumnOp("people", "name", modify_nullable=True, schema="odd"),
        "op.drop_not_null_online('people', 'name', schema='odd')",
    ),
    (
        lambda: verbs.CreateEnumOp("mood", ["calm", "it's"], schema="odd"),
        """op.create_enum('mood', ['calm', "it's"], schema='odd')""",
    ),
    (
        lambda: verbs.DropEnumOp("mood", ["calm", "wild"]),
        "op.drop_enum('mood', ['calm', 'wild'])",
    ),
    (
        lambda: verbs.AddEnumValueOp("mood", "keen", after="calm", columns=["teams.feeling"]),
        "op.add_enum_value('mood', 'keen', after='calm', columns=['teams.feeling'])",
    ),
    (
        lambda: verbs.RetireEnumValueOp("mood", "keen", columns=["teams.feeling"]),
        "op.retire_enum_value('mood', 'keen', columns=['teams.feeling'])",
    ),
]
"""An operation of Alembic's, and the call that its verb is written as."""


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(("plain", "call"), WRITTEN, ids=[call[3:15] for _, call in WRITTEN])
def test_a_verb_is_written_as_it_is_called(plain, call, batch):
    verb = verbs.online(plain())
    assert verb is not None
    made = ops.ModifyTableOps("people", [verb]) if batch else verb

    code = render_python_code(ops.UpgradeOps([made]), render_as_batch=batch)

    assert call in code


@pytest.mark.parametrize(("plain", "call"), WRITTEN, ids=[call[3:15] for _, call in WRITTEN])
def test_what_is_written_is_the_same_verb_when_it_is_run(plain, call):
    verb = verbs.online(plain())

    recorded = record(lambda: exec_with_op(call), dialect_of(sa.make_url("postgresql://")))

    assert recorded.is_complete
    (operation,) = recorded.operations
    assert type(operation) is type(verb)
    assert render_python_code(ops.UpgradeOps([operation])) == render_python_code(
        ops.UpgradeOps([verb])
    )


def exec_with_op(call: str) -> None:
    exec(call, {"op": op, "sa": sa})  # noqa: S102  (written above)


def test_what_has_no_verb_is_left_alone():
    changed = ops.AlterColumnOp("people", "name", modify_nullable=False, modify_type=sa.Text())

    assert verbs.online(changed) is None
    assert verbs.online(ops.DropColumnOp("people", "name")) is None
    verb = verbs.SetNotNullOnlineOp("people", "name")
    assert verbs.online(verb) is verb


def test_after_all_verbs_the_models_are_what_the_database_has(stage: Stage, request):
    metadata = models(partitioned=stage.is_partitioned)
    for up, _ in list(CASES.values())[:5]:
        stage.do(up, metadata=metadata)

    kind = "postgresql" if stage.is_postgresql else "sqlite"
    with emptied(request.getfixturevalue(f"{kind}_databases")) as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        metadata.create_all(engine)
        if stage.is_partitioned:
            with engine.begin() as connection:
                for statement in PARTITIONS:
                    connection.execute(sa.text(statement))
        assert dict(catalogue(stage.url)) == dict(catalogue(url))
    with stage.session() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _: kind != "table" or "_" not in name,
            },
        )
        assert compare_metadata(context, metadata) == []


def test_what_autogenerate_finds_is_done_by_verbs_and_taken_back_by_their_reverses(stage: Stage):
    """What makes the models of the database, and what makes it again what it was."""
    before = stage.schema()
    metadata = models(partitioned=stage.is_partitioned)
    metadata.tables["people"].constraints -= {
        one for one in metadata.tables["people"].constraints if isinstance(one, sa.CheckConstraint)
    }
    with stage.session() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or "_" not in name},
        )
        found = list(compared(context, metadata))
    made = [verb for one in found if (verb := verbs.online(one)) is not None]
    assert len(made) == len(found) == 4

    stage.do(*[lambda op, one=one: op.invoke(one) for one in made], metadata=metadata)
    after = stage.schema()
    reverses = [one.reverse() for one in reversed(made)]
    stage.do(*[lambda op, one=one: op.invoke(one) for one in reverses], metadata=metadata)
    assert stage.schema() == before
    again = [one.reverse() for one in reversed(reverses)]
    stage.do(*[lambda op, one=one: op.invoke(one) for one in again], metadata=metadata)

    assert all(isinstance(one, verbs.Verb) for one in [*made, *reverses, *again])
    assert stage.schema() == after


def compared(context: MigrationContext, metadata: sa.MetaData):
    """The operations that autogenerate finds, without what they are in."""
    for container in produce_migrations(context, metadata).upgrade_ops.ops:
        yield from container.ops


def test_what_a_verb_has_made_is_known_as_ours():
    dialect = dialect_of(sa.make_url("postgresql://"))
    owned = Owned()

    for up, _ in list(CASES.values())[:4]:
        owned.take(record(called(up), dialect))

    assert owned.others == {
        "ix_people_name",
        "uq_people_day_name",
        "fk_people_team_id_teams",
        "ck_people_age",
    }


def called(doing) -> Callable[[], None]:
    def function() -> None:
        doing(op)

    return function


@pytest.mark.parametrize(
    "verb", [name for name in CASES if name not in {"create_enum", "backfill"}]
)
def test_a_way_back_in_parts_says_where_its_transaction_ends(verb):
    """So that a program which has only the database takes the source, and not these statements."""
    _, down = CASES[verb]

    statements = render(called(down), dialect_of(sa.make_url("postgresql://")))

    assert statements == [] if verb == "add_enum_value" else {"COMMIT", "BEGIN"} <= set(statements)


def test_a_percent_sign_in_a_script_is_one():
    lines = script(lambda op: op.create_check_online("ck", "people", "name <> '5%'"), "postgresql")

    assert "ALTER TABLE people ADD CONSTRAINT ck CHECK (name <> '5%') NOT VALID" in lines
