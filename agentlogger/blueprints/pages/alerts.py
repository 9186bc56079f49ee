"""The pages of alerts: how each stands, what was told of it, and forms that make and change one.

They do what the API does, by the same rules and with the same rights, and need no script.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import StringField

from agentlogger.blueprints.alerts import found, id_of, missing, refuse_host
from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.pages.layout import own_project
from agentlogger.blueprints.users import who
from agentlogger.errors import AlertsFull, NameTaken, QueryInvalid, QueryTooLarge
from agentlogger.limits import ALERT_URL_CHARACTERS, QUERY_CHARACTERS, SEARCH_NAME_CHARACTERS
from agentlogger.schemas.alerts import KINDS, PERS_OF, read_alert_change, read_new_alert
from agentlogger.showing import alerts as showing
from agentlogger.store import searches
from agentlogger.store.alerts import alerts, deliveries
from agentlogger.store.alerts import states as alert_states
from agentlogger.store.rows import Row

alerts_page = Blueprint("alerts_page", __name__, url_prefix="/alerts")

TOLD = 20
"""Deliveries that are shown: what was told lately. The API has all that are kept."""

AGAIN_SECONDS = 2
"""How often the page comes anew while a test is on its way; it is sent within seconds."""

MICRO = 10**6
WHOLE = re.compile(r"[0-9]{1,12}")
DOLLARS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
"""As many digits as make sense: the schema of the API says how large a number may be."""

UNITS = {"min": 60, "h": 3_600, "days": 86_400}
"""In which units a form takes a length of time, each in seconds."""

USUAL = {"count": (10, "min"), "budget": (1, "days"), "silence": (30, "min")}
"""What a form suggests of each kind."""

ABOUT = {
    "count": ("Records", "more, or fewer, records than a number are like a query"),
    "budget": ("Budget", "calls of models cost more than a sum"),
    "silence": ("Silence", "no data has come for a time"),
}
"""What each kind is called, and when it fires."""

PERS = {
    "project": "the whole project",
    "key": "each key by itself",
    "session": "each session by itself",
    "user": "each user by itself",
}

LABELS = {
    "name": "Name",
    "query": "Query",
    "comparison": "Fires at",
    "threshold": "Threshold",
    "window_seconds": "Time",
    "per": "Judges",
    "key": "Key",
    "url": "Address",
}
"""What the fields of the API are called in the forms."""


class AlertForm(FlaskForm):
    """What the forms of these pages send, each some of it; what it means the API's schemas say."""

    kind = StringField()
    name = StringField()
    query = StringField()
    comparison = StringField()
    threshold = StringField()
    window = StringField()
    unit = StringField()
    per = StringField()
    key = StringField()
    url = StringField()
    enabled = StringField()


@alerts_page.get("")
@needs("read")
def show() -> str:
    """Every alert of the caller's project, those first that need somebody; and what was told."""
    now_ns = time.time_ns()
    rows = [_shown(row, now_ns) for row in alerts.all_of(caller().scope)]
    rows.sort(key=lambda row: showing.ORDER.index(row["standing"].state))
    counts = [
        (state, sum(row["standing"].state == state for row in rows)) for state in showing.ORDER
    ]
    told = deliveries.of_project(caller().scope, limit=TOLD)
    return render_template(
        "alerts.html",
        alerts=rows,
        counts=[(state, number) for state, number in counts if number],
        deliveries=[_delivery(row) for row in told],
    )


@alerts_page.route("/new", methods=["GET", "POST"])
@needs("read")
def new() -> ResponseReturnValue:
    """The form of an alert to make, and what it sends; the answer shows the secret, once."""
    if request.method == "GET":
        kind = request.args.get("kind", "count")
        return _form(kind if kind in KINDS else "count", {"query": request.args.get("q", "")})
    given = _sent()
    kind = given["kind"]
    kind = kind if kind in KINDS else "count"
    try:
        wanted = _read(kind, given)
        refuse_host(wanted["url"])
        name, url = wanted.pop("name"), wanted.pop("url")
        asked = alerts.Asked(**wanted)
        made = alerts.create(caller().scope, asked, name=name, url=url, created_by=who())
    except (QueryInvalid, QueryTooLarge, NameTaken, AlertsFull) as refusal:
        return _form(kind, given, refusal), refusal.status
    return _page(made, secret=made["secret"])


