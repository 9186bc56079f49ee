"""The lines with which an agent sends here, as an empty project shows them to paste."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from agentlogger.showing.programs import PROGRAMS, Sending


@dataclass(frozen=True)
class Lines:
    """What is pasted where, for one program."""

    name: str
    place: str
    text: str


def lines_for(to: Sending) -> list[Lines]:
    """For each program that can send here; first those that variables alone set up."""
    return [
        *(Lines(one.name, one.place, one.written(to)) for one in PROGRAMS.values()),
        Lines("OpenAI's Agents SDK", "in the program, before its first run", _agents(to)),
        Lines("Python's logging", "with agentlogger/handler.py beside the program", _logging(to)),
        Lines("Anything that can post JSON", "as here with curl", _curl(to)),
    ]


def _agents(to: Sending) -> str:
    # Without a key its exporter sends nothing, so there is a word even where none is asked for.
    key, endpoint = json.dumps(to.key or "none"), json.dumps(f"{to.address}/v1/traces/ingest")
    return (
        "from agents import set_trace_processors\n"
        "from agents.tracing.processors import BackendSpanExporter, BatchTraceProcessor\n\n"
        f"exporter = BackendSpanExporter(api_key={key},\n"
        f"    endpoint={endpoint})\n"
        "set_trace_processors([BatchTraceProcessor(exporter)])"
    )


def _logging(to: Sending) -> str:
    key = f", key={json.dumps(to.key)}" if to.key else ""
    return (
        "import logging\n"
        "from agentlogger.handler import AgentLoggerHandler\n\n"
        f"handler = AgentLoggerHandler({json.dumps(to.address)}{key})\n"
        "logging.getLogger().addHandler(handler)\n"
        'logging.warning("hello")'
    )


def _curl(to: Sending) -> str:
    key = f"  -H 'Authorization: Bearer {to.key}' \\\n" if to.key else ""
    return (
        f"curl {shlex.quote(f'{to.address}/api/v1/logs')} \\\n{key}"
        "  -H 'Content-Type: application/json' \\\n"
        '  -d \'{"severity": "info", "message": "hello"}\''
    )
