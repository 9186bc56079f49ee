"""What the README tells to do does what it says."""

from __future__ import annotations

import os
import re
import shlex
from urllib.parse import urlsplit

from agentlogger.config import read_settings
from agentlogger.migrate.extension import revisions_in
from agentlogger.migrate.ledger.graph import State
from agentlogger.terminal import serve
from tests import nursery
from tests.documentation import pages
from tests.documentation.command_lines import PROGRAM

README = pages.read("README.md")
SECTIONS = pages.sections(README)


def curls() -> list[str]:
    """The curl commands of the README, each with the lines that it reads."""
    code = "\n".join(pages.code_blocks(README, "bash"))
    return re.findall(r"^curl [^\n]*(?:\n(?!curl |flask |agentlogger |#).*)*", code, re.MULTILINE)


def as_request(command: str) -> dict[str, object]:
    """What a curl command sends, as the test client takes it."""
    line, _, after = command.partition("<<'LINES'\n")
    given = shlex.split(line.replace("\\\n", " "))[1:]
    headers, body, address = {}, None, ""
    while given:
        word = given.pop(0)
        if word == "-H":
            name, _, value = given.pop(0).partition(": ")
            headers[name] = value
        elif word in {"-d", "--data-binary"}:
            said = given.pop(0)
            body = after.partition("LINES\n")[0] if said == "@-" else said
        else:
            address = word
    url = urlsplit(address)
    return {
        "path": url.path,
        "query_string": url.query,
        "headers": headers,
        "data": body,
        "method": "GET" if body is None else "POST",
    }


def test_what_curl_sends_and_asks_is_answered(client):
    answers = [client.open(**as_request(command)) for command in curls()]

    assert len(answers) == 5
    assert [answer.status_code for answer in answers] == [200] * 5
    shown = pages.code_blocks(SECTIONS["curl"], "json")[0]
    assert answers[0].get_data(as_text=True).strip() == shown.strip()
    assert answers[1].get_json()["accepted"] == 2
    assert [item["body"] for item in answers[3].get_json()["items"]] == ["it failed"]
    assert [item["body"] for item in answers[4].get_json()["items"]] == ["two", "one"]


def test_serving_prints_what_the_readme_shows(described):
    settings = read_settings({"AGENTLOGGER_INSTANCE": described.instance_path, "SECRET_KEY": "x"})
    migrations = described.extensions["migrations"]
    reached = State(migrations.heads(), revisions_in(migrations.folder), ())

    printed = serve._greeting(described, settings, serve.place(reached), keyed=False)

    def without_folder(text: str) -> list[str]:
        # Where it lies, and whether it was compiled, is for each to see.
        text = re.sub(r"sqlite:////\S+", "sqlite:////...", text)
        return re.sub(r"(intake  +).+", r"\1...", text).strip().splitlines()

    assert without_folder(printed) == without_folder(pages.code_blocks(README, "text")[0])


def test_the_commands_before_gunicorn_lead_from_an_empty_database_to_a_key(
    empty_database_url, tmp_path
):
    section = SECTIONS["PostgreSQL and gunicorn"]
    commands = [line for line in pages.lines_of_code(section, "bash") if line.startswith("flask ")]
    environment = os.environ | {
        "DATABASE_URL": empty_database_url.render_as_string(hide_password=False),
        "AGENTLOGGER_INSTANCE": str(tmp_path),
        "AGENTLOGGER_PASSWORD": "correct horse battery",
        "PYTHONPATH": str(pages.ROOT),
    }
    outcomes = []
    for number, command in enumerate(commands):
        with (tmp_path / f"{number}.out").open("wb") as out, (tmp_path / "err").open("wb") as err:
            code = nursery.run(
                shlex.split(command), cwd=str(pages.ROOT), environment=environment,
                out=out, err=err, seconds=600,
            )  # fmt: skip
        outcomes.append((code, (tmp_path / "err").read_text()))

    assert [PROGRAM.match(command)["rest"].split()[:2] for command in commands] == [
        ["db", "upgrade"],
        ["users", "create"],
        ["keys", "create"],
    ]
    assert [outcome for outcome in outcomes if outcome[0]] == []
    assert (tmp_path / "2.out").read_text().startswith("alog_")
