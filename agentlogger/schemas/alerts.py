"""The shapes of alerts: one as it is made, changed and read, its states, and its deliveries."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from agentlogger.limits import (
    ALERT_COUNT_WINDOW_SECONDS_MAX,
    ALERT_DELIVERIES,
    ALERT_URL_CHARACTERS,
    ALERT_WINDOW_SECONDS_MAX,
    ALERT_WINDOW_SECONDS_MIN,
    PAGE_RECORDS,
    QUERY_CHARACTERS,
)
from agentlogger.schemas.arguments import read_fields
from agentlogger.schemas.known import KnownSchema
from agentlogger.schemas.moments import Iso
from agentlogger.schemas.nullable import NullableSchema
from agentlogger.schemas.searches import Name, SearchScopeSchema
from agentlogger.schemas.texts import plain_text

KINDS = ("count", "budget", "silence")
PERS = ("project", "key", "session", "user")
PERS_OF = {
    "count": ("project", "session", "user"),
    "budget": PERS,
    "silence": ("project", "key"),
}
"""Of what each one is judged by itself, by kind: a record does not tell its key, and a session that
is over is silent for good."""

COMPARISONS = (">", ">=", "<", "<=")
LESS = ("<", "<=")
THRESHOLD_MOST = 10**15
KEY_CHARACTERS = 11
"""The characters by which a key is recognised (`store/key_format.py`)."""


class Url(fields.String):
    """The address of a receiver: http or https, without a password in it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(max=ALERT_URL_CHARACTERS), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        try:
            address = urlsplit(text)
            is_whole = bool(address.hostname) and (address.port or 1) > 0
        except ValueError:
            is_whole = False
        if not is_whole or address.scheme not in {"http", "https"}:
            raise ValidationError("An address is written as https://example.org/path.")
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValidationError("An address has printable ASCII characters: encode the others.")
        if address.username is not None or address.password is not None:
            raise ValidationError(
                "An address takes no password: the signature says who sends, docs/alerts.md how."
            )
        return text.partition("#")[0]


class Whole(fields.Integer):
    """A number as JSON has it: neither a text nor a truth."""

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=least, max=most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool | str):
            raise ValidationError("Not a whole number.")
        number = super()._deserialize(value, attr, data, **kwargs)
        assert number is not None  # noqa: S101  (null is refused before)
        return number


THRESHOLD = "Records of a count; millionths of a US dollar of a budget."


class AlertChangeSchema(KnownSchema):
    """What of an alert may change; what is left out stays."""

    name = Name(metadata={"description": "Unique in the project."})
    threshold = Whole(0, THRESHOLD_MOST, metadata={"description": THRESHOLD})
    url = Url(metadata={"description": "Where to: http or https."})
    enabled = fields.Boolean(
        truthy={True},
        falsy={False},
        attribute="is_enabled",
        metadata={"description": "Switched on or off, it stands as a new one."},
    )


class NewAlertSchema(KnownSchema):
    """An alert to make."""

    name = Name(metadata={"description": "Unique in the project."})
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    search = fields.UUID(
        attribute="search_id", metadata={"description": "Of a count: the id of a saved search."}
    )
    query = fields.String(
        validate=validate.Length(max=QUERY_CHARACTERS),
        metadata={"description": "Of a count, instead: a query, as in docs/query-language.md."},
    )
    comparison = fields.String(
        validate=validate.OneOf(COMPARISONS),
        metadata={"description": "Of a count or a budget; > where it is left out."},
    )
    threshold = Whole(0, THRESHOLD_MOST, metadata={"description": THRESHOLD})
    window_seconds = Whole(
        ALERT_WINDOW_SECONDS_MIN,
        ALERT_WINDOW_SECONDS_MAX,
        required=True,
        metadata={"description": "How far it looks back; a count one day at most."},
    )
    per = fields.String(
        validate=validate.OneOf(PERS),
        metadata={"description": "Of what each one is judged by itself; project is all of it."},
    )
    key = fields.String(
        metadata={"description": "Of silence: the one key that is meant, or its beginning."}
    )
    url = Url(required=True, metadata={"description": "Where to: http or https."})

    @validates_schema
    def _fits(self, data: dict[str, Any], **_: Any) -> None:
        kind = data["kind"]
        per = data.get("per", "project")
        if per not in PERS_OF[kind]:
            raise ValidationError(f"A {kind} is per {', '.join(PERS_OF[kind])}.", "per")
        queries = {"search_id", "query"} & data.keys()
        if kind == "count" and len(queries) != 1:
            raise ValidationError("A count has either a search or a query.", "query")
        if kind == "count" and data["window_seconds"] > ALERT_COUNT_WINDOW_SECONDS_MAX:
            raise ValidationError(
                f"A count looks back {ALERT_COUNT_WINDOW_SECONDS_MAX:,} seconds at most.",
                "window_seconds",
            )
        if kind != "silence" and "threshold" not in data:
            raise ValidationError(f"A {kind} has a threshold.", "threshold")
        for name in _without_meaning(kind) & data.keys():
            field = "search" if name == "search_id" else name
            raise ValidationError(f"It means nothing for a {kind}.", field)
        if data.get("comparison") in LESS and (kind == "budget" or per != "project"):
            raise ValidationError(
                "Fewer than a number can only be counted in a whole project.", "comparison"
            )


