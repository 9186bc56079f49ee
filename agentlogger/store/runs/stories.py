"""Stories: of what was recorded of a run, what happened, in turns. Nothing here knows a database.

A turn is what somebody asked and what followed. Where records name the prompt that they belong to,
that counts; else what was recorded between two prompts belongs to the first; and where there is no
prompt at all, each trace is a turn.

A model's call comes from the ledger of calls, and a tool's is put together of its decision, its
result and its spans: each is told once, by however many records.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentlogger.limits import PREVIEW_CHARACTERS
from agentlogger.store.rows import Row
from agentlogger.store.runs.speech import Said, said_in

USER, ASSISTANT, SYSTEM = (
    "gen_ai.user.message", "gen_ai.assistant.message", "gen_ai.system.message",
)  # fmt: skip
HISTORY = frozenset({USER, ASSISTANT, SYSTEM, "gen_ai.tool.message", "gen_ai.choice"})
"""Events by which emitters send a conversation's messages, all of them again with each call."""

FAILED_SEVERITY = 17
TOLD = frozenset({"agent", "session", "compaction", "hook", "eval", "retrieval", "decision"})
"""Kinds of records that are told by themselves, beside prompts, responses, calls and tools."""

TWINS_NS = 1_000_000
"""Codex writes some events twice within microseconds, as a log record and as an event of the span
that it stands in: two of one event in one span, no further apart, are one."""

NOTHING: Row = dict.fromkeys(
    (
        "text", "agent", "model", "provider", "tool", "tool_call_id", "arguments", "result",
        "decision", "decided_by", "ok", "duration_ns", "error_type", "error_message",
        "call_id", "failed_before", "tokens_in", "tokens_out", "tokens_cache_read",
        "tokens_cache_write", "tokens_tool", "tokens_reasoning", "cost_micro_usd", "cost_source",
    )
)  # fmt: skip
"""What an item may tell, and does not unless a record does."""


@dataclass
class Turn:
    """What somebody asked, and what followed."""

    since_ns: int
    key: str | None = None
    """The prompt's id, or the trace, by which records belong to it."""
    prompt: Row | None = None
    items: list[Row] = field(default_factory=list)
    calls: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Story:
    """A run as it is told."""

    turns: list[Turn]
    others: dict[str, int]
    """How many records of each event tell nothing of their own: they are in no item."""


def story_of(records: Sequence[Row], calls: Sequence[Row]) -> Story:
    """The story of these records, in the order of their keys, and of these calls."""
    return _Telling(records).story(calls)


class _Turns:
    """Which turns a run has, and which of them something belongs to."""

    def __init__(self, records: Sequence[Row]) -> None:
        self.seen: set[tuple[str, str]] = set()
        self.prompts: set[str] = set()
        """Records that are told as prompts."""
        began: dict[str | None, int] = {}
        for row in records:
            began.setdefault(row["trace_id"], row["ts_ns"])
        turns = [Turn(since_ns=0)]
        for row in records:
            if row["kind"] == "prompt" and row["event"] != SYSTEM:
                self._add_prompt(turns, row, began)
        asked = turns[1:]
        by_id = not asked or any(turn.key for turn in asked)
        known = {turn.key for turn in asked}
        for row in records:
            key = (row["prompt_id"] if by_id else None) or (None if asked else row["trace_id"])
            if key and key not in known:
                known.add(key)
                turns.append(Turn(since_ns=row["ts_ns"], key=key))
        self.all = sorted(turns, key=lambda turn: turn.since_ns)
        self._begins = [turn.since_ns for turn in self.all]
        self._named = {turn.key: turn for turn in self.all if turn.key}

    def _add_prompt(self, turns: list[Turn], row: Row, began: dict[str | None, int]) -> None:
        """Begin a turn with a prompt, unless it was sent before with an earlier call."""
        said = said_in(row)
        last = turns[-1]
        if row["event"] == USER and not self.is_new(USER, said.text or str(row["trace_id"])):
            return
        self.prompts.add(row["record"])
        if last.prompt and (
            (row["prompt_id"] and last.key == row["prompt_id"]) or _are_twins(last.prompt, row)
        ):
            _put(last.prompt, "text", said.text)
            return
        since = row["ts_ns"]
        if row["trace_id"]:
            # Messages are recorded when their call has ended, and the trace began before.
            floor = last.prompt["ts_ns"] + 1 if last.prompt else 0
            since = min(since, max(floor, began[row["trace_id"]]))
        names = ("record", "ts_ns", "event", "trace_id", "span_id", "prompt_id", "user_id")
        prompt = {name: row[name] for name in names}
        prompt |= {"text": None, "truncated": []}
        _put(prompt, "text", said.text)
        turns.append(Turn(since_ns=since, key=row["prompt_id"], prompt=prompt))

    def is_new(self, who: str, text: str) -> bool:
        """Whether this was not said before, and from now on it was."""
        number = len(self.seen)
        self.seen.add((who, text))
        return len(self.seen) > number

    def turn(self, ts_ns: int, keys: Iterable[str | None]) -> Turn:
        """The turn that something belongs to: by the names that it has, else by its time."""
        for key in keys:
            if key in self._named:
                return self._named[key]
        return self.all[max(0, bisect_right(self._begins, ts_ns) - 1)]


