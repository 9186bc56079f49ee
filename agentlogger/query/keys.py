"""The table of keys: what can stand before a colon, and what may stand behind it.

The parser, the compiler and docs/query-language.md are all made from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

NEAREST = 3
"""Keys that are named for one that is unknown."""


class Kind(Enum):
    """What the values of a key are, and so how they are written and compared."""

    NAME = "name"
    ID = "id"
    TEXT = "text"
    LEVEL = "level"
    DURATION = "duration"
    COUNT = "count"
    COST = "cost"
    FLAG = "flag"


KINDS = {
    Kind.NAME: "the whole value, in upper or lower case: `tool:bash`; `*` stands for any text",
    Kind.ID: "the whole value, letter for letter; `*` stands for any text",
    Kind.TEXT: "a part of the value, in upper or lower case",
    Kind.LEVEL: "`trace`, `debug`, `info`, `warn`, `error`, `fatal`, or 1 to 24; `level:warn` is "
    "all four numbers of it, `level:>=warn` these and what is above",
    Kind.DURATION: "a number with its unit: `ns`, `us`, `ms`, `s`, `m`, `h` or `d`",
    Kind.COUNT: "a number, also with `k`, `M` or `G` for thousands, millions, billions",
    Kind.COST: "US dollars, down to a millionth: `0.50` or `$0.50`",
    Kind.FLAG: "`true` or `false`, also `yes` or `no`",
}
"""How the values of each kind are written."""

COMPARED = (Kind.LEVEL, Kind.DURATION, Kind.COUNT, Kind.COST)
"""The kinds that have an order, and so take `>`, `>=`, `<` and `<=`."""


@dataclass(frozen=True)
class Key:
    """A key: its name, the column of `log_records` behind it, and what it means in a sentence."""

    name: str
    kind: Kind
    column: str
    sentence: str
    aliases: tuple[str, ...] = ()
    example: str = ""


@dataclass(frozen=True)
class Attribute:
    """An attribute by its name, which may be any text."""

    name: str


KEYS = (
    Key("level", Kind.LEVEL, "severity_number", "How severe it is.", ("severity",), "level:>=warn"),
    Key("kind", Kind.NAME, "kind", "What the record is of.", (), "kind:(prompt, response)"),
    Key(
        "event",
        Kind.NAME,
        "event",
        "The name by which people know the event.",
        (),
        "event:claude_code.*",
    ),
    Key("agent", Kind.NAME, "agent", "The agent, else the service.", ("service",)),
    Key(
        "model",
        Kind.NAME,
        "model",
        "The model that answered, else the one that was asked.",
        (),
        "model:claude-*",
    ),
    Key("provider", Kind.NAME, "provider", "Who serves the model."),
    Key("tool", Kind.NAME, "tool", "The tool.", (), "tool:Bash"),
    Key("user", Kind.NAME, "user_id", "Whose agent it is.", ("user_id",)),
    Key(
        "session",
        Kind.ID,
        "session_id",
        "The session, conversation or thread.",
        ("session_id",),
        "session:0b7c*",
    ),
    Key(
        "prompt",
        Kind.ID,
        "prompt_id",
        "What a person asked, that this belongs to.",
        ("prompt_id",),
    ),
    Key("run", Kind.ID, "run_id", "The run, else the trace.", ("run_id",)),
    Key("trace", Kind.ID, "trace_id", "The trace.", ("trace_id",)),
    Key("span", Kind.ID, "span_id", "The span.", ("span_id",)),
    Key("parent", Kind.ID, "parent_span_id", "The span that it is a part of.", ("parent_span_id",)),
    Key("call", Kind.ID, "tool_call_id", "One call of a tool.", ("tool_call_id",)),
    Key("request", Kind.ID, "request_id", "One request to the provider.", ("request_id",)),
    Key("ok", Kind.FLAG, "ok", "Whether it worked.", ("success",), "ok:false"),
    Key("error", Kind.NAME, "error_type", "The kind of error.", ("error_type",)),
    Key(
        "error.message",
        Kind.TEXT,
        "error_message",
        "The error in words.",
        ("error_message",),
        'error.message:"rate limit"',
    ),
    Key("duration", Kind.DURATION, "duration_ns", "How long it took.", (), "duration:>2s"),
    Key(
        "tokens.in",
        Kind.COUNT,
        "tokens_in",
        "All input of a call of a model.",
        ("tokens_in",),
        "tokens.in:>10k",
    ),
    Key("tokens.out", Kind.COUNT, "tokens_out", "All output.", ("tokens_out",)),
    Key(
        "tokens.cache",
        Kind.COUNT,
        "tokens_cache_read",
        "The part of the input that was read from a cache.",
        ("tokens.cache.read", "tokens_cache_read"),
    ),
    Key(
        "tokens.cache.write",
        Kind.COUNT,
        "tokens_cache_write",
        "The part of the input that was written to one.",
        ("tokens_cache_write",),
    ),
    Key(
        "tokens.tool",
        Kind.COUNT,
        "tokens_tool",
        "The part of the input that is of tools.",
        ("tokens_tool",),
    ),
    Key(
        "tokens.reasoning",
        Kind.COUNT,
        "tokens_reasoning",
        "The part of the output that was reasoned.",
        ("tokens_reasoning",),
    ),
    Key("cost", Kind.COST, "cost_micro_usd", "What it cost.", (), "cost:>0.50"),
    Key(
        "cost.source",
        Kind.NAME,
        "cost_source",
        "Where the cost comes from.",
        ("cost_source",),
        "cost.source:upper_bound",
    ),
)
"""Every key, in the order in which people read of them."""

TIMES = frozenset({"time", "timestamp", "ts", "from", "to", "since", "until", "before", "after"})
"""What people write where they mean a time, which is never a part of a query: the same query can
then be followed live, counted and shared."""

_BY_NAME = {name: key for key in KEYS for name in (key.name, *key.aliases)}


def known(name: str) -> Key | None:
    """The key of this name or alias, in upper or lower case."""
    return _BY_NAME.get(name.lower())


def nearest(name: str) -> Sequence[str]:
    """The keys whose names or aliases are like this one, the likest first."""
    close = get_close_matches(name.lower(), _BY_NAME, n=NEAREST)
    return list(dict.fromkeys(_BY_NAME[one].name for one in close))
