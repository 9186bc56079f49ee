"""How PostgreSQL walks a table in batches, and what tells that it should go slower.

Rows are found by an index in the order of the key, whatever the planner believes of a table that it
has no statistics of: a sort of the whole table for each batch would cost more than the batch.
Values of a key travel as text, and everything is written without parameters, since a revision's own
SQL may hold percent signs and colons.
"""

from __future__ import annotations

from sqlalchemy import Connection, make_url, text

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.backfills.throttle import Load
from agentlogger.migrate.backfills.walking import Filled, Key
from agentlogger.migrate.causes import Refused
from agentlogger.migrate.postgresql.tables import EXACT_UP_TO
from agentlogger.migrate.revisions.recording import dialect_of

QUOTE = dialect_of(make_url("postgresql+psycopg2://")).identifier_preparer.quote

SETTINGS = (
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;"
    " SET LOCAL enable_sort = off;"
    # The costs above would have each batch compiled; text must read the same in each session.
    " SET LOCAL jit = off; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres';"
    # A batch and its cursor are lost together, and done again. Whoever else commits has to wait
    # for less of the log to be written at once.
    " SET LOCAL synchronous_commit = off"
)

PRIMARY_KEY = text(
    "SELECT a.attname::text FROM pg_catalog.pg_index i"
    " CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number"
    " WHERE i.indrelid = to_regclass(:table) AND i.indisprimary AND k.place <= i.indnkeyatts"
    " ORDER BY k.place"
)

COLUMNS = text(
    "SELECT attname::text AS name, pg_catalog.format_type(atttypid, atttypmod) AS type, attnotnull"
    " FROM pg_catalog.pg_attribute"
    " WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped"
)

INDEXED = text(
    "SELECT ARRAY(SELECT a.attname::text"
    "  FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)"
    "  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number"
    "  WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS columns"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_catalog.pg_am m ON m.oid = c.relam"
    " WHERE i.indrelid = to_regclass(:table) AND i.indisvalid AND i.indpred IS NULL"
    " AND m.amname = 'btree' AND NOT EXISTS (SELECT FROM unnest(i.indoption::int2[]) AS o (bits)"
    "  WHERE o.bits <> 0)"
)

LOAD = text(
    "SELECT (SELECT max(extract(epoch FROM replay_lag))::float FROM pg_catalog.pg_stat_replication)"
    " AS lag, t.seconds, t.who FROM (SELECT 1) AS one LEFT JOIN ("
    " SELECT extract(epoch FROM clock_timestamp() - xact_start)::float AS seconds,"
    "  format('process %s (%s)', pid, coalesce(nullif(application_name, ''), 'no name')) AS who"
    "  FROM pg_catalog.pg_stat_activity WHERE datname = current_database()"
    "  AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    # One that only holds the migrator's lock, or has ended its statement without having written,
    # keeps no dead row.
    "  AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)"
    "  ORDER BY xact_start LIMIT 1) AS t ON true"
)


def load(connection: Connection) -> Load:
    """What replicas and transactions say, as far as this role may see."""
    row = connection.execute(LOAD).one()
    return Load(
        lag_seconds=row.lag, transaction_seconds=row.seconds, transaction=row.who or "nobody"
    )


def count(connection: Connection, table: str, most: int) -> int:
    """How many rows a table has, by its name in SQL, up to so many."""
    some = f"SELECT count(*) FROM (SELECT FROM {table} LIMIT {most}) AS counted"  # noqa: S608  (quoted)
    # The class's own function: what counts the statements of a revision must not count this one.
    return int(type(connection).execute(connection, text(some)).scalar_one())


def estimate(connection: Connection, table: str) -> int:
    """About how many rows a table has: a small one is counted."""
    counted = count(connection, table, EXACT_UP_TO)
    if counted < EXACT_UP_TO:
        return counted
    # The planner goes by the size of the file, where the catalogue may never have counted.
    asked = text(f"EXPLAIN (FORMAT JSON) SELECT FROM {table}")
    (planned,) = type(connection).execute(connection, asked).scalar_one()
    return max(counted, int(planned["Plan"]["Plan Rows"]))


