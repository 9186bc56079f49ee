"""`agentlogger mcp`, driven by the official client."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from agentlogger.terminal import mcp as command
from agentlogger.terminal.main import main
from agentlogger.terminal.places import Place
from agentlogger.terminal.tokens import estimate
from tests.terminal.test_reading import record

try:
    from mcp import Client, StdioServerParameters

    from agentlogger.terminal.tools import server
except ModuleNotFoundError as missing:
    if missing.name != "mcp":
        raise
    pytest.skip(command.MISSING, allow_module_level=True)


def asked(target: Any, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """The answers of a server, and before them its tools."""

    async def ask() -> list[Any]:
        async with Client(target) as client:
            answers: list[Any] = [await client.list_tools()]
            for name, arguments in calls:
                answers.append(await client.call_tool(name, arguments))
            return answers

    return asyncio.run(ask())


def text(answer: Any) -> str:
    (content,) = answer.content
    return content.text


@pytest.fixture
def tools(at_a_server) -> Callable[..., list[Any]]:
    """A function that asks the tools of a place."""

    def asking(*calls: tuple[str, dict[str, Any]]) -> list[Any]:
        source = Place(server=at_a_server.place[1]).open()
        try:
            return asked(server(source), *calls)
        finally:
            source.close()

    return asking


def test_a_model_searches_reads_one_record_and_goes_on_behind_a_bound(at_a_server, tools):
    at_a_server.fill(
        *(record(number, tool="Bash" if number % 2 else "Read") for number in range(40))
    )

    listed, found, short = tools(
        ("search", {"query": "tool:Bash", "since": "2026-11-22", "limit": 5}),
        ("search", {"query": "tool:Bash", "tokens": 500}),
    )
    cursor = re.search(r"cursor=(\S+)", text(short))[1]
    identifier = re.search(r"\w{26}$", text(found), re.MULTILINE)[0]
    _, more, one = tools(
        ("search", {"query": "tool:Bash", "cursor": cursor}),
        ("record", {"identifier": identifier}),
    )

    assert {tool.name for tool in listed.tools} == {"search", "sessions", "run", "record"}
    assert all(tool.annotations.read_only_hint for tool in listed.tools)
    assert re.findall(r"number (\d+)", text(found)) == ["31", "33", "35", "37", "39"]
    assert estimate(text(short)) <= 500
    seen = re.findall(r"number (\d+)", text(more)) + re.findall(r"number (\d+)", text(short))
    assert seen == [str(number) for number in range(1, 40, 2)]
    assert "body: number 31\n" in text(one)


def test_a_mistake_is_a_sentence_that_the_model_reads(tools):
    listed, unknown, missing, mistyped, exchanged, deep = tools(
        ("search", {"qurey": "level:error"}),
        ("record", {"identifier": "no-such-id"}),
        ("search", {"since": "soon"}),
        ("sessions", {"since": "1h", "until": "2h"}),
        ("search", {"query": " OR ".join(["a"] * 60)}),
    )

    answers = (unknown, missing, mistyped, exchanged, deep)
    assert [answer.is_error for answer in answers] == [True] * 5
    assert "'qurey' is unknown; did you mean query?" in text(unknown)
    assert {tool.input_schema["additionalProperties"] for tool in listed.tools} == {False}
    assert "No record has the id 'no-such-id'" in text(missing)
    assert "'soon' is no time" in text(mistyped)
    assert "`until` is not after `since`" in text(exchanged)
    assert "more than 50 terms" in text(deep)


def test_a_model_asks_for_sessions_and_one_of_them(at_a_server, tools):
    failed = {"tool": "Bash", "success": False, "error_message": "exit 1", "duration_ms": 3100}
    at_a_server.fill(record(3, session_id="s-1", event="claude_code.tool_result", **failed))

    _, listed, told, missing = tools(
        ("sessions", {"query": "ok:false"}),
        ("run", {"identifier": "s-"}),
        ("run", {"identifier": "nowhere"}),
    )

    assert "| s-1 |" in text(listed)
    assert "07:04:03 tool Bash FAILED 3.1s | exit 1" in text(told)
    assert missing.is_error
    assert "Nothing was recorded" in text(missing)


def test_it_speaks_over_standard_input_and_output_on_sqlite(sqlite_databases):
    words = ["-m", "agentlogger", "mcp", "--database", str(sqlite_databases.clone().database)]

    _, found = asked(
        StdioServerParameters(command=sys.executable, args=words), ("search", {"query": "a"})
    )

    assert not found.is_error
    assert text(found).startswith("0 records")


def test_without_its_package_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(command, "find_spec", lambda _: None)

    outcome = CliRunner().invoke(main, ["mcp"])

    assert main.get_command(None, "mcp") is command.mcp
    assert outcome.exit_code == 1
    assert "pip install 'agentlogger[mcp]'" in outcome.output
