"""The store of records: nothing twice, nothing lost, and a client cannot make tables."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from sqlalchemy import event, inspect, text

from agentlogger.errors import DatabaseUnavailable
from agentlogger.intake import batches, storable
from agentlogger.models.database import db
from agentlogger.store import appending, identifiers, logs, projects
from agentlogger.store.clock import DAY_NS
from agentlogger.store.connections import writing
from agentlogger.store.logs import LogFilter
from agentlogger.store.postgresql import backend as postgresql

SCOPE = projects.DEFAULT
NOW = time.time_ns()


@pytest.fixture(autouse=True)
def inside(app):
    """Every test here is inside the application."""
    with app.app_context():
        yield


def records(*given: str):
    body = "\n".join(given).encode()
    return batches.from_native(body, NOW, lines=True).records


def stored() -> list:
    rows = logs.page(SCOPE, LogFilter(), after=None, limit=10_000)
    return [row["body"] for row in rows]


def test_an_identity_is_stored_once_and_counted():
    first = appending.append(SCOPE, records('{"id": "a", "body": 1}', '{"id": "b", "body": 2}'))
    again = appending.append(SCOPE, records('{"id": "b", "body": 3}', '{"id": "c", "body": 4}'))

    assert (first.stored, first.duplicates) == (2, 0)
    assert (again.stored, again.duplicates) == (1, 1)
    assert sorted(stored()) == [1, 2, 4]


def test_an_identity_twice_in_one_request_is_stored_once():
    appended = appending.append(SCOPE, records('{"id": "a", "body": 1}', '{"id": "a", "body": 2}'))

    assert (appended.stored, appended.duplicates) == (1, 1)
    assert stored() == [1]


def test_records_without_an_identity_are_never_taken_for_each_other():
    appending.append(SCOPE, records('{"body": "same"}', '{"body": "same"}'))
    appending.append(SCOPE, records('{"body": "same"}'))

    assert stored() == ["same"] * 3


def test_a_record_that_the_database_refuses_is_refused_alone_and_may_come_again():
    """The second net: values are made storable long before, so a hole is made here."""
    good = records(*(f'{{"body": {number}, "id": "{number}"}}' for number in range(9)))
    good[4].severity_number = 2**70

    appended = appending.append(SCOPE, good)

    assert (appended.stored, [item.index for item in appended.rejections]) == (8, [4])
    assert sorted(stored()) == [0, 1, 2, 3, 5, 6, 7, 8]
    good[4].severity_number = 9
    assert appending.append(SCOPE, good[4:5]).stored == 1


def test_texts_with_everything_in_them_come_back_equal():
    odd = "tab\t newline\n return\r backslash\\ \\N \\. \\x41 quote' \" % %s :x \u2028 \U0001f600"
    (record,) = records("{}")
    record.body, record.session_id, record.attributes = odd, odd, {odd: [odd]}

    appending.append(SCOPE, [record])

    (row,) = logs.page(SCOPE, LogFilter(session=odd), after=None, limit=5)
    assert (row["body"], row["session_id"], row["attributes"]) == (odd, odd, {odd: [odd]})


@pytest.mark.parametrize(
    "value", [0, -1, 2**63 - 1, -(2**63), 1.5, 1e20, 1e300, 5e-324, 0.1, True, None, "", [], {}]
)
def test_values_come_back_equal(value):
    (record,) = records("{}")
    record.attributes = {"value": value}

    appending.append(SCOPE, [record])

    (row,) = logs.page(SCOPE, LogFilter(), after=None, limit=5)
    assert row["attributes"]["value"] == value
    assert type(row["attributes"]["value"]) is type(value) or value == 1e20


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_ten_thousand_times_of_a_client_from_1970_to_2262_make_no_table():
    """On PostgreSQL only: SQLite has no partitions."""
    span = 2**63 // 10_000
    spread = records(*(f'{{"time": {1 + number * span}}}' for number in range(10_000)))

    assert appending.append(SCOPE, spread).stored == 10_000

    names = inspect(db.engine).get_table_names()
    assert len([name for name in names if name.startswith("log_records_2")]) == 4
    assert len(stored()) == 10_000


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_partition_that_is_dropped_under_the_server_loses_nothing():
    """On PostgreSQL only: SQLite has no partitions."""
    appending.append(SCOPE, records('{"body": "before"}'))
    with writing() as connection:
        connection.execute(text(f"DROP TABLE log_records_{time.strftime('%Y%m%d', time.gmtime())}"))

    assert appending.append(SCOPE, records('{"body": "after"}')).stored == 1

    assert stored() == ["after"]


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_stray_and_a_record_of_today_come_in_one_order():
    """On PostgreSQL only: SQLite has no partitions."""
    appending.append(
        SCOPE, records('{"body": "now"}', '{"body": "1990", "time": "1990-01-01T00:00:00Z"}')
    )
    appending.append(SCOPE, records(f'{{"body": "next year", "time": {NOW + 365 * DAY_NS}}}'))

    assert stored() == ["next year", "now", "1990"]


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_partition_that_cannot_be_made_now_costs_no_record(monkeypatch):
    """On PostgreSQL only. A migration holds the table; the record goes to the strays."""
    monkeypatch.setattr(postgresql, "_places", {})
    monkeypatch.setattr(postgresql, "PARTITION_WAIT_MILLISECONDS", 50)
    with db.engine.connect() as migration:
        migration.execute(text("BEGIN; LOCK TABLE log_records IN SHARE UPDATE EXCLUSIVE MODE"))

        assert appending.append(SCOPE, records('{"body": "meanwhile"}')).stored == 1

        migration.rollback()
    assert stored() == ["meanwhile"]


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_reading_one_record_opens_two_partitions():
    """On PostgreSQL only: the partition of its day, and the strays'."""
    appending.append(SCOPE, records("{}"))
    (row,) = logs.page(SCOPE, LogFilter(), after=None, limit=1)
    asked = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2:4]))

    assert logs.one(SCOPE, row["public_id"])["id"] == row["id"]

    with db.engine.connect() as connection:
        ((query, values),) = [one for one in asked if "log_records" in one[0]]
        query = query.rpartition("; ")[2]  # Behind the settings of its transaction.
        plan = connection.exec_driver_sql(f"EXPLAIN {query}", values).scalars()
        opened = {line.split(" on ")[1].split()[0] for line in plan if " on log_records" in line}
    assert len(opened) == 2
    assert "log_records_strays" in opened