class _Telling:
    """One run on its way to a story."""

    def __init__(self, records: Sequence[Row]) -> None:
        self.records = records
        self.by_id = {row["record"]: row for row in records}
        self.turns = _Turns(records)
        self.others: dict[str, int] = defaultdict(int)
        self.tools: dict[str, Row] = {}
        self.nameless: dict[tuple[int, Any, Any], int] = defaultdict(int)
        self.spans: dict[tuple[str, str], Row] = {}
        """The item of each span that is told."""

    def story(self, calls: Sequence[Row]) -> Story:
        """The whole of it."""
        for call in calls:
            self._tell_call(call)
        done = {report["record"] for call in calls for report in call["reports"]}
        done |= self.turns.prompts
        left = [row for row in self.records if row["record"] not in done]
        # Records of tools that do not name their call are matched with those that do.
        for row in sorted(left, key=lambda row: row["kind"] == "tool" and not row["tool_call_id"]):
            self._tell(row)
        turns = [turn for turn in self.turns.all if turn.prompt or turn.items]
        for turn in turns:
            turn.items.sort(key=lambda item: (item["ts_ns"], item["records"][0]))
        return Story(turns, dict(sorted(self.others.items())))

    def _tell(self, row: Row) -> None:
        failed = row["severity_number"] >= FAILED_SEVERITY or row["ok"] is False
        if row["event"] in HISTORY:
            self._tell_message(row)
        elif row["kind"] == "tool" or (row["kind"] == "decision" and row["tool_call_id"]):
            self._tell_tool(row)
        elif row["kind"] == "response":
            self._tell_response(row, said_in(row))
        elif row["kind"] in TOLD:
            twin = self.spans.get((row["trace_id"], row["span_id"]))
            if twin is not None and _are_twins(twin, row):
                twin["records"].append(row["record"])
                return
            item = self._item(row, row["kind"])
            item |= {name: row[name] for name in ("agent", "model", "ok", "duration_ns")}
            item |= {name: row[name] for name in ("decision", "decided_by")}
            item |= {name: row[name] for name in ("error_type", "error_message")}
        elif failed:
            self._tell_failure(row)
        else:
            self.others[row["event"] or row["kind"]] += 1

    def _tell_call(self, call: Row) -> None:
        rows = [self.by_id[one["record"]] for one in call["reports"] if one["record"] in self.by_id]
        keys = [row[name] for name in ("prompt_id", "trace_id") for row in rows]
        turn = self.turns.turn(call["ts_ns"], keys)
        item = NOTHING | {name: call[name] for name in NOTHING if name in call}
        item |= {
            "what": "call",
            "event": None,
            "ts_ns": call["ts_ns"],
            "records": [report["record"] for report in call["reports"]],
            "truncated": [],
            "duration_ns": max((row["duration_ns"] or 0 for row in rows), default=0) or None,
        }
        for name in ("error_type", "error_message"):
            item[name] = next((row[name] for row in rows if row[name]), None)
        turn.calls.append(call)
        turn.items.append(item)
        self.spans |= {(row["trace_id"], row["span_id"]): item for row in rows if row["span_id"]}

    def _tell_message(self, row: Row) -> None:
        """A message of a conversation, unless it was sent with an earlier call already."""
        said = said_in(row)
        if row["kind"] == "tool" and said.tool_call_id:
            _put(self._tool(row, said.tool_call_id), "result", said.text)
        for asked in said.asked:
            item = self._tool(row, asked.tool_call_id)
            item["tool"] = item["tool"] or asked.name
            _put(item, "arguments", asked.arguments)
        is_answer = row["kind"] == "response" and said.text
        if is_answer and self.turns.is_new(ASSISTANT, str(said.text)):
            self._tell_response(row, said)
        elif not said.asked and row["kind"] != "tool":
            self.others[row["event"]] += 1

    def _tell_response(self, row: Row, said: Said) -> None:
        item = self._item(row, "response")
        item["model"] = row["model"]
        _put(item, "text", said.text)

    def _tell_tool(self, row: Row) -> None:
        item = self._tool(row, row["tool_call_id"] or self._nth(row))
        _put(item, "arguments", row["arguments"])
        _put(item, "result", row["result"])
        for name in ("tool", "agent", "decision", "decided_by", "error_type", "error_message"):
            item[name] = item[name] or row[name]
        if row["ok"] is not None:
            # Of two that differ, the one that tells of a failure is right.
            item["ok"] = row["ok"] and item["ok"] is not False
        if row["kind"] == "tool" and row["duration_ns"] is not None:
            item["duration_ns"] = max(item["duration_ns"] or 0, row["duration_ns"])

    def _nth(self, row: Row) -> str:
        """Which call of a tool a record is of that does not name it.

        The n-th record of an event is of the n-th call of this tool in its turn.
        """
        turn = self._turn_of(row)
        place = (id(turn), row["tool"], row["event"])
        number = self.nameless[place]
        self.nameless[place] += 1
        same = [one for one in turn.items if one["what"] == "tool" and one["tool"] == row["tool"]]
        same.sort(key=lambda item: item["ts_ns"])
        return str(same[number]["key"]) if number < len(same) else row["record"]

    def _tool(self, row: Row, key: str) -> Row:
        """The item of a call of a tool, with one more record of it."""
        item = self.tools.get(key)
        if item is None:
            item = self.tools[key] = self._item(row, "tool")
            item |= {"key": key, "tool_call_id": None if key == row["record"] else key}
        else:
            item["records"].append(row["record"])
            if row["span_id"]:
                self.spans.setdefault((row["trace_id"], row["span_id"]), item)
        return item

    def _tell_failure(self, row: Row) -> None:
        """An error: with what it stands in, where that was told, else by itself."""
        item = self.spans.get((row["trace_id"], row["span_id"]))
        if item is None:
            item = self._item(row, "error")
            item["agent"] = row["agent"]
            _put(item, "text", said_in(row).text)
        else:
            item["records"].append(row["record"])
        for name in ("error_type", "error_message"):
            item[name] = item[name] or row[name]

    def _turn_of(self, row: Row) -> Turn:
        return self.turns.turn(row["ts_ns"], (row["prompt_id"], row["trace_id"]))

    def _item(self, row: Row, what: str) -> Row:
        """A new item of the turn that a record belongs to."""
        item = NOTHING | {
            "what": what,
            "event": row["event"],
            "ts_ns": row["ts_ns"],
            "trace_id": row["trace_id"],
            "span_id": row["span_id"],
            "records": [row["record"]],
            "truncated": [],
        }
        self._turn_of(row).items.append(item)
        if row["span_id"]:
            self.spans.setdefault((row["trace_id"], row["span_id"]), item)
        return item


def _are_twins(told: Row, row: Row) -> bool:
    """Whether two records are of one event of one span, by Codex' way of writing both."""
    same = all(told.get(name) == row[name] for name in ("event", "trace_id", "span_id"))
    return bool(same and row["span_id"] and row["ts_ns"] - told["ts_ns"] <= TWINS_NS)


def _put(item: Row, name: str, text: str | None) -> None:
    """Let an item tell a text, or its beginning, unless it tells one already."""
    if item[name] is not None or text is None:
        return
    item[name] = text[:PREVIEW_CHARACTERS]
    if len(text) > PREVIEW_CHARACTERS:
        item["truncated"].append(name)
