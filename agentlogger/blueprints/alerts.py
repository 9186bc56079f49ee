"""The JSON API of alerts: made, listed, changed, deleted, tested; their states and deliveries.

Whoever may read may have themselves alerted. What an alert asks cannot be changed, as the text of a
saved search cannot.
"""

from __future__ import annotations

import time
import uuid
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, url_for
from flask_smorest import Blueprint

from agentlogger.blueprints.bodies import body_of, incoming_fields
from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.users import refuse_forged, who
from agentlogger.config import Settings
from agentlogger.errors import AlertMissing, QueryInvalid
from agentlogger.schemas.alerts import (
    AlertChangeSchema,
    AlertSchema,
    AlertsSchema,
    AlertStatesSchema,
    DeliveriesQuerySchema,
    DeliveriesSchema,
    DeliverySchema,
    MadeAlertSchema,
    NewAlertSchema,
    read_alert_change,
    read_new_alert,
)
from agentlogger.schemas.searches import SearchScopeSchema
from agentlogger.store.alerts import alerts as store
from agentlogger.store.alerts import deliveries
from agentlogger.store.alerts import states as alert_states
from agentlogger.store.alerts.alerts import Asked
from agentlogger.store.rows import Row

alerts = Blueprint("alerts", __name__, url_prefix="/api/v1", description="Alerts and budgets")


@alerts.route("/alerts", methods=["GET"])
@alerts.arguments(SearchScopeSchema, location="query", unknown=None)
@alerts.response(200, AlertsSchema)
@alerts.doc(summary="List alerts, by name, and how each stands")
@needs("read")
def list_alerts(asked: dict[str, Any]) -> dict[str, list[Row]]:
    """Every alert of the caller's project."""
    del asked
    return {"items": store.all_of(caller().scope)}


@alerts.route("/alerts", methods=["POST"])
@alerts.arguments(SearchScopeSchema, location="query", unknown=None)
@alerts.response(
    201,
    MadeAlertSchema,
    headers={"Location": {"description": "Where it is", "schema": {"type": "string"}}},
)
@alerts.alt_response(400, description="The body is no JSON")
@alerts.alt_response(409, description="The name is taken, or there is no room for more")
@alerts.alt_response(413, description="The body is too large")
@alerts.alt_response(415, description="Another media type than application/json")
@alerts.doc(
    summary="Make an alert",
    description="The answer has the secret that signs what is sent: it is shown this once.",
    requestBody=body_of(NewAlertSchema),
)
@needs("read")
def make_alert(asked: dict[str, Any]) -> tuple[Row, int, dict[str, str]]:
    """Have the project watched, from now on."""
    del asked
    refuse_forged()
    wanted = read_new_alert(incoming_fields())
    refuse_host(wanted["url"])
    name, url = wanted.pop("name"), wanted.pop("url")
    row = store.create(caller().scope, Asked(**wanted), name=name, url=url, created_by=who())
    return row, 201, {"Location": url_for("alerts.one_alert", identifier=row["id"])}


@alerts.route("/alerts/<identifier>", methods=["GET"])
@alerts.arguments(SearchScopeSchema, location="query", unknown=None)
@alerts.response(200, AlertSchema)
@alerts.alt_response(404, description="No such alert in this project")
@alerts.doc(summary="One alert, and how it stands")
@needs("read")
def one_alert(asked: dict[str, Any], identifier: str) -> Row:
    """One alert by its id."""
    del asked
    return found(identifier)


@alerts.route("/alerts/<identifier>", methods=["PATCH"])
@alerts.arguments(SearchScopeSchema, location="query", unknown=None)
@alerts.response(200, AlertSchema)
@alerts.alt_response(400, description="The body is no JSON")
@alerts.alt_response(404, description="No such alert in this project")
@alerts.alt_response(409, description="The name is taken")
@alerts.alt_response(413, description="The body is too large")
@alerts.alt_response(415, description="Another media type than application/json")
@alerts.doc(
    summary="Rename an alert, switch it on or off, or set its threshold or address",
    requestBody=body_of(AlertChangeSchema),
)
@needs("read")
def change_alert(asked: dict[str, Any], identifier: str) -> Row:
    """Change what of an alert may change."""
    del asked
    refuse_forged()
    changes = read_alert_change(incoming_fields())
    if "url" in changes:
        refuse_host(changes["url"])
    row = store.change(caller().scope, id_of(identifier), changes)
    if row is None:
        raise missing(identifier)
    return row