@alerts_page.get("/<identifier>")
@needs("read")
def one(identifier: str) -> str:
    """One alert: how it stands, what was told of it, and forms that change it."""
    return _page(found(identifier))


@alerts_page.post("/<identifier>")
@needs("read")
def change(identifier: str) -> ResponseReturnValue:
    """Change its name, threshold or address; an address that is left empty stays."""
    row, given = found(identifier), _sent()
    try:
        fields: dict[str, Any] = {"name": given["name"]}
        if given["url"].strip():
            fields["url"] = given["url"]
        if row["threshold"] is not None:
            fields["threshold"] = _threshold(row["kind"], given["threshold"])
        changes = read_alert_change(fields)
        if "url" in changes:
            refuse_host(changes["url"])
        changed = alerts.change(caller().scope, row["id"], changes)
    except (QueryInvalid, NameTaken) as refusal:
        return _page(row, given=given, refusal=refusal), refusal.status
    if changed is None:
        raise missing(identifier)
    return _back(identifier)


@alerts_page.post("/<identifier>/enabled")
@needs("read")
def switch(identifier: str) -> ResponseReturnValue:
    """Pause an alert, or let it go on; it then stands as a new one."""
    is_enabled = _sent()["enabled"] == "yes"
    if alerts.change(caller().scope, id_of(identifier), {"is_enabled": is_enabled}) is None:
        raise missing(identifier)
    return _back(identifier)


@alerts_page.post("/<identifier>/test")
@needs("read")
def send_test(identifier: str) -> ResponseReturnValue:
    """Have a test sent to its receiver; the page that follows tells what came of it."""
    if deliveries.write_test(caller().scope, id_of(identifier), time.time_ns()) is None:
        raise missing(identifier)
    return _back(identifier, tested=1)


@alerts_page.post("/<identifier>/delete")
@needs("read")
def remove(identifier: str) -> ResponseReturnValue:
    """Delete it, with the log of its deliveries."""
    if not alerts.remove(caller().scope, id_of(identifier)):
        raise missing(identifier)
    return redirect(url_for("alerts_page.show", **own_project()))


def _sent() -> dict[str, str]:
    """The fields of the form that was sent; those that it lacks are empty."""
    return {name: text or "" for name, text in AlertForm().data.items()}


def _back(identifier: str, **asked: Any) -> ResponseReturnValue:
    return redirect(url_for("alerts_page.one", identifier=identifier, **own_project(), **asked))


def _page(
    row: Row,
    *,
    secret: str = "",
    given: Mapping[str, str] | None = None,
    refusal: Exception | None = None,
) -> str:
    scope = caller().scope
    told = deliveries.of_rule(scope, row["id"], limit=TOLD)
    # A test that is on its way is looked for again, where somebody has just asked for one.
    is_on_its_way = bool(told) and told[0]["state"] == "test" and _is_open(told[0])
    return render_template(
        "alert.html",
        alert=_shown(row, time.time_ns()),
        secret=secret,
        states=alert_states.of_rule(scope, row) if row["per"] != "project" else [],
        deliveries=[_delivery(one) for one in told],
        given=given or {"name": row["name"], "threshold": _typed_threshold(row)},
        mistakes=_mistakes(refusal),
        again_seconds=AGAIN_SECONDS if is_on_its_way and "tested" in request.args else None,
        name_most=SEARCH_NAME_CHARACTERS,
        url_most=ALERT_URL_CHARACTERS,
    )


def _is_open(delivery: Row) -> bool:
    """Whether nothing is known yet of a delivery's first try."""
    tries = delivery["tries"]
    return not tries or (len(tries) == 1 and tries[0]["took_ms"] is None)


def _form(kind: str, given: Mapping[str, str], refusal: Exception | None = None) -> str:
    number, unit = USUAL[kind]
    return render_template(
        "alert_new.html",
        kind=kind,
        kinds=ABOUT,
        pers=[(per, PERS[per]) for per in PERS_OF[kind]],
        comparisons=[(sign, words.format("…")) for sign, words in showing.BOUNDS.items()],
        units=UNITS,
        given={"window": str(number), "unit": unit} | {k: v for k, v in given.items() if v},
        saved=searches.all_of(caller().scope) if kind == "count" else [],
        mistakes=_mistakes(refusal),
        name_most=SEARCH_NAME_CHARACTERS,
        url_most=ALERT_URL_CHARACTERS,
        query_most=QUERY_CHARACTERS,
    )


