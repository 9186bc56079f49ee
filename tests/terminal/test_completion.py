"""A shell completes commands, options and choices."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from agentlogger.terminal.main import COMMANDS, main
from tests.documentation import pages


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_asks_this_program(shell):
    outcome = CliRunner().invoke(main, ["completion", shell])

    assert outcome.exit_code == 0, outcome.output
    assert f"_AGENTLOGGER_COMPLETE={shell}_complete" in outcome.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["sea"], {"search"}),
        (["search", "--fo"], {"--follow", "--for-llm"}),
        (["env", "c"], {"claude", "codex"}),
        (["stats", "--by", "m"], {"model"}),
    ],
)
def test_what_is_typed_is_completed(typed, offered):
    asked = {
        "_AGENTLOGGER_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["agentlogger", *typed]),
        "COMP_CWORD": str(len(typed)),
    }

    told = CliRunner().invoke(main, [], env=asked, prog_name="agentlogger").output

    assert {line.partition(",")[2] for line in told.splitlines()} == offered


def test_the_list_of_commands_says_of_each_what_it_does():
    listed = CliRunner().invoke(main, ["--help"]).output

    for name, (_, said) in COMMANDS.items():
        command = main.commands.get(name) or main.get_command(None, name)
        assert command.name == name
        assert said.endswith(".")
        assert name in listed


def test_neither_a_server_nor_its_library_is_loaded_to_complete_or_to_ask_one():
    program = """
import sys
from click.testing import CliRunner
from agentlogger.terminal.main import main
CliRunner().invoke(main, ["search", "--server", "http://127.0.0.1:9"])
CliRunner().invoke(main, ["--help"])
print(*sorted({"flask", "sqlalchemy", "gunicorn", "mcp"} & sys.modules.keys()))
"""
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(pages.ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.split() == []