def _without_meaning(kind: str) -> set[str]:
    named = {"search_id", "query", "comparison", "threshold", "key"}
    of = {
        "count": {"search_id", "query", "comparison", "threshold"},
        "budget": {"comparison", "threshold"},
        "silence": {"key"},
    }
    return named - of[kind]


class AlertSchema(NullableSchema):
    """An alert, and how it stands. Its secret is not told again."""

    ALWAYS = frozenset(
        {
            "id", "name", "kind", "window_seconds", "per", "receiver", "enabled", "created_by",
            "created_time", "firing", "since", "evaluated_time",
        }
    )  # fmt: skip

    id = fields.UUID()
    name = fields.String()
    kind = fields.String(validate=validate.OneOf(KINDS))
    search = fields.UUID(
        attribute="search_id", metadata={"description": "null where there is none any more."}
    )
    query = fields.String()
    comparison = fields.String()
    threshold = fields.Integer(metadata={"description": THRESHOLD})
    window_seconds = fields.Integer()
    per = fields.String(validate=validate.OneOf(PERS))
    key = fields.String()
    receiver = fields.Method(
        "_receiver",
        metadata={
            "type": "string",
            "description": "Of the url its scheme and host: the rest of it may be a secret.",
        },
    )
    enabled = fields.Boolean(attribute="is_enabled")
    created_by = fields.String(metadata={"description": "An account or a key, as text."})
    created_time = Iso("created_ns")
    firing = fields.Boolean(
        attribute="is_firing", metadata={"description": "Whether anything fires."}
    )
    since = Iso("since_ns", metadata={"description": "Since when that is so."})
    value = fields.Integer(metadata={"description": "The last one, the highest of all subjects."})
    evaluated_time = Iso("evaluated_ns", metadata={"description": "When it was judged last."})
    waits_until = Iso(
        "waits_until_ns",
        metadata={
            "description": "Until then too few cannot be told: a whole window is not counted yet."
        },
    )
    problem = fields.String(
        metadata={"description": "Why it was not judged, or what is not counted."}
    )

    def _receiver(self, row: dict[str, Any]) -> str:
        address = urlsplit(row["url"])
        return f"{address.scheme}://{address.netloc}"


class MadeAlertSchema(AlertSchema):
    """An alert that was made just now."""

    ALWAYS = AlertSchema.ALWAYS | {"secret"}

    secret = fields.String(
        metadata={"description": "Signs what is sent. Keep it: it is shown this once."}
    )


class AlertsSchema(Schema):
    """Every alert of a project, by name."""

    items = fields.List(fields.Nested(AlertSchema))


class AlertStateSchema(NullableSchema):
    """How one subject of an alert stands."""

    ALWAYS = frozenset({"subject", "firing", "since", "evaluated_time"})

    subject = fields.String(
        metadata={"description": "A key, a session or a user; empty for the whole project."}
    )
    firing = fields.Boolean(attribute="is_firing")
    since = Iso("since_ns")
    value = fields.Integer(metadata={"description": "Records, millionths of a US dollar, seconds."})
    evaluated_time = Iso("evaluated_ns")


class AlertStatesSchema(Schema):
    """The subjects of an alert that fire, and the last that ceased to."""

    items = fields.List(fields.Nested(AlertStateSchema))


class DeliveryTrySchema(NullableSchema):
    """How one try of a delivery went."""

    ALWAYS = frozenset({"time"})

    time = Iso("time_ns")
    status = fields.Integer(metadata={"description": "What the receiver answered."})
    error = fields.String(metadata={"description": "Why it was not delivered; null if it was."})
    took_ms = fields.Integer()


class DeliverySchema(NullableSchema):
    """A delivery: what is or was told, and how each try went."""

    ALWAYS = frozenset(
        {"id", "state", "subject", "status", "attempts", "created_time", "body", "tries"}
    )

    id = fields.UUID(metadata={"description": "As in the header X-AgentLogger-Delivery."})
    state = fields.String(metadata={"description": "firing, resolved or test."})
    subject = fields.String()
    status = fields.String(metadata={"description": "waiting, delivered or failed."})
    attempts = fields.Integer()
    created_time = Iso("created_ns")
    next_time = Iso("next_ns", metadata={"description": "When it is tried next."})
    body = fields.String(metadata={"description": "What is sent, as it is signed."})
    tries = fields.List(fields.Nested(DeliveryTrySchema))


class DeliveriesSchema(Schema):
    """The deliveries of an alert, the newest first."""

    items = fields.List(fields.Nested(DeliverySchema))


class DeliveriesQuerySchema(SearchScopeSchema):
    """Which deliveries to list."""

    limit = fields.Integer(
        load_default=PAGE_RECORDS,
        validate=validate.Range(min=1, max=ALERT_DELIVERIES),
        metadata={"description": "At most, the newest."},
    )


def read_new_alert(given: Any) -> dict[str, Any]:
    """An alert to make, from JSON, with what was left out. Raises QueryInvalid."""
    read = read_fields(NewAlertSchema(), given)
    read.setdefault("per", "key" if "key" in read else "project")
    if read["kind"] != "silence":
        read.setdefault("comparison", ">")
    if "query" in read:
        read["query"] = plain_text(read["query"])
    if "key" in read:
        # A whole key that somebody pasted is not kept.
        read["key"] = plain_text(read["key"])[:KEY_CHARACTERS]
    return read


def read_alert_change(given: Any) -> dict[str, Any]:
    """What is to change of an alert, from JSON. Raises QueryInvalid."""
    return read_fields(AlertChangeSchema(partial=True), given)