@alerts.route("/alerts/<identifier>", methods=["DELETE"])
@alerts.arguments(SearchScopeSchema, location="query", unknown=None)
@alerts.response(204)
@alerts.alt_response(404, description="No such alert in this project")
@alerts.doc(summary="Delete an alert, with the log of its deliveries")
@needs("read")
def delete_alert(asked: dict[str, Any], identifier: str) -> None:
    """Delete an alert."""
    del asked
    refuse_forged()
    if not store.remove(caller().scope, id_of(identifier)):
        raise missing(identifier)


@alerts.route("/alerts/<identifier>/test", methods=["POST"])
@alerts.arguments(SearchScopeSchema, location="query", unknown=None)
@alerts.response(202, DeliverySchema)
@alerts.alt_response(404, description="No such alert in this project")
@alerts.doc(
    summary="Send a test to the receiver of an alert",
    description="It is sent within seconds, as any other delivery; the list of deliveries says "
    "what came of it.",
)
@needs("read")
def test_alert(asked: dict[str, Any], identifier: str) -> Row:
    """Put a test into the outbox."""
    del asked
    refuse_forged()
    row = deliveries.write_test(caller().scope, id_of(identifier), time.time_ns())
    if row is None:
        raise missing(identifier)
    return row


@alerts.route("/alerts/<identifier>/states", methods=["GET"])
@alerts.arguments(SearchScopeSchema, location="query", unknown=None)
@alerts.response(200, AlertStatesSchema)
@alerts.alt_response(404, description="No such alert in this project")
@alerts.doc(summary="The keys, sessions or users of an alert that fire, or fired last")
@needs("read")
def list_states(asked: dict[str, Any], identifier: str) -> dict[str, list[Row]]:
    """How each subject of an alert stands."""
    del asked
    return {"items": alert_states.of_rule(caller().scope, found(identifier))}


@alerts.route("/alerts/<identifier>/deliveries", methods=["GET"])
@alerts.arguments(DeliveriesQuerySchema, location="query", unknown=None)
@alerts.response(200, DeliveriesSchema)
@alerts.alt_response(404, description="No such alert in this project")
@alerts.doc(summary="What was told of an alert and how each try went, the newest first")
@needs("read")
def list_deliveries(asked: dict[str, Any], identifier: str) -> dict[str, list[Row]]:
    """The log of deliveries of an alert."""
    scope, rule_id = caller().scope, found(identifier)["id"]
    return {"items": deliveries.of_rule(scope, rule_id, limit=asked["limit"])}


def refuse_host(url: str) -> None:
    """Refuse an address that the operator does not let alerts be sent to. Raises QueryInvalid."""
    settings: Settings = current_app.extensions["agentlogger.settings"]
    host = urlsplit(url).hostname or ""
    if not settings.may_be_told(host):
        sentence = (
            f"Alerts are not sent to {host[:100]}: AGENTLOGGER_WEBHOOK_HOSTS of the server says "
            "where to they are."
        )
        raise QueryInvalid(sentence, errors={"url": [sentence]})


def id_of(identifier: str) -> uuid.UUID:
    """The id that an address names. Raises AlertMissing."""
    try:
        return uuid.UUID(identifier)
    except ValueError:
        raise missing(identifier) from None


def found(identifier: str) -> Row:
    """The alert of the caller's project with this id. Raises AlertMissing."""
    row = store.one(caller().scope, id_of(identifier))
    if row is None:
        raise missing(identifier)
    return row


def missing(identifier: str) -> AlertMissing:
    """What is raised where there is no such alert."""
    return AlertMissing(
        f"No alert has the id {identifier[:100]!r} in this project: it was deleted, or is another "
        "project's. GET /api/v1/alerts lists them."
    )
