"""Sessions of others than the migration, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from sqlalchemy.engine import URL


@contextmanager
def session(
    url: URL, *, database: str | None = None, autocommit: bool = False
) -> Iterator[psycopg2.extensions.cursor]:
    """A session that ends with the block, and with it the transaction that it is in."""
    connection = psycopg2.connect(
        host=url.host,
        port=url.port,
        user=url.username,
        password=url.password,
        dbname=database or url.database,
        application_name="somebody else",
    )
    connection.autocommit = autocommit
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()
