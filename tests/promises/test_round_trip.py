"""What is sent comes back equal, or was refused with a reason, and alike on both databases.

`AGENTLOGGER_EVENTS` says how many events the proof draws; each is sent in four formats.
"""

from __future__ import annotations

import os
import secrets
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings

from agentlogger.app import create_app
from agentlogger.intake import storable
from agentlogger.models.database import db
from agentlogger.store import sqlite
from tests.conftest import settings_for
from tests.journeys.serving import serving
from tests.promises.killing import SEED
from tests.promises.round_trip.checking import Door, InProcess, OverTheWire, check
from tests.promises.round_trip.events import FORMATS, Said, requests

# Hypothesis thinks that a failing request is too large to be shown; we show its one event.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

EVENTS = int(os.environ.get("AGENTLOGGER_EVENTS", "100000"))
REQUESTS_A_ROUND = 100
"""Hypothesis remembers what it has drawn, so that a long run is many short ones."""
QUICK = settings(
    max_examples=6,
    deadline=None,
    # A failure names the field and the event, and a smaller request takes minutes to find.
    phases=[Phase.generate],
    verbosity=Verbosity.quiet,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
LONG = settings(QUICK, max_examples=REQUESTS_A_ROUND, database=None, derandomize=False)


@pytest.fixture
def doors(sqlite_databases, postgresql_databases, tmp_path) -> Iterator[Mapping[str, Door]]:
    """The application on both databases at once."""
    databases = {"SQLite": sqlite_databases.clone(), "PostgreSQL": postgresql_databases.clone()}
    apps = {name: create_app(settings_for(url, tmp_path)) for name, url in databases.items()}
    yield {name: InProcess(app.test_client()) for name, app in apps.items()}
    for app in apps.values():
        with app.app_context():
            db.engine.dispose()
    postgresql_databases.drop(databases["PostgreSQL"])


@pytest.fixture
def servers(sqlite_databases, postgresql_databases, tmp_path) -> Iterator[Mapping[str, Door]]:
    """A server on each database."""
    databases = {"SQLite": sqlite_databases.clone(), "PostgreSQL": postgresql_databases.clone()}
    with ExitStack() as started:
        ports = {
            name: started.enter_context(
                serving(url.render_as_string(hide_password=False), tmp_path / name)
            ).port
            for name, url in databases.items()
        }
        yield {
            name: started.enter_context(closing(OverTheWire(port))) for name, port in ports.items()
        }
    postgresql_databases.drop(databases["PostgreSQL"])


def test_a_few_drawn_events_come_back_as_they_were_sent_on_both_databases(doors):
    @QUICK
    @given(requests())
    def come_back(said: Said) -> None:
        check(said, doors)

    come_back()


@pytest.mark.promise
def test_all_drawn_events_come_back_as_they_were_sent_on_both_databases(servers, capsys):
    begun_with = os.environ.get(SEED) or secrets.token_hex(4)
    drawn = stored = rounds = 0

    while drawn < EVENTS:

        @seed(f"{begun_with}-{rounds}")
        @LONG
        @given(requests())
        def come_back(said: Said) -> None:
            nonlocal drawn, stored
            drawn += len(said.events)
            stored += check(said, servers)

        come_back()
        rounds += 1
    with capsys.disabled():
        print(
            f"\n{drawn:,} events drawn ({SEED}={begun_with}), sent in {len(FORMATS)} formats to "
            f"each database as {stored:,} records: all came back as they were sent."
        )


def _normalised(monkeypatch) -> None:
    text = storable.text
    monkeypatch.setattr(
        storable, "text", lambda value, notes: unicodedata.normalize("NFC", text(value, notes))
    )


def _long_integers_rounded(monkeypatch) -> None:
    integer = storable.integer
    monkeypatch.setattr(
        storable,
        "integer",
        lambda value, notes: int(float(value)) if value == 2**53 + 1 else integer(value, notes),
    )


def _other_on_one_database(monkeypatch) -> None:
    serialize = sqlite.serialize
    monkeypatch.setattr(
        sqlite, "serialize", lambda value: serialize(value).replace("0.1", "0.10001")
    )


@pytest.mark.promise
@pytest.mark.parametrize("sabotage", [_normalised, _long_integers_rounded, _other_on_one_database])
def test_a_value_that_is_changed_on_the_way_is_found_out(sabotage, doors, monkeypatch):
    sabotage(monkeypatch)

    @seed(0)
    @LONG
    @given(requests())
    def come_back(said: Said) -> None:
        check(said, doors)

    with pytest.raises(AssertionError):
        come_back()
