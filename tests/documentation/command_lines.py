"""The commands that pages show, held against the programs that they call."""

from __future__ import annotations

import importlib.util
import io
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import cache, partial
from importlib.metadata import entry_points

import click
from alembic.config import CommandLine
from flask.cli import cli as flask_cli
from gunicorn.config import Config

from agentlogger.terminal.main import main
from tests.documentation.pages import ROOT, code_spans, lines_of_code

PROGRAM = re.compile(
    r"""^
    (?:Exec\w+=)?      # a key of a unit file
    (?:eval\ "\$\()?    # a shell that runs what is printed
    (?:[\w.~/-]*/)?   # the folder of the program
    (?P<program>flask|agentlogger|alembic|make|gunicorn|python)
    (?P<rest>(?:\s.*)?)$""",
    re.VERBOSE,
)


def commands_of(page: str) -> Iterator[tuple[str, bool]]:
    """The commands on a page, and whether each is there to be run as it is.

    One within a sentence may leave its arguments to the reader.
    """
    for line in lines_of_code(page, "bash", "ini"):
        if PROGRAM.match(line):
            yield line, True
    for span in code_spans(page):
        if PROGRAM.match(span):
            yield span, False


def mistake_in(command: str, *, whole: bool) -> str:
    """What the program called would say against it; "" where it would run."""
    match = PROGRAM.match(command)
    if match is None:
        return "no program of ours"
    rest = match["rest"].removesuffix(')"').removesuffix("...")
    arguments = shlex.split(rest, comments=True)
    check = {
        "flask": _mistake_for_flask,
        "agentlogger": partial(_mistake_for_click, main),
        "alembic": _mistake_for_alembic,
        "make": _mistake_for_make,
        "gunicorn": _mistake_for_gunicorn,
        "python": _mistake_for_python,
    }[match["program"]]
    return check(arguments, whole)


@cache
def _flask() -> click.Group:
    """The commands of `flask`: its own, and those of installed packages."""
    loaded = {point.name: point.load() for point in entry_points(group="flask.commands")}
    return click.Group("flask", commands={**flask_cli.commands, **loaded})


def _mistake_for_flask(arguments: list[str], whole: bool) -> str:
    if arguments[:1] == ["--app"]:
        arguments = arguments[2:]
    return _mistake_for_click(_flask(), arguments, whole)


def _mistake_for_click(command: click.Command, arguments: list[str], whole: bool) -> str:
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
        known = command.get_command(click.Context(command), name)
        if known is None:
            return f"{command.name} has no command {name}"
        command = known
    if isinstance(command, click.Group) and not arguments:
        return f"{command.name} needs a command" if whole else ""
    try:
        with redirect_stdout(io.StringIO()):
            context = command.make_context(command.name, arguments)
    except click.exceptions.Exit:
        return ""
    except click.MissingParameter as fault:
        return fault.format_message() if whole else ""
    except click.UsageError as fault:
        return fault.format_message()
    # `flask db upgrade` takes an option that it does not know for a revision.
    unknown = [value for value in context.params.values() if str(value).startswith("--")]
    return f"No such option: {unknown[0]}" if unknown else ""


def _mistake_for_alembic(arguments: list[str], whole: bool) -> str:
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            CommandLine(prog="alembic").parser.parse_args(arguments)
    except SystemExit:
        left_out = "the following arguments are required" in said.getvalue()
        return "" if left_out and not whole else said.getvalue().strip().splitlines()[-1]
    return ""


def _mistake_for_make(arguments: list[str], _whole: bool) -> str:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    variables = set(re.findall(r"\$\(([A-Z]+)\)", makefile))
    for argument in arguments:
        variable, is_set, _ = argument.partition("=")
        if is_set and variable not in variables:
            return f"the Makefile has no variable {variable}"
        if not is_set and not argument.startswith("-") and argument not in targets:
            return f"the Makefile has no target {argument}"
    return ""


def _mistake_for_gunicorn(arguments: list[str], _whole: bool) -> str:
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            Config().parser().parse_args(arguments)
    except SystemExit:
        return said.getvalue().strip().splitlines()[-1]
    return ""


def _mistake_for_python(arguments: list[str], _whole: bool) -> str:
    if arguments[:1] != ["-m"]:
        return ""
    found = importlib.util.find_spec(arguments[1])
    return "" if found else f"there is no module {arguments[1]}"
