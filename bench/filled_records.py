"""Log records by the million, made by the database itself, in partitions of days."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import psycopg2

DAYS = 5
"""The last of them is today, so that what clients send meets what is there."""

IS_OURS = "length(user_id) = 32"
"""Of a record that was made here: those of clients have 64 characters there."""

FILL = """
INSERT INTO {partition} (
    project_id, ts_ns, id, stray, received_ns, ts_source, severity_number, severity_text,
    severity_source, event, event_name, kind, body, trace_id, span_id, session_id, prompt_id, model,
    tool, user_id, duration_ns, tokens_in, tokens_out, cost_micro_usd, attributes, resource
)
SELECT
    %(project)s, %(start)s + n * %(step)s, (n * 2654435761) %% 4611686018427387903, 0,
    %(start)s + n * %(step)s + 1000000, 'emitted', 9, 'INFO', 'emitted', 'api_request',
    'api_request', 'llm', '"claude_code.api_request"', md5((n / 20)::text), left(md5(n::text), 16),
    md5((n / 500)::text), md5((n / 40)::text), 'model-' || n %% 3, NULL, md5((n %% 97)::text),
    n %% 40000 * 1000000, n %% 3000, n %% 1700, n %% 90000,
    jsonb_build_object(
        'event.sequence', n, 'duration_ms', n %% 40000, 'query_source', repeat(md5(n::text), 6),
        'request_id', 'req_' || n, 'terminal.type', 'vscode'
    ),
    '{{"service.name": "claude-code", "os.type": "linux", "host.arch": "amd64"}}'
FROM generate_series(1, %(rows)s::bigint) AS n
"""


def fill(address: str, records: int) -> int:
    """Store so many records, an equal part in each day; return their size with indexes, in bytes.

    The tables must be there, and a project. A partition is filled before it is attached, which then
    builds its indexes in one go.
    """
    with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SET maintenance_work_mem = '256MB'")
        cursor.execute("SELECT min(id) FROM projects")
        (project,) = cursor.fetchone() or (None,)
        assert project is not None
        today = datetime.now(UTC).date()
        rows = records // DAYS
        for day in (today - timedelta(days=ago) for ago in reversed(range(DAYS))):
            start, end = _nanoseconds(day), _nanoseconds(day + timedelta(days=1))
            partition = f"log_records_{day:%Y%m%d}"
            cursor.execute(f"DROP TABLE IF EXISTS {partition}")
            cursor.execute(
                f"CREATE TABLE {partition} (LIKE log_records INCLUDING ALL EXCLUDING INDEXES)"
            )
            # Today's are of its first hours, so that those of the clients come behind them.
            step = (end - start) // (rows * 24)
            told = {"project": project, "start": start, "step": step, "rows": rows}
            cursor.execute(FILL.format(partition=partition), told)
            cursor.execute(
                f"ALTER TABLE log_records ATTACH PARTITION {partition}"
                f" FOR VALUES FROM (0, {start}) TO (0, {end})"
            )
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
        cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone() or (0,)
        return int(size)


def _nanoseconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 10**9
