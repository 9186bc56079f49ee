"""A record, or what happened in a run, as one line: how severe, who, what, figures, and a text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentlogger.intake.severity import band_name
from agentlogger.showing import figures

Record = Mapping[str, Any]
Item = Mapping[str, Any]
Run = Mapping[str, Any]

SAYING = (
    "prompt", "response", "error.message", "error", "output", "arguments", "function_args",
    "tool_input", "tool_parameters", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result",
    "input.value", "event.kind", "decision",
)  # fmt: skip
"""Attributes that stand for a body where there is none, those first that say most."""

FAMILIES = ("claude_code.", "codex.", "gemini_cli.")
"""What the events of an agent begin with, whose name stands before them already."""

PLAIN = "log"
"""The kind of what is of no other, which says nothing."""

RESULT = " ⇒ "
"""Stands between what a tool was asked and what it gave."""


@dataclass(frozen=True)
class Line:
    """What a line says of a record, its texts as they were sent."""

    level: str
    agent: str
    what: str
    failed: bool
    figures: str
    text: str


def line_of(record: Record) -> Line:
    """What a line says of a record of the API."""
    return Line(
        level=band_name(record["severity_number"]),
        agent=record.get("agent") or "",
        what=_what(record),
        failed=record.get("ok") is False,
        figures=figures_of(record),
        text=text_of(record),
    )


def text_of(record: Record) -> str:
    """What a record says: why it failed, else its body, else the attribute that says most."""
    if record.get("ok") is False and record.get("error_message"):
        return str(record["error_message"])
    body = record.get("body")
    if body in (None, "", record.get("event"), {}, []):
        attributes = record.get("attributes") or {}
        body = next(
            (attributes[name] for name in SAYING if attributes.get(name) not in (None, "")),
            record.get("error_message") or record.get("error_type") or "",
        )
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def _what(record: Record) -> str:
    """What happened: a tool or a model by its name, else the event without its family's."""
    kind = record.get("kind") or ""
    named = {"tool": record.get("tool"), "llm": record.get("model")}.get(kind)
    if named:
        return str(named)
    event = short_event(record.get("event") or (kind if kind != PLAIN else ""))
    return f"{event} {record['tool']}" if record.get("tool") else event


def short_event(event: str) -> str:
    """An event without the name of its agent."""
    for family in FAMILIES:
        event = event.removeprefix(family)
    return event


def figures_of(record: Record) -> str:
    """Tokens, cost and duration, as far as they are known."""
    parts = []
    tokens_in, tokens_out = record.get("tokens_in"), record.get("tokens_out")
    if tokens_in is not None or tokens_out is not None:
        parts.append(f"{figures.count(tokens_in)}→{figures.count(tokens_out)}")
    if record.get("cost_micro_usd") is not None:
        parts.append(figures.dollars(record["cost_micro_usd"]))
    if record.get("duration_ns") is not None:
        parts.append(figures.duration(record["duration_ns"]))
    return " ".join(parts)


def item_line(item: Item) -> Line:
    """What a line says of something that happened."""
    what, failed = item["what"], item["ok"] is False
    named = (
        item["tool"] if what in {"tool", "decision"} else item["model"] if what == "call" else ""
    )
    name = named or short_event(item["event"] or what)
    if what == "response":
        name = what
    text = item["error_message"] or item["error_type"] or "" if failed else ""
    if not text:
        parts = (item["arguments"], item["result"]) if what == "tool" else (item["text"],)
        text = RESULT.join(part for part in parts if part) or item["error_message"] or ""
    if item["decision"] and (what == "decision" or failed):
        by = f" by {item['decided_by']}" if item["decided_by"] else ""
        text = f"{item['decision']}{by}  {text}".rstrip()
    return Line("", item["agent"] or "", name, failed, figures_of(item), text)


def sums_of(run: Run) -> list[str]:
    """A run in figures, a few words each."""
    usage = run["usage"]
    prompts = sum(turn["prompt"] is not None for turn in run["turns"])
    tools = sum(item["what"] == "tool" for turn in run["turns"] for item in turn["items"])
    failed = f" ({usage['failed']:,} failed)" if usage["failed"] else ""
    parts = [
        figures.of(run["records"], "record"),
        figures.of(prompts, "prompt"),
        figures.of(usage["calls"], "call") + failed,
        figures.of(tools, "tool"),
    ]
    if usage["tokens_in"] is not None or usage["tokens_out"] is not None:
        parts.append(f"{figures.count(usage['tokens_in'])}→{figures.count(usage['tokens_out'])}")
    if usage["cost_micro_usd"] is not None:
        parts.append(figures.dollars(usage["cost_micro_usd"]))
    return parts
