"""Where a command reads is said by its options, else the environment, else a file, else here."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from agentlogger.terminal.main import main
from agentlogger.terminal.sources import refusal

KEY = "alog_of_the_file"


class Told:
    """A server that tells what it was asked with, and finds nothing."""

    def __init__(self) -> None:
        self.keys: list[str | None] = []
        self.server = make_server("127.0.0.1", 0, self.answer)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    @Request.application
    def answer(self, request: Request) -> Response:
        self.keys.append(request.headers.get("Authorization"))
        if request.path.startswith("/elsewhere"):
            return Response(status=302, headers={"Location": f"{self.address}/api/v1/logs"})
        page = {"items": [], "next_cursor": None, "hints": []}
        return Response(json.dumps(page), content_type="application/json")


@pytest.fixture
def told():
    made = Told()
    thread = Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def run(tmp_path: Path):
    """A function that runs a search, with a file that has these lines."""
    own = tmp_path / "none.env"
    own.touch()

    def running(*words: str, lines: str = "", mode: int = 0o600, **environment: str):
        file = tmp_path / "agentlogger" / "terminal.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(lines)
        file.chmod(mode)
        given = {
            "XDG_CONFIG_HOME": str(tmp_path),
            "AGENTLOGGER_INSTANCE": str(tmp_path / "instance"),
            "AGENTLOGGER_ENV_FILE": str(own),
            "AGENTLOGGER_SERVER": None,
            "AGENTLOGGER_KEY": None,
            "DATABASE_URL": None,
            **environment,
        }
        return CliRunner().invoke(main, ["search", *words], env=given)

    return running


def test_a_server_of_the_file_is_asked_with_the_key_of_the_file(run, told):
    outcome = run(lines=f'server = "{told.address}"\nkey = "{KEY}"\n')

    assert outcome.exit_code == 3, outcome.output
    assert told.keys == [f"Bearer {KEY}"]


def test_an_option_wins_over_the_environment_and_that_over_the_file(run, told):
    lines = f'server = "http://127.0.0.1:9"\nkey = "{KEY}"\n'
    named = {"AGENTLOGGER_SERVER": told.address, "AGENTLOGGER_KEY": "alog_of_the_environment"}

    run(lines=lines, **named)
    run("--key", "alog_of_the_option", lines=lines, **named)
    run("--server", told.address, lines=lines, AGENTLOGGER_SERVER="http://127.0.0.1:9")

    assert told.keys == ["Bearer alog_of_the_environment", "Bearer alog_of_the_option", None]


def test_a_key_of_the_file_goes_to_the_server_of_the_file_alone(run, told):
    run("--server", told.address, lines=f'server = "https://logs.example"\nkey = "{KEY}"\n')

    assert told.keys == [None]


def test_a_server_that_sends_elsewhere_takes_no_key_along(run, told):
    outcome = run("--server", f"{told.address}/elsewhere", "--key", KEY)

    assert outcome.exit_code == 1
    assert told.keys == [f"Bearer {KEY}"]
    assert "answers 302" in outcome.stderr


def test_without_a_place_it_is_the_installation_and_nothing_is_made_there(run, tmp_path):
    outcome = run()

    assert outcome.exit_code == 1
    assert f"There is no database {tmp_path}/instance/agentlogger.db" in outcome.stderr
    assert not (tmp_path / "instance").exists()


@pytest.mark.parametrize("command", ["text-index status", "text-index rebuild --yes", "scrub"])
def test_what_looks_after_a_database_makes_none(command, tmp_path):
    given = {
        "AGENTLOGGER_ENV_FILE": str(tmp_path / "none.env"),
        "AGENTLOGGER_INSTANCE": str(tmp_path / "instance"),
        "DATABASE_URL": "",
    }
    (tmp_path / "none.env").touch()

    outcome = CliRunner().invoke(main, command.split(), env=given)

    assert outcome.exit_code == 1
    assert f"There is no database {tmp_path}/instance/agentlogger.db" in outcome.stderr
    assert not (tmp_path / "instance").exists()


@pytest.mark.parametrize(
    ("words", "lines", "code", "said"),
    [
        (["--server", "a", "--database", "b"], "", 2, "either --server or --database"),
        (["--server", "logs.example"], "", 1, "'logs.example' is no address"),
        (["--server", "http://u:p@logs.example"], "", 1, "takes no password"),
        (["--server", "http://127.0.0.1:9"], "", 1, "http://127.0.0.1:9 is not reached"),
        (["--database", "mysql://x/y"], "", 1, "--database names 'mysql'"),
        (["--database", "missing.db"], "", 1, "missing.db: start one with"),
        ([], "server = 1", 1, "has 'server', and takes server, key, database, project"),
        ([], "a = [", 1, "is no TOML"),
        ([], 'server = "http://a"\ndatabase = "b"', 1, "names a server and a database"),
    ],
)
def test_a_mistake_about_the_place_is_a_sentence(run, words, lines, code, said):
    outcome = run(*words, lines=lines)

    assert outcome.exit_code == code, outcome.output
    assert said in outcome.stderr
    assert "Traceback" not in outcome.output


def test_a_file_that_others_can_read_is_told(run, told):
    outcome = run(lines=f'server = "{told.address}"\nkey = "{KEY}"\n', mode=0o644)

    assert "chmod 600" in outcome.stderr


def test_what_a_server_refuses_moves_nothing_on_the_terminal():
    problem = json.dumps({"detail": "no \x1b[2J\u202e", "code": "x"}).encode()

    assert str(refusal(400, problem, "it")) == r"no \x1b[2J\u202e"
    assert str(refusal(502, b"<h1>\x1b]0;x\x07", "it")) == r"it answers 502: <h1>\x1b]0;x\x07"
