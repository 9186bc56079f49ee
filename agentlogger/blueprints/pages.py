"""Pages for people: the newest records, one record, the API's description."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, current_app, render_template, request
from flask_login import current_user

from agentlogger import __version__
from agentlogger.blueprints.gate import caller, may, needs
from agentlogger.blueprints.logs import page_of, record_of
from agentlogger.blueprints.specification import document
from agentlogger.config import Settings
from agentlogger.intake import times
from agentlogger.intake.severity import band_name
from agentlogger.limits import SCREEN_RECORDS
from agentlogger.schemas.logs import read_log_query
from agentlogger.store import calls, projects
from agentlogger.store.rows import Row
from agentlogger.store.scope import OperatorScope

pages = Blueprint("pages", __name__)

CHOOSER = OperatorScope("a signed-in person chooses among all projects")
SUMMARY_CHARACTERS = 240
FILTERS = ("q", "from", "to", "severity", "severity_min", "event", "session", "model", "trace")


@pages.get("/")
@needs("read")
def stream() -> str:
    """The newest records, with filters; an empty project says how to fill it."""
    given = {name: text for name, text in request.args.items() if text and name != "limit"}
    page = page_of(read_log_query(given) | {"limit": SCREEN_RECORDS})
    settings: Settings = current_app.extensions["agentlogger.settings"]
    return render_template(
        "stream.html",
        rows=[_line(row) for row in page.items],
        hints=page.hints,
        given=given,
        filtered=any(name in given for name in FILTERS),
        next_query=None if page.next_cursor is None else given | {"cursor": page.next_cursor},
        newest_query={name: text for name, text in given.items() if name != "cursor"},
        endpoint=request.host_url.rstrip("/") if settings.is_loopback else settings.page_address,
    )


@pages.get("/r/<identifier>")
@needs("read")
def record(identifier: str) -> str:
    """One record, whole."""
    row = record_of(identifier)
    columns = [
        (name, row[name] if isinstance(row[name], str) else json.dumps(row[name]))
        for name in (
            "event", "kind", "agent", "session_id", "prompt_id", "run_id", "model", "provider",
            "tool", "tool_call_id", "request_id", "user_id", "ok", "error_type", "error_message",
            "tokens_in", "tokens_cache_read", "tokens_cache_write", "tokens_tool", "tokens_out",
            "tokens_reasoning", "usage_rule", "cost_micro_usd", "cost_source", "price_version",
            "trace_id", "span_id", "severity_text", "severity_source", "ts_source", "ts_sent",
            "tokens_in", "tokens_cache_read", "tokens_cache_write", "tokens_tool", "tokens_out",
            "tokens_reasoning", "usage_rule", "cost_micro_usd", "cost_source", "price_version",
        )
        if row[name] is not None
    ]  # fmt: skip
    blocks = [
        (title, _pretty(row[name]))
        for title, name in (
            ("Attributes", "attributes"), ("Resource", "resource"), ("Scope", "scope"),
            ("Envelope", "envelope"), ("Replaced or cut", "adjustments"),
        )
        if row[name]
    ]  # fmt: skip
    body = row["body"] if isinstance(row["body"], str) else _pretty(row["body"])
    return render_template(
        "record.html",
        row=_line(row),
        columns=columns,
        blocks=blocks,
        body=body,
        call=_call(calls.of_record(caller().scope, row["public_id"])),
    )


@pages.get("/docs")
@needs("read")
def documentation() -> str:
    """The API's description, made from /openapi.json; nothing comes from another host."""
    return render_template("documentation.html", spec=document())


@pages.app_context_processor
def _around() -> dict[str, Any]:
    """What every page shows: the version, who is signed in, and the projects to choose from."""
    try:
        email = current_user.email if current_user.is_authenticated else None
        names = [row["name"] for row in projects.all_of(CHOOSER)] if email else []
    except Exception:  # noqa: BLE001
        # The page that says that the database is away must not need the database.
        email, names = None, []
    return {
        "version": __version__,
        "signed_in_as": email,
        "is_admin": may("admin"),
        "projects": names,
        "project": request.args.get("project") or projects.DEFAULT_NAME,
        # What a link carries along, so that a chosen project stays chosen.
        "own_project": {name: text for name, text in request.args.items() if name == "project"},
    }


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
                "value": _dollars(call[column]) if column == "cost_micro_usd" else call[column],
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


def _line(row: Row) -> dict[str, Any]:
    """What the list shows of a record."""
    iso = times.to_iso(row["ts_ns"])
    milliseconds = None if row["duration_ns"] is None else row["duration_ns"] / 1_000_000
    return {
        "id": row["public_id"],
        "iso": iso,
        "date": iso[:10],
        "clock": iso[11:23],
        "level": band_name(row["severity_number"]),
        "derived": row["severity_source"] == "derived",
        "event": row["event"] or row["kind"],
        "kind": row["kind"],
        "agent": row["agent"] or "",
        "model": row["model"] or "",
        "session": row["session_id"] or "",
        "tool": row["tool"] or "",
        "failed": row["ok"] is False,
        "error": row["error_message"] or row["error_type"] or "",
        "duration": "" if milliseconds is None else _duration(milliseconds),
        "summary": _summary(row),
        "adjusted": bool(row["adjustments"]),
    }


def _summary(row: Row) -> str:
    """One line of what the record says: its body, else the attributes that say most."""
    body = row["body"]
    if body is None or body in {row["event"], ""} if isinstance(body, str) else not body:
        attributes = row["attributes"]
        body = next(
            (attributes[name] for name in SAYING if attributes.get(name) not in (None, "")), ""
        )
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return " ".join(text[: SUMMARY_CHARACTERS * 2].split())[:SUMMARY_CHARACTERS]


SAYING = (
    "prompt", "response", "error.message", "error", "output", "arguments", "function_args",
    "tool_parameters", "event.kind", "decision",
)  # fmt: skip
"""Attributes that stand for a body where there is none, as in all of Codex's records."""


def _duration(milliseconds: float) -> str:
    if milliseconds < 1_000:  # noqa: PLR2004
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1_000:.1f} s"


def _pretty(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)
