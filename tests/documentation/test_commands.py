"""Every command on a page is one that its program knows, with its options and arguments."""

from __future__ import annotations

import re

import pytest

from tests.documentation import pages
from tests.documentation.command_lines import commands_of, mistake_in

GUIDE = pages.ROOT / "tests" / "corpus" / "guide.md"


def commands_of_the_guide() -> list[str]:
    """The command lines of the document that the project was founded on, without comments."""
    lines = (
        line.partition("#")[0].strip() for line in pages.lines_of_code(GUIDE.read_text(), "bash")
    )
    return list(dict.fromkeys(line for line in lines if line))


def pieces_of_code(section: str) -> set[str]:
    """What a section shows as code, a line or a piece at a time, without comments."""
    lines = (line.partition("#")[0].strip() for line in pages.lines_of_code(section, "bash"))
    return {*lines, *pages.code_spans(section)}


@pytest.mark.parametrize("page", pages.all_pages(), ids=pages.name_of)
def test_every_command_would_run(page):
    text = page.read_text()

    mistakes = {command: mistake_in(command, whole=whole) for command, whole in commands_of(text)}

    assert {command: said for command, said in mistakes.items() if said} == {}


@pytest.mark.parametrize("command", commands_of_the_guide())
def test_a_command_of_the_guide_stands_beside_its_other_form(command):
    other = re.sub(r"^alembic", "flask db", command)
    shown = map(pieces_of_code, pages.sections(pages.read("docs/migrations.md")).values())

    assert any({command, other} <= pieces for pieces in shown)


def test_every_target_of_the_makefile_that_a_person_needs_is_in_the_words():
    words = pages.read("README.md") + pages.read("CONTRIBUTING.md")

    for target in ("serve", "test", "lint", "format", "dev-database", "help"):
        assert re.search(rf"\bmake {target}\b", words), target


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("flask users create --root you@example.org", "--root"),
        ("flask users destroy", "no command destroy"),
        ("flask db upgrade --again", "--again"),
        ("flask keys create --scope everything", "everything"),
        (".venv/bin/flask users create --admin", "EMAIL"),
        ("agentlogger server", "no command server"),
        ("agentlogger serve --port 4318", "--port"),
        ("alembic upgrade", "required"),
        ("alembic current --heads-up", "--heads-up"),
        ("make server", "no target server"),
        ("make test X=tests", "no variable X"),
        ("gunicorn wsgi:app --no-such", "--no-such"),
        ("python -m tests.nowhere", "no module"),
        ("ExecStart=/srv/agentlogger/.venv/bin/flask db upgrad", "no command upgrad"),
    ],
)
def test_a_command_that_would_not_run_is_seen(command, said):
    assert said in mistake_in(command, whole=True)


def test_within_a_sentence_arguments_may_be_left_out():
    assert mistake_in("flask users create --admin", whole=False) == ""
    assert mistake_in("flask db ...", whole=False) == ""
    assert mistake_in("alembic upgrade", whole=False) == ""
