"""Records are inserted column by column, whichever of them they fill."""

from __future__ import annotations

import time

from agentlogger.intake import batches
from agentlogger.intake.record import Record
from agentlogger.store import appending, logs, projects
from agentlogger.store.logs import LogFilter

MANY = 100
"""More than SQLite takes by one statement."""


def of_lines(*lines: str) -> list[Record]:
    return batches.from_native("\n".join(lines).encode(), time.time_ns(), lines=True).records


def test_what_only_one_of_many_records_fills_is_stored(app):
    plain = [f'{{"id": {number}}}' for number in range(MANY - 2)]
    odd = ['{"id": "tool", "tool": "ls", "success": true}', '{"id": "user", "user_id": "u"}']
    with app.app_context():
        appending.append(projects.DEFAULT, of_lines(*plain[:50], *odd, *plain[50:]))
        rows = logs.page(projects.DEFAULT, LogFilter(), after=None, limit=10 * MANY)

    filled = [(row["tool"], row["ok"], row["user_id"]) for row in rows]
    assert len(filled) == MANY
    assert sorted(filter(any, filled), key=repr) == [("ls", True, None), (None, None, "u")]
