"""What a scraper is told, read with Prometheus's own parser."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa
from alembic import command
from prometheus_client.parser import text_string_to_metric_families

from agentlogger import errors
from agentlogger.app import create_app
from agentlogger.migrate.ledger import instances
from agentlogger.migrate.ledger.tables import BACKFILLS
from agentlogger.models.database import db
from agentlogger.store.connections import writing
from tests.conftest import settings_for
from tests.newest_revision import HEAD, revisions_after


def scraped(client, **options) -> dict[str, float]:
    """Every sample: its name with its labels, in their order, and what it says."""
    answer = client.get("/metrics", **options)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    families = list(text_string_to_metric_families(answer.get_data(as_text=True)))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    assert all(family.documentation and family.type != "unknown" for family in families)
    return {
        " ".join(
            [sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))]
        ): sample.value
        for family in families
        for sample in family.samples
    }


def pending(samples) -> dict[str, float]:
    """The phases in which something is pending, and how much."""
    name = "agentlogger_schema_pending_revisions phase="
    return {
        key.removeprefix(name): value
        for key, value in samples.items()
        if key.startswith(name) and value
    }


def test_a_database_at_head_is_told_with_its_revision(client):
    samples = scraped(client)

    assert samples["agentlogger_build_info version=0.1.0"] == 1
    assert samples["agentlogger_database_up"] == 1
    assert samples[f"agentlogger_schema_info place=at head revision={HEAD}"] == 1
    assert samples["agentlogger_schema_acceptable"] == 1
    assert samples["agentlogger_schema_pending_revisions phase=contract"] == 0
    assert pending(samples) == {}


def test_what_is_pending_is_counted_by_its_phase(app, client):
    with app.app_context():
        command.downgrade(app.extensions["migrations"].configuration(quiet=True), "8c40d2b6e713")

    samples = scraped(client)

    assert samples["agentlogger_schema_info place=behind revision=8c40d2b6e713"] == 1
    assert samples["agentlogger_schema_acceptable"] == 0
    assert pending(samples) == {"expand": revisions_after("8c40d2b6e713")}


def test_a_database_of_a_newer_program_is_ahead(app, client):
    with app.app_context(), writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'fromthefuture'"))

    samples = scraped(client)

    assert samples["agentlogger_schema_info place=ahead revision=fromthefuture"] == 1
    assert samples["agentlogger_schema_acceptable"] == 0


def test_a_backfill_is_told_with_its_state(app, client):
    now = time.time_ns()
    row = {
        "name": "users_full_name", "revision": HEAD, "table_name": "users", "state": "running",
        "rows_done": 400, "rows_expected": 1000, "begun_ns": now, "changed_ns": now,
        "rows_per_second": 50.0, "lease_until_ns": now + 10**11,
    }  # fmt: skip
    with app.app_context(), writing() as connection:
        connection.execute(BACKFILLS.insert().values(row))

    samples = scraped(client)

    labels = "name=users_full_name state=running table=users"
    assert samples[f"agentlogger_backfill_rows_done {labels}"] == 400
    assert samples[f"agentlogger_backfill_rows_expected {labels}"] == 1000
    assert samples[f"agentlogger_backfill_rate {labels}"] == 50


def test_the_programs_that_are_alive_are_counted_by_version(app, client):
    assert scraped(client)["agentlogger_instances_alive version=0.1.0"] == 0
    with app.app_context(), writing() as connection:
        instances.beat(connection, "0.2.0", ("newer",), None)

    samples = scraped(client)

    assert samples["agentlogger_instances_alive version=0.1.0"] == 0
    assert samples["agentlogger_instances_alive version=0.2.0"] == 1


def test_a_database_that_was_never_migrated_is_empty(empty_database_url, tmp_path):
    app = create_app(settings_for(empty_database_url, tmp_path))

    samples = scraped(app.test_client())

    assert samples["agentlogger_schema_info place=empty revision="] == 1
    assert pending(samples) == {"expand": revisions_after("base")}
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_database_that_is_away_is_told_in_an_answer(database_url, tmp_path):
    """On PostgreSQL only: a file is not away. Whose scraper it is cannot be looked up either."""
    app = create_app(settings_for(database_url.set(port=1), tmp_path))

    for headers in ({}, {"Host": "elsewhere.example"}):
        samples = scraped(app.test_client(), headers=headers)
        assert samples == {"agentlogger_database_up": 0}
    with app.app_context():
        db.engine.dispose()


def test_a_database_that_goes_away_after_the_gate_is_told_in_an_answer(client, monkeypatch):
    def away(*_arguments):
        raise errors.DatabaseUnavailable("gone", retry_after=1)

    monkeypatch.setattr("agentlogger.blueprints.metrics.store.ask", away)
    monkeypatch.setattr("agentlogger.blueprints.metrics.receipts.total", away)
    monkeypatch.setattr("agentlogger.blueprints.metrics.alerts.count", away)
    monkeypatch.setattr("agentlogger.blueprints.metrics.text_index.lag", away)

    samples = scraped(client)

    # What workers count needs no database.
    assert {name: value for name, value in samples.items() if "_ingest_" not in name} == {
        "agentlogger_build_info version=0.1.0": 1,
        "agentlogger_database_up": 0,
    }


def test_two_applications_do_not_share_a_registry(app, database_url, tmp_path):
    other = create_app(settings_for(database_url, tmp_path))

    registries = {id(one.extensions["agentlogger.metrics"]) for one in (app, other)}

    assert len(registries) == 2
