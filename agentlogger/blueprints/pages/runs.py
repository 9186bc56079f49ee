"""Runs: a list of sessions, and one session or trace as a story that people read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.pages import asked
from agentlogger.blueprints.pages.layout import own_project
from agentlogger.blueprints.pages.rows import icon_of, tokens_of
from agentlogger.blueprints.pages.timeline import timeline_of, waterfall_of
from agentlogger.blueprints.runs import session_told, sessions_of, trace_told
from agentlogger.intake import times
from agentlogger.schemas.arguments import read_arguments
from agentlogger.schemas.runs import RunQuerySchema
from agentlogger.schemas.sessions import SessionQuerySchema
from agentlogger.showing import figures
from agentlogger.showing.characters import on_one_line
from agentlogger.showing.lines import item_line
from agentlogger.showing.messages import Field, Message, brief_of, fields_of, messages_of
from agentlogger.store import logs as records
from agentlogger.store.rows import Row
from agentlogger.store.runs import runs as stored_runs

runs_page = Blueprint("runs_page", __name__)

HERE = "runs_page.show"
INPUT = stored_runs.INPUT
IGNORED = frozenset({"limit"})
BRIEF_CHARACTERS = 300
TITLE_CHARACTERS = 160
DEEPEST = 12
"""Levels of a tree of spans that are indented; what is deeper stands there too."""


@dataclass(frozen=True)
class Told:
    """Something that happened, as the page shows it."""

    number: int
    what: str
    icon: str
    clock: str
    iso: str
    name: str
    brief: str
    failed: bool
    tokens: str
    cost: str
    took: str
    error: str
    text: str
    arguments: list[Field]
    arguments_text: str
    result: str
    note: str
    is_cut: bool
    record: str


@runs_page.get("/runs")
@needs("read")
def show() -> str:
    """Sessions, those with the newest records first."""
    given = {name: text for name, text in request.args.items() if text and name not in IGNORED}
    page = sessions_of(read_arguments(SessionQuerySchema, given))
    cursor = page["next_cursor"]
    asked_first = _asked_first(page["items"])
    return render_template(
        "runs.html",
        sessions=[_session(row, asked_first) for row in page["items"]],
        hints=page["hints"],
        given=given,
        filtered=asked.is_filtered(given),
        ranges=asked.ranges(HERE, given),
        older=None if cursor is None else given | {"cursor": cursor},
        newest=asked.changed(HERE, given, {}),
    )


@runs_page.get("/run")
@needs("read")
def run() -> ResponseReturnValue:
    """One session or trace as a story. Raises RunMissing.

    Its id is a parameter, since agents choose it: a path cannot hold every text.
    """
    given = {name: text for name, text in request.args.items() if text}
    session, trace = given.pop("session", ""), given.pop("trace", "")
    part = read_arguments(RunQuerySchema, given)
    if session:
        return _page("session", session, session_told(session, part))
    if trace:
        return _page("trace", trace, trace_told(trace, part))
    return redirect(url_for(HERE, **own_project()))


def _page(what: str, identifier: str, told: Mapping[str, Any]) -> str:
    numbers = count(1)
    turns = [
        turn | {"told": [_told(item, next(numbers)) for item in turn["items"]]}
        for turn in told["turns"]
    ]
    asked_first = next((turn["prompt"]["text"] for turn in turns if turn["prompt"]), None)
    after = told["left_out"]["after"] if told["left_out"] else None
    conversation = [] if asked_first else _conversation(told)
    timeline = timeline_of(told)
    return render_template(
        "run.html",
        what=what,
        identifier=identifier,
        records_link=url_for("stream.show", **own_project() | {what: identifier}),
        title=_title(asked_first, conversation),
        told=told,
        turns=turns,
        tools=sum(item["what"] == "tool" for turn in turns for item in turn["items"]),
        prompts=sum(turn["prompt"] is not None for turn in turns),
        length=timeline.length if timeline else figures.duration(0),
        tokens=tokens_of(told["usage"]),
        timeline=timeline,
        waterfall=waterfall_of(told["spans"]),
        deepest=DEEPEST,
        conversation=conversation,
        others=sorted(told["others"].items(), key=lambda pair: -pair[1]),
        next_part=after
        and url_for("runs_page.run", **own_project() | {what: identifier, "after": after}),
    )


def _asked_first(sessions: list[Row]) -> dict[str, str]:
    """What each session began with: its first prompt, else what its first call was asked."""
    scope = caller().scope
    found = stored_runs.first_prompts(scope, sessions)
    left = [one for one in sessions if one["session_id"] not in found]
    for name, text in stored_runs.first_inputs(scope, left).items():
        found[name] = next(_asked_in(messages_of({"attributes": {INPUT: text}})), "")
    return found


def _asked_in(messages: list[Message]) -> Iterator[str]:
    """What people say in a conversation."""
    return (part.text for one in messages if one.role == "user" for part in one.parts)


def _title(prompt: str | None, conversation: list[Message]) -> str:
    """What was asked first, in a line; nothing where nobody knows."""
    text = on_one_line((prompt or next(_asked_in(conversation), ""))[: TITLE_CHARACTERS * 2])
    return f"{text[:TITLE_CHARACTERS]}…" if len(text) > TITLE_CHARACTERS else text


def _conversation(told: Mapping[str, Any]) -> list[Message]:
    """The messages of the last call, which has all before it; for runs that name no prompt."""
    calls = [item for turn in told["turns"] for item in turn["items"] if item["what"] == "call"]
    for item in reversed(calls):
        for identifier in item["records"]:
            row = records.one(caller().scope, identifier)
            messages = messages_of(row) if row else []
            if messages:
                return messages
    return []


def _told(item: Row, number: int) -> Told:
    line = item_line(item)
    iso = times.to_iso(item["ts_ns"])
    what = item["what"]
    brief = brief_of(item["arguments"]) if what == "tool" else line.text
    decided = item["decision"] and (what == "decision" or line.failed)
    by = f" by {item['decided_by']}" if item["decided_by"] else ""
    return Told(
        number=number,
        what=what,
        icon=icon_of(what),
        clock=iso[11:19],
        iso=iso,
        name=line.what,
        brief=on_one_line(brief[: BRIEF_CHARACTERS * 2])[:BRIEF_CHARACTERS],
        failed=line.failed or what == "error",
        tokens=tokens_of(item),
        cost="" if item["cost_micro_usd"] is None else figures.dollars(item["cost_micro_usd"]),
        took="" if item["duration_ns"] is None else figures.duration(item["duration_ns"]),
        error=item["error_message"] or item["error_type"] or "",
        text=item["text"] or "",
        arguments=fields_of(item["arguments"]),
        arguments_text=item["arguments"] or "",
        result=item["result"] or "",
        note=f"permission: {item['decision']}{by}" if decided else _retried(item),
        is_cut=bool(item["truncated"]),
        record=item["records"][0],
    )


def _retried(item: Row) -> str:
    before = item["failed_before"]
    return f"after {figures.of(before, 'failure')}" if before else ""


def _session(row: Row, asked_first: Mapping[str, str]) -> dict[str, Any]:
    first, last = times.to_iso(row["first_ns"]), times.to_iso(row["last_ns"])
    return row | {
        "prompt": asked_first.get(row["session_id"], "")[: TITLE_CHARACTERS * 2],
        "iso": last,
        "date": last[:10],
        "clock": last[11:16],
        "first_iso": first,
        "length": figures.duration(row["last_ns"] - row["first_ns"]),
        "tokens": tokens_of(row["usage"]),
        "cost": row["usage"]["cost_micro_usd"],
    }
