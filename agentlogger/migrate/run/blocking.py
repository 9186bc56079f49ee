"""Refuses what would keep a running server from writing for longer than its clients wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from agentlogger.migrate.causes import WouldBlock
from agentlogger.migrate.ledger import instances
from agentlogger.migrate.options import BLOCK_MAX
from agentlogger.migrate.revisions.recording import record
from agentlogger.migrate.task import Task


def refuse_long_blocks(task: Task, connection: Connection, steps: Sequence[Any]) -> None:
    """Raise WouldBlock where a step would stop every writer for long while a server is alive."""
    if task.options.allows("allow-block") or not steps:
        return
    alive = instances.alive(connection)
    if not alive:
        return
    for step in steps:
        module = step.revision.module
        function = module.downgrade if step.is_downgrade else module.upgrade
        found = task.dialect.long_blocks(connection, record(function, connection.dialect))
        seconds = sum(one for _, one in found)
        if seconds > task.options.number(BLOCK_MAX, module):
            what = " and ".join(name for name, _ in found)
            raise WouldBlock(
                f"Revision {step.revision.revision} needs {what}, about {seconds:.0f} s in which "
                f"nobody can write, and a server is alive: {'; '.join(map(str, alive))}. Stop it, "
                "run the command again and start it anew, or let its clients wait with "
                "-x allow-block=yes."
            )
