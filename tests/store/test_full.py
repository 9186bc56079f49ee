"""A disk that is full, or may not be written, acknowledges nothing; once it may, all goes on."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from agentlogger.models.database import db

SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
LARGE = "x" * 1_000_000


@contextmanager
def full(engine: sa.Engine, how: str) -> Iterator[None]:
    """The SQLite file of an engine with no room for more, in one way or another."""
    if how == "pages":
        pages: list[int] = []

        @sa.event.listens_for(engine, "begin")
        def _bound(connection) -> None:
            most = pages[0] if pages else 1
            pages.append(connection.exec_driver_sql(f"PRAGMA max_page_count={most}").scalar())

        yield
        sa.event.remove(engine, "begin", _bound)
        engine.dispose()
        return
    wal = Path(f"{engine.url.database}-wal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A file of this process can grow no further: what a quota does, and a full disk in effect.
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def require_not_stored(answer) -> None:
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.get_json()["code"] == "database.unavailable"


@SQLITE
@pytest.mark.parametrize("how", ["pages", "a quota"])
def test_while_a_file_has_no_room_senders_are_told_and_readers_served(app, client, how):
    """On SQLite only: PostgreSQL's own answer is below."""
    client.post("/api/v1/logs", json={"id": 1, "message": "before"})
    with app.app_context():
        engine = db.engine
    with full(engine, how):
        require_not_stored(client.post("/api/v1/logs", json={"id": 2, "message": LARGE}))
        listed = client.get("/api/v1/logs").get_json()["items"]
        assert [item["body"] for item in listed] == ["before"]

    assert client.post("/api/v1/logs", json={"id": 2, "message": LARGE}).status_code == 200
    assert len(client.get("/api/v1/logs").get_json()["items"]) == 2


@SQLITE
def test_a_file_that_may_not_be_written_acknowledges_nothing(app, client):
    """On SQLite only: of PostgreSQL's the server has them."""
    client.post("/api/v1/logs", json={"message": "before"})
    with app.app_context():
        engine = db.engine

    @sa.event.listens_for(engine, "begin")
    def _only_read(connection) -> None:
        connection.exec_driver_sql("PRAGMA query_only=ON")

    require_not_stored(client.post("/api/v1/logs", json={"message": "during"}))
    sa.event.remove(engine, "begin", _only_read)
    with app.app_context():
        engine.dispose()

    assert client.post("/api/v1/logs", json={"message": "after"}).status_code == 200
    listed = client.get("/api/v1/logs").get_json()["items"]
    assert [item["body"] for item in listed] == ["after", "before"]


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
@pytest.mark.parametrize("code", ["53100", "53200", "25006", "57P01", "58030"])
def test_what_postgresql_says_of_itself_is_told_to_come_again(app, client, code):
    """On PostgreSQL only. 53100 is a full disk, 25006 a standby that only reads, 58030 a bad disk.

    The server is made to raise it when a record's identity is inserted, as it would itself.
    """
    raising = f"""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'as the server says it' USING ERRCODE = '{code}'; END $$;
        CREATE TRIGGER refusing BEFORE INSERT ON placed_identities
        FOR EACH ROW EXECUTE FUNCTION refuse()
    """
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql(raising)

    require_not_stored(client.post("/api/v1/logs", json={"id": 1, "message": "during"}))

    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER refusing ON placed_identities")
    assert client.post("/api/v1/logs", json={"id": 1, "message": "after"}).status_code == 200
    listed = client.get("/api/v1/logs").get_json()["items"]
    assert [item["body"] for item in listed] == ["after"]
