"""docs/terminal.md has every command that reads, with its options, and the exit codes."""

from __future__ import annotations

import click
import pytest

from agentlogger.terminal import sources
from agentlogger.terminal.main import COMMANDS, main
from tests.documentation import pages

PAGE = pages.read("docs/terminal.md")
SECTIONS = pages.sections(PAGE)

ELSEWHERE = {"serve", "import", "export", "replay", "scrub", "text-index"}
"""Commands of other pages."""


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - ELSEWHERE))
def test_every_command_and_option_stands_there(name):
    command = main.get_command(None, name)
    code = " ".join(pages.code_spans(PAGE) + pages.code_blocks(PAGE, "bash"))

    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]

    assert any(name in heading.split() for heading in SECTIONS)
    missing = [word for option in options for word in option.opts if word not in code]
    assert missing == []


def test_every_exit_code_stands_there():
    codes = [int(code) for code, _ in pages.rows(SECTIONS["Exit codes"])]

    assert codes == [0, 1, click.UsageError.exit_code, sources.NOTHING, sources.INTERRUPTED]
    assert sources.Missing.exit_code == sources.NOTHING
