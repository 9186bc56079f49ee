"""A line on a terminal: aligned, as wide as it may be, and with colours only where they belong."""

from __future__ import annotations

from datetime import UTC

import pytest
from rich.cells import cell_len

from agentlogger.showing import figures
from agentlogger.terminal.console import console
from agentlogger.terminal.lines import Layout
from tests.terminal.test_brief import of_api

RECORDS = [
    of_api(1, "ask " * 99, agent="claude-code", event="claude_code.user_prompt", kind="prompt"),
    of_api(2, agent="an-agent-with-a-long-name", kind="tool", tool="Bash", ok=False, body=None,
           error_message="exit 1\nat line 3", duration_ns=3_100_000_000, severity_number=17),
    of_api(3, kind="llm", model="m-1", tokens_in=20_134, tokens_out=431, cost_micro_usd=12_345),
    of_api(4, "修复登录页面的时区问题" * 20, agent="修复登录页面的时区问题"),
    of_api(5, "\x1b[2J" * 60, agent="\u202e" * 9),
]  # fmt: skip


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_every_line_is_one_line_and_no_wider_than_the_terminal(width):
    layout = Layout(width, ids=False, zone=UTC)

    lines = [layout.set(record).plain for record in RECORDS]

    assert [line for line in lines if "\n" in line or cell_len(line) > width] == []
    agent_ends = {cell_len(line[: line.index(text)]) for line, text in zip(
        lines[:3], ("user_prompt", "Bash", "m-1"), strict=True
    )}  # fmt: skip
    assert len(agent_ends) == 1
    assert all((RECORDS[0]["id"] in line) == (width >= 132) for line in lines[:1])


def test_a_line_says_what_happened_how_long_and_for_how_much():
    layout = Layout(200, ids=False, zone=UTC)

    tool, call = (layout.set(record).plain for record in RECORDS[1:3])

    assert "07:04:02.000 ERROR an-agent-with… Bash ✗ 3.1s  exit 1 ↵ at line 3 " in tool
    assert "m-1 20.1k→431 $0.0123  number 3 " in call


def test_a_day_is_told_where_it_begins():
    layout = Layout(80, ids=False, zone=UTC)
    days = [layout.day(of_api(number)) for number in (0, 1, 86_400)]

    assert [day and day.plain for day in days] == [
        "── Sun 2026-11-22 UTC", None, "── Mon 2026-11-23 UTC",
    ]  # fmt: skip


def test_colours_are_left_out_where_nobody_wants_them(monkeypatch, capsys):
    line = Layout(80, ids=False, zone=UTC).set(RECORDS[1])

    def printed(**environment: str) -> str:
        with monkeypatch.context() as patch:
            for name in ("NO_COLOR", "FORCE_COLOR"):
                patch.delenv(name, raising=False)
            for name, value in {"TERM": "xterm-256color", **environment}.items():
                patch.setenv(name, value)
            console().print(line, soft_wrap=True)
        return capsys.readouterr().out

    assert "\x1b[" not in printed()
    assert "\x1b[1;31m" in printed(FORCE_COLOR="1")
    assert "\x1b" not in printed(FORCE_COLOR="1", NO_COLOR="1")


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (figures.count(None), "\N{EN DASH}"),
        (figures.count(999), "999"),
        (figures.count(1_000), "1.0k"),
        (figures.count(999_949), "999.9k"),
        (figures.count(999_950), "1.0M"),
        (figures.count(10**18), "1000000.0T"),
        (figures.dollars(1), "$0.0000"),
        (figures.dollars(999_999), "$1.0000"),
        (figures.dollars(1_234_567_890), "$1,234.57"),
        (figures.dollars(4_500, beside=10**6), "$0.00"),
        (figures.duration(0), "0ms"),
        (figures.duration(999_600_000), "1.0s"),
        (figures.duration(59_960_000_000), "1m00s"),
        (figures.duration(3_599_700_000_000), "1h00m"),
    ],
)
def test_figures_are_short_and_rounded_once(figure, said):
    assert figure == said