def test_public_ids_sort_by_time_and_lead_back():
    keys = [(1, 5), (1, 6), (2, 0), (NOW, 2**63 - 1), (2**63 - 1, 1)]
    ids = [identifiers.public_id(*key) for key in keys]

    assert sorted(ids) == ids
    assert [identifiers.parse_public_id(text) for text in ids] == keys
    assert {len(text) for text in ids} == {26}


def test_ids_rise_within_a_request_however_long():
    ids = list(identifiers.new_record_ids(100_000))

    assert len(set(ids)) == 100_000
    assert max(ids) < 2**63
    assert sum(later < earlier for earlier, later in pairwise(ids)) < 4


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_role_that_may_make_no_table_still_stores_everything(monkeypatch):
    """On PostgreSQL only: the strays take what has no partition."""
    with db.engine.begin() as connection:
        for name in connection.execute(postgresql.DAILY_PARTITIONS).scalars().all():
            connection.execute(text(f"DROP TABLE {name}"))
    monkeypatch.setattr(postgresql, "_places", {})
    monkeypatch.setattr(postgresql, "PREFIX", "nowhere.log_records_")

    assert appending.append(SCOPE, records('{"body": "kept"}')).stored == 1

    assert stored() == ["kept"]


@pytest.mark.parametrize(
    "body", [1.0, 1e16, 1e19, 1e300, -1e16, 2.6899203985803013e-303, 0.1, 5, -(2**63), True]
)
def test_a_body_that_is_only_a_number_is_neither_rounded_nor_of_another_type(body):
    (record,) = records("{}")
    record.body = storable.value(body, storable.Adjustments())
    record.attributes = {"value": [record.body]}

    appending.append(SCOPE, [record])

    (row,) = logs.page(SCOPE, LogFilter(), after=None, limit=5)
    assert (row["body"], type(row["body"])) == (body, type(body))
    assert repr(row["attributes"]["value"]) == repr([body])


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_wait_for_a_lock_ends_before_the_client_gives_up(monkeypatch):
    """On PostgreSQL only. What is stored after the client has gone is sent, and stored, again."""
    assert postgresql.LOCK_WAIT_MILLISECONDS < 9_000
    monkeypatch.setattr(postgresql, "LOCK_WAIT_MILLISECONDS", 100)
    appending.append(SCOPE, records('{"body": "before"}'))
    with db.engine.connect() as other:
        other.execute(text("LOCK TABLE log_records IN ACCESS EXCLUSIVE MODE"))

        with pytest.raises(DatabaseUnavailable):
            appending.append(SCOPE, records('{"body": "meanwhile"}'))

        other.rollback()
    assert stored() == ["before"]