def _mistakes(refusal: Exception | None) -> list[tuple[str, str]]:
    """What is wrong with a form: fields with their sentences, "" for the form as a whole."""
    if refusal is None:
        return []
    errors = getattr(refusal, "errors", None)
    if not isinstance(errors, Mapping):
        return [("", str(refusal))]
    named = {LABELS.get(str(name), ""): reasons for name, reasons in errors.items()}
    return [
        (name, str(reason))
        for name, reasons in named.items()
        for reason in (reasons if isinstance(reasons, list) else [reasons])
    ]


def _read(kind: str, given: Mapping[str, str]) -> dict[str, Any]:
    """An alert to make, from a form, by the API's rules. Raises QueryInvalid with each mistake."""
    mistakes: dict[str, Any] = {}
    fields = _new_fields(kind, given, mistakes)
    try:
        wanted = read_new_alert(fields)
    except QueryInvalid as refusal:
        found = refusal.errors if isinstance(refusal.errors, Mapping) else {}
        raise QueryInvalid(str(refusal), errors={**found, **mistakes}) from None
    if mistakes:
        raise QueryInvalid("A field of the form means nothing.", errors=mistakes)
    return wanted


def _new_fields(kind: str, given: Mapping[str, str], mistakes: dict[str, Any]) -> dict[str, Any]:
    """The fields of a form as the API takes them; what is empty or a mistake is left out."""
    key = given["key"].strip()
    fields: dict[str, Any] = {"kind": kind, "name": given["name"], "url": given["url"]}

    def take(name: str, read: Callable[[], int]) -> None:
        try:
            fields[name] = read()
        except QueryInvalid as refusal:
            mistakes[name] = str(refusal)

    take("window_seconds", lambda: _window(given["window"].strip(), given["unit"]))
    if kind == "silence" and key:
        # Then it is that key's silence, whatever stands beside it.
        return fields | {"key": key}
    if given["per"]:
        fields["per"] = given["per"]
    if kind != "silence":
        take("threshold", lambda: _threshold(kind, given["threshold"]))
    if kind == "count":
        fields |= {"query": given["query"], "comparison": given["comparison"] or ">"}
    return fields


def _window(number: str, unit: str) -> int:
    if not WHOLE.fullmatch(number) or unit not in UNITS:
        raise QueryInvalid("A length of time is a whole number of minutes, hours or days.")
    return int(number) * UNITS[unit]


def _threshold(kind: str, text: str) -> int:
    """A number of records, or dollars as millionths of one."""
    amount = text.strip().removeprefix("$").replace(",", "")
    if kind == "budget":
        if not DOLLARS.fullmatch(amount):
            raise QueryInvalid("An amount of dollars is written as 5 or 0.25.")
        return int(Decimal(amount) * MICRO)
    if not WHOLE.fullmatch(amount):
        raise QueryInvalid("A number of records is a whole number.")
    return int(amount)


def _typed_threshold(row: Row) -> str:
    """A threshold as a form has it."""
    if row["threshold"] is None:
        return ""
    if row["kind"] != "budget":
        return str(row["threshold"])
    return format((Decimal(row["threshold"]) / MICRO).normalize(), "f")


def _shown(row: Row, now_ns: int) -> dict[str, Any]:
    """An alert as the page has it: never its secret, and of its address no more than the host."""
    address = urlsplit(row["url"])
    return {
        **{name: value for name, value in row.items() if name not in {"secret", "url"}},
        "condition": showing.condition(row),
        "standing": showing.standing(row, now_ns),
        "figure": showing.figure(row, row["value"]),
        "bound": showing.bound(row),
        "receiver": f"{address.scheme}://{address.netloc}",
    }


def _delivery(row: Row) -> dict[str, Any]:
    """A delivery with the sentence that it tells."""
    return {**row, "text": json.loads(row["body"])["text"]}
