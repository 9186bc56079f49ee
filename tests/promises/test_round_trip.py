"""What is sent comes back equal, or was refused with a reason, and alike on both databases.

`AGENTLOGGER_EVENTS` says how many events the proof draws; each is sent in four formats.
"""

from __future__ import annotations

import itertools
import os
import secrets
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from agentlogger.app import create_app
from agentlogger.intake import storable
from agentlogger.models.database import db
from agentlogger.store.sqlite import backend as sqlite
from tests.conftest import settings_for
from tests.journeys.serving import serving
from tests.promises.killing import SEED
from tests.promises.round_trip import model
from tests.promises.round_trip.checking import Door, InProcess, OverTheWire, check
from tests.promises.round_trip.drawing import draw_request
from tests.promises.round_trip.events import FORMATS, in_session

EVENTS = int(os.environ.get("AGENTLOGGER_EVENTS", "100000"))
LANES = 3
"""Requests that are under way at once."""

MODELLED = {
    "text.nul", "text.surrogate", "text.cut", "number.not_finite", "number.range",
    "number.negative_zero", "key.duplicate", "key.collision", "depth.cut", "time.range",
    "observed_time.range", "severity.range", "trace_id.invalid", "span_id.invalid",
}  # fmt: skip
"""The rules that what is drawn must meet; the others are about words of certain emitters."""


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
        yield {name: OverTheWire(port) for name, port in ports.items()}
    postgresql_databases.drop(databases["PostgreSQL"])


def test_what_is_drawn_meets_every_rule_and_every_kind_of_value():
    """Else the proof would prove less than it says."""
    met: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for number in range(10):
        request = draw_request(f"kinds {number}")
        for format_ in FORMATS.values():
            sayable = [in_session(format_.sayable(said), "a session") for said in request]
            for record in model.records(sayable, format_).values():
                met.update(record["adjustments"])
        kinds.update(type(event.body).__name__ for said in request for event in said.events)

    assert set(met) == MODELLED
    assert {"NoneType", "bool", "int", "float", "str", "bytes", "list", "Map"} == set(kinds)


def test_a_few_drawn_events_come_back_as_they_were_sent_on_both_databases(doors):
    for number in range(3):
        check(draw_request(f"a few {number}"), doors)


@pytest.mark.promise
def test_all_drawn_events_come_back_as_they_were_sent_on_both_databases(servers, capsys):
    begun_with = os.environ.get(SEED) or secrets.token_hex(4)
    numbers = itertools.count()

    def come_back(share: float) -> tuple[int, int]:
        drawn = stored = 0
        while drawn < share:
            number = next(numbers)
            request = draw_request(f"{begun_with}-{number}")
            drawn += sum(len(said.events) for said in request)
            try:
                stored += check(request, servers)
            except Exception as fault:
                fault.add_note(f"{SEED}={begun_with}, request {number}")
                raise
        return drawn, stored

    # While the servers work on one request, the next is drawn and another compared.
    with ThreadPoolExecutor(LANES) as pool:
        done = list(pool.map(come_back, [EVENTS / LANES] * LANES))
    drawn, stored = (sum(counts) for counts in zip(*done, strict=True))
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
    written = sqlite.written

    def otherwise(rows: Any, json: int) -> Any:
        return [
            tuple(one.replace("0.1", "0.10001") if isinstance(one, str) else one for one in row)
            for row in written(rows, json)
        ]

    monkeypatch.setattr(sqlite, "written", otherwise)


@pytest.mark.pure
@pytest.mark.promise
@pytest.mark.parametrize("sabotage", [_normalised, _long_integers_rounded, _other_on_one_database])
def test_a_value_that_is_changed_on_the_way_is_found_out(sabotage, doors, monkeypatch):
    sabotage(monkeypatch)

    def come_back() -> None:
        for number in range(20):
            check(draw_request(f"sabotage {number}"), doors)

    with pytest.raises(AssertionError):
        come_back()
