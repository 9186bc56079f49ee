"""Records are inserted column by column, whichever of them they fill."""

from __future__ import annotations

import time

from agentlogger.intake import batches, record
from agentlogger.store import appending, inserting, logs, projects
from agentlogger.store.columns import COLUMNS, TABLE
from agentlogger.store.logs import LogFilter

MANY = 100
"""More than SQLite takes by one statement."""


def of_lines(*lines: str) -> list[record.Record]:
    return batches.from_native("\n".join(lines).encode(), time.time_ns(), lines=True).records


def test_a_record_gives_its_values_in_the_order_of_the_columns():
    (one,) = of_lines('{"body": {"a": 1}, "tool": "ls", "duration_ms": 12, "session_id": "s"}')

    named = (*record.PLAIN, *record.JSON)
    assert one.values() == tuple(getattr(one, name) for name in named)
    assert sorted(COLUMNS) == sorted(TABLE.columns.keys())


def test_what_only_one_of_many_records_fills_is_stored(app):
    plain = [f'{{"id": {number}}}' for number in range(MANY - 2)]
    odd = ['{"id": "tool", "tool": "ls", "success": true}', '{"id": "user", "user_id": "u"}']
    with app.app_context():
        request = inserting.Request(projects.DEFAULT, of_lines(*plain), None, 0)
        (numbered,) = inserting.number([request], set()).values()
        assert not {"tool", "ok", "user_id"}.intersection(inserting.rows_of(numbered).columns)
        appending.append(projects.DEFAULT, of_lines(*plain[:50], *odd, *plain[50:]))
        rows = logs.page(projects.DEFAULT, LogFilter(), after=None, limit=10 * MANY)

    filled = [(row["tool"], row["ok"], row["user_id"]) for row in rows]
    assert len(filled) == MANY
    assert sorted(filter(any, filled), key=repr) == [("ls", True, None), (None, None, "u")]
