"""`agentlogger env` prints settings that a shell, or a program, takes as they are."""

from __future__ import annotations

import json
import shlex
import subprocess
import tomllib

import pytest
from click.testing import CliRunner
from opentelemetry.util.re import parse_env_headers

from agentlogger.showing.programs import PROGRAMS
from agentlogger.store import keys, projects
from agentlogger.store.scope import OperatorScope
from agentlogger.store.users import create
from agentlogger.terminal.main import main
from tests.documentation import pages
from tests.terminal.reading import Reader

TESTS = OperatorScope("a test makes accounts")
README = pages.sections(pages.read("README.md"))
ADDRESS = "http://127.0.0.1:9"
"""Nothing answers there, and the settings hold all the same."""

KEY = "alog_" + "a1B2" * 9


def printed(*words: str) -> str:
    outcome = CliRunner().invoke(main, ["env", *words, "--server", ADDRESS])
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def exported(*words: str) -> dict[str, str]:
    """What a shell that runs the lines gives on to its programs."""
    run = ["sh", "-c", f"{printed(*words)}\nexec env -0"]
    told = subprocess.run(run, env={}, capture_output=True, check=True).stdout.decode()
    pairs = dict(line.split("=", 1) for line in told.split("\0") if line)
    return {name: value for name, value in pairs.items() if name.isupper() and name != "PWD"}


def shown(program: str) -> dict[str, str]:
    """What the README tells to export, for this server."""
    lines = "\n".join(pages.code_blocks(README[program], "bash")).replace(
        "http://127.0.0.1:4318", ADDRESS
    )
    words = [word for line in lines.splitlines() for word in shlex.split(line, comments=True)]
    return dict(word.split("=", 1) for word in words if "=" in word)


def test_the_lines_are_those_of_the_readme():
    assert exported("claude") == shown("Claude Code")
    assert exported("node") == exported("python") == shown("Any OpenTelemetry SDK")


def test_what_to_do_with_them_names_the_server_that_was_named():
    outcome = CliRunner().invoke(main, ["env", "claude", "--content", "--server", ADDRESS])

    again = f"agentlogger env claude --server {ADDRESS} --content"
    assert f'eval "$({again})"' in outcome.stderr


def test_codex_is_told_in_its_own_file():
    (block,) = pages.code_blocks(README["Codex CLI"], "toml")
    readme = tomllib.loads(block.replace("http://127.0.0.1:4318", ADDRESS))

    assert tomllib.loads(printed("codex")) == readme
    told = tomllib.loads(printed("codex", "--key", KEY, "--content"))["otel"]
    assert told["exporter"]["otlp-http"]["headers"] == {"authorization": f"Bearer {KEY}"}
    assert told["log_user_prompt"] is True


def test_gemini_is_told_by_the_variables_of_its_settings():
    (block,) = pages.code_blocks(README["Gemini CLI"], "json")
    readme = json.loads(block.replace("http://127.0.0.1:4318", ADDRESS))["telemetry"]

    told = exported("gemini")

    assert told == {
        "GEMINI_TELEMETRY_ENABLED": json.dumps(readme["enabled"]),
        "GEMINI_TELEMETRY_TARGET": readme["target"],
        "GEMINI_TELEMETRY_OTLP_PROTOCOL": readme["otlpProtocol"],
        "GEMINI_TELEMETRY_OTLP_ENDPOINT": readme["otlpEndpoint"],
        "GEMINI_TELEMETRY_LOG_PROMPTS": json.dumps(readme["logPrompts"]),
    }


@pytest.mark.parametrize("program", sorted(PROGRAMS.keys() - {"codex"}))
def test_a_key_is_carried_as_sdks_read_it(program):
    headers = exported(program, "--key", KEY)["OTEL_EXPORTER_OTLP_HEADERS"]

    assert parse_env_headers(headers, liberal=True) == {"authorization": f"Bearer {KEY}"}


def test_what_no_key_has_is_never_run_by_a_shell():
    outcome = CliRunner().invoke(
        main, ["env", "claude", "--server", ADDRESS, "--key", "alog_$(touch x)"]
    )

    assert outcome.exit_code == 2
    assert outcome.stdout == ""


def test_a_server_that_asks_for_a_key_is_noticed(at_a_server: Reader):
    with at_a_server.app.app_context():
        create(TESTS, email="a@b.example", password="long enough 1", full_name=None, is_admin=True)
        key = keys.create(projects.DEFAULT, name="k", scopes=("ingest",), expires_ns=None)

    without = at_a_server.run("env", "claude")
    given = at_a_server.run("env", "claude", "--key", key)

    assert 'HEADERS="Authorization=Bearer alog_..."' in without.stdout
    assert "`flask keys create` makes one" in without.stderr
    assert f'HEADERS="Authorization=Bearer {key}"' in given.stdout
