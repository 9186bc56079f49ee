"""A server on each database, a model, and a relay before the server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.emitters.model import Model, modelling
from tests.emitters.relay import Relay, relaying
from tests.journeys.conftest import (
    no_settings_from_outside,
    postgresql_server,
    shared_server,
    sqlite_server,
)

__all__ = ["no_settings_from_outside", "postgresql_server", "shared_server", "sqlite_server"]


@pytest.fixture
def model() -> Iterator[Model]:
    """A model that nobody has asked yet."""
    with modelling() as made:
        yield made


@pytest.fixture
def relay(shared_server) -> Iterator[Relay]:
    """What an emitter takes for the server."""
    with relaying(shared_server.address) as made:
        yield made


@pytest.fixture
def session() -> str:
    """By which the records of one emitter are told from those of others."""
    return str(uuid.uuid4())


@pytest.fixture
def environment(model: Model, relay: Relay, session: str) -> dict[str, str]:
    """What a program is told: the model, the server, and its session."""
    return {
        "MODEL": model.address,
        "SESSION": session,
        "OTEL_EXPORTER_OTLP_ENDPOINT": relay.address,
        "OTEL_RESOURCE_ATTRIBUTES": f"session.id={session}",
    }
