"""The phase of each operation, and where in the chain it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from alembic.operations import ops

from agentlogger.migrate.revisions.declared import LOSES_DATA, YES
from agentlogger.migrate.verbs import AddEnumValueOp, Verb
from agentlogger.migrate.writing.operations import item_of


class Place(IntEnum):
    """Where a step stands in the chain: nothing needs what comes after it."""

    RENAME = 0
    VALUE = 1
    MAKE = 2
    LOOSEN = 3
    BUILD = 4
    FILL = 5
    REQUIRE = 6
    INSIST = 7
    TAKE = 8
    REBUILD = 9


PHASES = {
    Place.RENAME: "contract",
    Place.VALUE: "expand",
    Place.MAKE: "expand",
    Place.LOOSEN: "expand",
    Place.BUILD: "online",
    Place.FILL: "backfill",
    Place.REQUIRE: "online",
    Place.INSIST: "contract",
    Place.TAKE: "contract",
    Place.REBUILD: "online",
}
"""The phase of what stands there, unless a step says another.

A rename breaks an older program, and comes first all the same: all that follows uses the new name.
NOT NULL is required where the database itself gives a value, and insisted on where an older program
would have to. A value of an enum, and what a constraint no longer forbids, is what a newer program
is about to write, so it is as needed as a column. What is on a column that is dropped to be
computed in another way is built anew when that is there.
"""


@dataclass
class Step:
    """What cannot be parted: operations that make one change, and those that take it back."""

    up: list[Any]
    down: list[Any]
    place: Place
    is_alone: bool
    """Whether a file may have nothing else."""
    says: str
    """What it does, in the words of a message."""
    phase: str = ""
    needs: tuple[str, ...] = ()
    """The backfills that must be finished before."""

    def __post_init__(self) -> None:
        self.phase = self.phase or PHASES[self.place]


@dataclass
class Part:
    """What becomes one file."""

    steps: list[Step] = field(default_factory=list)

    @property
    def phase(self) -> str:
        """The phase that all its steps have."""
        return self.steps[0].phase

    @property
    def needs(self) -> tuple[str, ...]:
        """The backfills that must be finished before."""
        return tuple(dict.fromkeys(name for step in self.steps for name in step.needs))

    @property
    def up(self) -> list[Any]:
        """What the upgrade does, in order."""
        return [one for step in self.steps for one in step.up]

    @property
    def down(self) -> list[Any]:
        """What the downgrade does, in order."""
        return [one for step in reversed(self.steps) for one in step.down]

    @property
    def reversible(self) -> str:
        """Whether the downgrade gives back what was there."""
        gone = (ops.DropTableOp, ops.DropColumnOp)
        return LOSES_DATA if any(isinstance(one, gone) for one in [*self.up, *self.down]) else YES


def place_of(operation: Any) -> Place:
    """Where an operation on a table that was there before stands."""
    match operation:
        case AddEnumValueOp():
            return Place.VALUE
        case ops.RenameTableOp():
            return Place.RENAME
        case ops.AlterColumnOp():
            return _place_of_altered(operation)
        case ops.DropConstraintOp():
            return Place.LOOSEN
        case ops.DropIndexOp() if getattr(item_of(operation), "unique", False):
            return Place.LOOSEN
        case ops.CreateIndexOp() | ops.DropIndexOp() | ops.AddConstraintOp():
            return Place.BUILD
        case Verb() if operation.phase in {"online", "backfill"}:
            return Place.BUILD if operation.phase == "online" else Place.FILL
    return Place.MAKE


def _place_of_altered(operation: ops.AlterColumnOp) -> Place:
    if operation.modify_name:
        return Place.RENAME
    if operation.modify_type is not None:
        return Place.TAKE
    if operation.modify_nullable is None:
        return Place.MAKE
    return Place.LOOSEN if operation.modify_nullable else Place.INSIST
