"""One record, whole: what it says, what it is made of, what was around it, and ways to take it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, render_template, url_for

from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.logs import record_of
from agentlogger.blueprints.neighbours import around
from agentlogger.blueprints.pages.layout import address, own_project
from agentlogger.blueprints.pages.rows import row_of
from agentlogger.schemas.logs import OneLogRecordSchema
from agentlogger.showing.messages import messages_of
from agentlogger.showing.programs import PLACEHOLDER
from agentlogger.store import calls
from agentlogger.store.rows import Row

record = Blueprint("record", __name__)

AROUND = 6
"""Records before it and as many after it."""

FACTS = (
    ("Who", ("agent", "user_id", "model", "provider", "tool", "tool_call_id")),
    ("Where", ("session_id", "prompt_id", "run_id", "trace_id", "span_id", "request_id")),
    ("Outcome", ("ok", "error_type", "error_message")),
    (
        "Tokens and cost",
        (
            "tokens_in", "tokens_cache_read", "tokens_cache_write", "tokens_tool", "tokens_out",
            "tokens_reasoning", "usage_rule", "cost_micro_usd", "cost_source", "price_version",
        ),
    ),
    (
        "As it came",
        ("event", "kind", "severity_text", "severity_source", "ts_source", "ts_sent"),
    ),
)  # fmt: skip
"""The columns of a record as people look for them."""

PARTS = (
    ("Attributes", "attributes"), ("Resource", "resource"), ("Scope", "scope"),
    ("Envelope", "envelope"), ("Replaced or cut", "adjustments"),
)  # fmt: skip

COUNTS = {
    "tokens_in": "input",
    "tokens_cache_read": "of it from a cache",
    "tokens_cache_write": "of it to a cache",
    "tokens_tool": "of it for tools",
    "tokens_out": "output",
    "tokens_reasoning": "of it reasoning",
    "cost_micro_usd": "cost",
}
"""The numbers of a call that a person asks about, in words."""


@record.get("/r/<identifier>")
@needs("read")
def show(identifier: str) -> str:
    """One record. Raises RecordMissing."""
    row = record_of(identifier)
    call = calls.of_record(caller().scope, row["public_id"])
    near = around(row, None, before=AROUND, after=AROUND)
    own = address() + url_for("logs.one_log", identifier=row["public_id"])
    messages = messages_of(row)
    return render_template(
        "record.html",
        row=row_of(row),
        facts=[(title, list(_facts(row, names))) for title, names in FACTS],
        parts=[(title, list(_pairs(row[name]))) for title, name in PARTS if row[name]],
        messages=messages,
        body="" if messages or row["body"] in (None, row["event"]) else _text(row["body"]),
        call=_call(call),
        raw=_pretty(OneLogRecordSchema().dump(row | {"call": call})),
        link=address() + url_for("record.show", identifier=row["public_id"], **own_project()),
        json_link=own,
        curl=_curl(own),
        within=near["within"],
        before=[row_of(one) for one in near["before"]],
        after=[row_of(one) for one in near["after"]],
        is_first=near["is_first"],
        is_last=near["is_last"],
    )


def _facts(row: Row, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The columns that have a value, each with it."""
    return ((name, _text(row[name])) for name in names if row[name] is not None)


def _pairs(given: Any) -> Iterator[tuple[str, str]]:
    """The names and values of an object, those within an object within it by a longer name."""
    if not isinstance(given, Mapping):
        yield "", _text(given)
        return
    for name, value in given.items():
        if isinstance(value, Mapping) and value:
            yield from ((f"{name}.{inner}", text) for inner, text in _pairs(value))
        else:
            yield name, _text(value)


def _curl(own: str) -> str:
    """The command that gets this record."""
    key = "" if caller().by == "open" else f' -H "Authorization: Bearer {PLACEHOLDER}"'
    return f"curl {shlex.quote(own)}{key}"


def _call(call: Row | None) -> dict[str, Any] | None:
    """Why a call's numbers are what they are: each with the record whose word counts."""
    if call is None:
        return None
    words = {column: report for report in call["reports"] for column in report["counts"]}
    return {
        "id": str(call["call_id"]),
        "ok": {True: "answered", False: "failed", None: "no answer is known"}[call["ok"]],
        "failed_before": call["failed_before"],
        "reports": call["reports"],
        "numbers": [
            {
                "name": name,
                "value": _dollars(call[column])
                if column == "cost_micro_usd"
                else f"{call[column]:,}",
                "record": words[column]["record"],
                "source": words[column]["source"],
                "rule": words[column].get(
                    "cost_source" if column == "cost_micro_usd" else "usage_rule", ""
                ),
            }
            for column, name in COUNTS.items()
            if column in words
        ],
    }


def _dollars(micro_usd: int) -> str:
    return f"${micro_usd / 1_000_000:.6f}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _pretty(value)


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
