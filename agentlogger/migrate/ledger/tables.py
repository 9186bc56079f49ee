"""The tables that the migration room keeps for itself, in the database it migrates.

They are no part of the history: made under the lock where they are missing, never dropped, and
hidden from autogenerate, `check` and drift. Times are nanoseconds since 1970, UTC.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

HISTORY = sa.Table(
    "migration_history",
    METADATA,
    # Counted by us, under the lock: no sequence that a copy of the database would have to carry.
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("revision", sa.String(255), nullable=False),
    sa.Column("parents", sa.Text, nullable=False),
    # up, down, stamp or unstamp; part for a statement that is committed before its revision is.
    sa.Column("direction", sa.String(8), nullable=False),
    sa.Column("begun_ns", sa.BigInteger, nullable=False),
    # Null while it runs, and for ever where it was killed.
    sa.Column("ended_ns", sa.BigInteger),
    sa.Column("program", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("phase", sa.String(16), nullable=False),
    sa.Column("reversible", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    # Null where the way down cannot be written without asking the database.
    sa.Column("down_sql", sa.Text),
    # Where a part of it runs outside a transaction: 1 for the first such block, and one for each
    # statement that is committed.
    sa.Column("operations_done", sa.BigInteger, nullable=False),
    # Null where the program has no key.
    sa.Column("signature", sa.String(64)),
)
"""One row for each time a revision was begun: `ended_ns` is written with the version row."""

INSTANCES = sa.Table(
    "migration_instances",
    METADATA,
    sa.Column("instance", sa.String(255), primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("heads", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("started_ns", sa.BigInteger, nullable=False),
    sa.Column("seen_ns", sa.BigInteger, nullable=False),
    sa.Column("p99_ms", sa.Float),
)
"""The programs that use the database now: each beats its row, and one that stops is gone."""

BACKFILLS = sa.Table(
    "migration_backfills",
    METADATA,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("revision", sa.String(255), nullable=False),
    sa.Column("table_name", sa.Text, nullable=False),
    # pending, running, paused or finished.
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("cursor", sa.Text),
    sa.Column("rows_done", sa.BigInteger, nullable=False),
    sa.Column("rows_expected", sa.BigInteger),
    sa.Column("begun_ns", sa.BigInteger, nullable=False),
    sa.Column("changed_ns", sa.BigInteger, nullable=False),
    # What follows came later than the table: `make` adds it, so all of it may be null.
    sa.Column("schema_name", sa.Text),
    # JSON: the SQL expression of each column.
    sa.Column("set_sql", sa.Text),
    sa.Column("where_sql", sa.Text),
    # JSON: the columns by which the table is walked.
    sa.Column("key_columns", sa.Text),
    sa.Column("batch_seconds", sa.Float),
    # Over everything that is executed; null where the program has no key.
    sa.Column("signature", sa.String(64)),
    sa.Column("rows_written", sa.BigInteger),
    sa.Column("passes", sa.BigInteger),
    sa.Column("written_in_pass", sa.BigInteger),
    # JSON, as `cursor`: where this pass ends, so that it does not run after new rows for ever.
    sa.Column("pass_end", sa.Text),
    sa.Column("batch_rows", sa.BigInteger),
    sa.Column("rows_per_second", sa.Float),
    sa.Column("waiting_for", sa.Text),
    # Who works on it, and until when nobody else tries.
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until_ns", sa.BigInteger),
)
"""What is filled in batches after its revision was applied, and how far it has come.

`cursor` is the key of the last row that was looked at, as JSON; it is written in the transaction of
each batch.
"""

NAMES = frozenset(METADATA.tables)
"""What autogenerate must not see."""


def make(connection: sa.Connection) -> None:
    """Make what is missing, tables and columns, and commit. The caller holds the lock.

    A column is added without a default and may be null, so that no row is looked at and a program
    that does not know it goes on writing rows.
    """
    METADATA.create_all(connection, checkfirst=True)
    for column in _lacking(connection):
        definition = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {definition}")
    connection.commit()


def _lacking(connection: sa.Connection) -> list[sa.Column[object]]:
    """The columns that a table lacks, since an older version of this room has made it."""
    looked = sa.inspect(connection).get_multi_columns(filter_names=list(NAMES))
    there = {name: {one["name"] for one in columns} for (_, name), columns in looked.items()}
    return [
        column
        for table in METADATA.sorted_tables
        for column in table.c
        if column.name not in there[table.name]
    ]


def present(connection: sa.Connection) -> bool:
    """Whether this database has been migrated by this room before."""
    names = set(sa.inspect(connection).get_table_names())
    return names >= NAMES