class KeyWalk:
    """A backfill's table, walked by its key: what `walking.Walk` asks for."""

    def __init__(self, connection: Connection, definition: Definition) -> None:
        """Raises Refused where the table cannot be walked by the key."""
        self._definition = definition
        self._table = definition.table_sql(QUOTE)
        # The class's own function: what counts the statements of a revision must not count these.
        execute = type(connection).execute
        named = {"table": self._table}
        found = execute(connection, COLUMNS, named).all()
        self._types = {row.name: row.type for row in found}
        primary = tuple(execute(connection, PRIMARY_KEY, named).scalars())
        self._key = definition.key or primary
        indexes = [tuple(row.columns) for row in execute(connection, INDEXED, named)]
        required = {row.name for row in found if row.attnotnull}
        self._refuse_unwalkable(indexes, required)

    def _refuse_unwalkable(self, indexes: list[tuple[str, ...]], required: set[str]) -> None:
        name, count = self._definition.name, len(self._key)
        again = "then run the same command again"
        if not self._types:
            raise Refused(
                f"There is no table {self._table} for the backfill {name}: take its revision back "
                "with `flask db downgrade`."
            )
        if not self._key:
            raise Refused(
                f"Table {self._table} has no primary key to walk it by in batches: name the "
                f"columns of another index in op.backfill(..., key=[...]), {again}."
            )
        if not required >= set(self._key):
            empty = ", ".join(sorted(set(self._key) - required))
            raise Refused(
                f"Table {self._table} cannot be walked by {', '.join(self._key)}, since {empty} "
                f"may be empty: name other columns in op.backfill(..., key=[...]), {again}."
            )
        if not any(index[:count] == self._key for index in indexes):
            raise Refused(
                f"No index of table {self._table} begins with {', '.join(self._key)}, so each "
                "batch would read all of it: name the columns of one in op.backfill(..., "
                f"key=[...]), {again}."
            )

    def end(self, connection: Connection) -> Key | None:
        """The last row that there is now; None for an empty table."""
        down = ", ".join(f"{QUOTE(column)} DESC" for column in self._key)
        found = self._ask(
            connection,
            f"SELECT {self._texts()} FROM {self._table} ORDER BY {down} LIMIT 1",  # noqa: S608  (quoted)
        )
        return tuple(found[0]) if found else None

    def fill(
        self, connection: Connection, after: Key | None, end: Key, rows: int, *, again: bool
    ) -> Filled:
        """Look at the next rows behind `after` up to `end`, and write those that need it."""
        order = ", ".join(QUOTE(column) for column in self._key)
        found = self._ask(
            connection,
            f"SELECT {self._texts()}, place FROM (SELECT {order}, row_number() OVER (ORDER BY "  # noqa: S608  (quoted)
            f"{order}) AS place FROM {self._table} WHERE {self._between(after, end)} "
            f"ORDER BY {order} LIMIT {rows}) AS walked ORDER BY place DESC LIMIT 1",
        )
        if not found:
            return Filled(0, 0, None)
        *last, walked = found[0]
        changes = [self._changes()] if again else []
        written = sum(
            self._run(connection, self._definition.update(QUOTE, one, *changes))
            for one in self._ranges(after, tuple(last))
        )
        return Filled(int(walked), written, tuple(last))

    def is_left(self, connection: Connection) -> bool:
        """Whether any row still needs to be written: a look at all of them, at worst."""
        where = self._definition.condition(self._changes())
        statement = f"SELECT 1 FROM {self._table} WHERE {where} LIMIT 1"  # noqa: S608  (the revision's own SQL)
        found = self._ask(connection, statement, by_index=False)
        return bool(found)

    def _changes(self) -> str:
        """Whether writing a row would change it."""
        # As text, since not every type can be compared: json has no equality.
        return " OR ".join(
            f"{QUOTE(column)}::text IS DISTINCT FROM "
            f"CAST(({sql}) AS {self._types.get(column, 'text')})::text"
            for column, sql in self._definition.assignments
        )

    def _between(self, after: Key | None, end: Key) -> str:
        """The rows behind one up to another, as one condition; what both have in common is apart.

        A scan of an index begins with the whole of the row that is compared, and ends only where
        its first column tells that the end has passed.
        """
        same = _in_common(after, end)
        alone = [f"{column} = {value}" for column, value in self._values(end)[:same]]
        if same == len(self._key):
            return "false"  # There is nothing behind the end.
        last = _compared(self._values(end)[same:], "<=")
        if after is None:
            return last
        return " AND ".join([*alone, _compared(self._values(after)[same:], ">"), last])

    def _ranges(self, after: Key | None, end: Key) -> list[str]:
        """The same rows as conditions that no row fits two of, each a range of the index.

        By `_between` each batch of a table whose key begins with a tenant would read all the rest
        of the tenant, since the first column does not tell where the batch ends.
        """
        last = self._values(end)
        same = _in_common(after, end)
        if same >= len(last) - 1:
            return [self._between(after, end)]
        alone = [f"{column} = {value}" for column, value in last[:same]]
        column, value = last[same]
        # Two values that are written in two ways may be equal: what follows holds for them too.
        behind = []
        ranges = []
        if after is not None:
            first = self._values(after)[same:]
            behind = [_compared(first, ">")]
            rest = _compared(first[1:], ">")
            ranges.append([*alone, f"{column} = {first[0][1]}", f"{column} < {value}", rest])
            ranges.append([*alone, f"{column} > {first[0][1]}", f"{column} < {value}"])
        else:
            ranges.append([*alone, f"{column} < {value}"])
        for place in range(same + 1, len(last)):
            begins = [f"{one} = {its}" for one, its in last[:place]]
            sign = "<=" if place == len(last) - 1 else "<"
            ranges.append([*begins, f"{last[place][0]} {sign} {last[place][1]}", *behind])
        return [" AND ".join(one) for one in ranges]

    def _values(self, key: Key) -> list[tuple[str, str]]:
        """The columns of the key, each with its value, as SQL."""
        return [
            (QUOTE(column), f"CAST({_literal(value)} AS {self._types[column]})")
            for column, value in zip(self._key, key, strict=True)
        ]

    def _texts(self) -> str:
        # A name of its own for each, since else ORDER BY would mean the text.
        return ", ".join(f"{QUOTE(one)}::text AS key_{at}" for at, one in enumerate(self._key))

    def _ask(
        self, connection: Connection, statement: str, *, by_index: bool = True
    ) -> list[tuple[str, ...]]:
        if by_index:
            self._run(connection, SETTINGS)
        asked = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        return [tuple(row) for row in asked]

    def _run(self, connection: Connection, statement: str) -> int:
        done = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        return max(0, done.rowcount)


def make_walk(connection: Connection, definition: Definition) -> KeyWalk:
    """The walk of a backfill. Raises Refused where its table cannot be walked."""
    return KeyWalk(connection, definition)


def _in_common(after: Key | None, end: Key) -> int:
    """How many values two keys begin with alike."""
    if after is None:
        return 0
    pairs = enumerate(zip(after, end, strict=True))
    return next((place for place, (one, other) in pairs if one != other), len(end))


def _compared(values: list[tuple[str, str]], sign: str) -> str:
    columns = ", ".join(column for column, _ in values)
    others = ", ".join(value for _, value in values)
    return f"{columns} {sign} {others}" if len(values) == 1 else f"({columns}) {sign} ({others})"


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
