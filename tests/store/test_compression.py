"""PostgreSQL compresses long texts by LZ4 where it can, and in its own way where it cannot."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from sqlalchemy import text

from agentlogger.app import create_app
from agentlogger.intake import batches
from agentlogger.models.database import db
from agentlogger.store import appending, projects
from agentlogger.store.postgresql import backend as postgresql
from tests.conftest import settings_for

LONG = "a word and another one " * 1_000
COMPRESSION = text("SELECT pg_column_compression(body) FROM log_records")
UNABLE = "SELECT 'lz4' = ANY ('{pglz}')"


@pytest.mark.parametrize("asked", [postgresql.CAN_COMPRESS_QUICKLY, UNABLE])
def test_on_postgresql_a_long_text_is_compressed_as_the_server_can(
    asked, monkeypatch, postgresql_databases, tmp_path
):
    monkeypatch.setattr(postgresql, "CAN_COMPRESS_QUICKLY", asked)
    url = postgresql_databases.clone()
    with create_app(settings_for(url, tmp_path)).app_context():
        with db.engine.connect() as connection:
            can = connection.exec_driver_sql(asked).scalar_one()
        body = f'{{"body": "{LONG}"}}'.encode()
        records = batches.from_native(body, time.time_ns(), lines=True).records
        appending.append(projects.DEFAULT, records)
        with closing(db.engine.connect()) as connection:
            compressed = connection.execute(COMPRESSION).scalar_one()
        db.engine.dispose()
    postgresql_databases.drop(url)

    assert compressed == ("lz4" if can else "pglz")
