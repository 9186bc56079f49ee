"""The verbs of online migrations: `op.create_index_online` and its like, for any revision.

Importing this package makes them known to `op`, to `--sql` and to autogenerate; a revision imports
nothing. Each is one operation that may be run again: it looks at what is there and does the rest,
so whatever kills or delays it, the next run finishes it. What a verb does to a database is frozen
once it is released, since revisions that were applied must mean the same for ever:
tests/migrations/verbs holds its SQL.

    op.create_index_online("ix_people_name", "people", ["name"])
    op.drop_index_online("ix_people_name", "people")
    op.create_unique_online("uq_people_name", "people", ["name"])
    op.create_foreign_key_online("fk_people_team_id_teams", "people", "teams", ["team_id"], ["id"])
    op.create_check_online(op.f("ck_people_age"), "people", "age >= 0")
    op.drop_constraint_online("uq_people_name", "people", "unique")
    op.set_not_null_online("people", "name")
    op.drop_not_null_online("people", "name")
    op.create_enum("mood", ["calm", "wild"])
    op.drop_enum("mood", ["calm", "wild"])
    op.add_enum_value("mood", "calm", after="wild", columns=["people.mood"])
    op.retire_enum_value("mood", "calm", columns=["people.mood"])
    op.backfill("people", set={"name": "first || ' ' || last"}, where="name IS NULL")
"""

from __future__ import annotations

from alembic.operations import MigrateOperation, ops

from agentlogger.migrate.verbs.backfills import BackfillOp, ForgetBackfillOp
from agentlogger.migrate.verbs.carrying_out import Carrier
from agentlogger.migrate.verbs.columns import (
    DropNotNullOnlineOp,
    SetNotNullOnlineOp,
    not_null_online,
)
from agentlogger.migrate.verbs.constraints import (
    ONLINE,
    CreateCheckOnlineOp,
    CreateForeignKeyOnlineOp,
    CreateUniqueOnlineOp,
    DropConstraintOnlineOp,
    dropping,
)
from agentlogger.migrate.verbs.enums import (
    AddEnumValueOp,
    CreateEnumOp,
    DropEnumOp,
    RetireEnumValueOp,
)
from agentlogger.migrate.verbs.indexes import CreateIndexOnlineOp, DropIndexOnlineOp
from agentlogger.migrate.verbs.verb import Verb

__all__ = [
    "AddEnumValueOp",
    "BackfillOp",
    "Carrier",
    "CreateCheckOnlineOp",
    "CreateEnumOp",
    "CreateForeignKeyOnlineOp",
    "CreateIndexOnlineOp",
    "CreateUniqueOnlineOp",
    "DropConstraintOnlineOp",
    "DropEnumOp",
    "DropIndexOnlineOp",
    "DropNotNullOnlineOp",
    "ForgetBackfillOp",
    "RetireEnumValueOp",
    "SetNotNullOnlineOp",
    "Verb",
    "online",
]


def online(operation: MigrateOperation) -> MigrateOperation | None:
    """The verb that does what an operation of Alembic's does, or None where there is none.

    An `alter_column` has one where it changes nothing but NOT NULL.
    """
    match operation:
        case Verb():
            return operation
        case ops.CreateIndexOp():
            return CreateIndexOnlineOp.from_index(operation.to_index())
        case ops.DropIndexOp():
            return DropIndexOnlineOp.from_index(operation.to_index())
        case ops.DropConstraintOp():
            return dropping(operation)
        case ops.AddConstraintOp() if type(operation) in ONLINE:
            return ONLINE[type(operation)](operation)
        case ops.AlterColumnOp():
            return not_null_online(operation)
    return None
