"""`agentlogger env`: the settings with which a program sends to this server."""

from __future__ import annotations

import pkgutil
import re
import shlex

import click
from click.core import ParameterSource

from agentlogger.showing.programs import PLACEHOLDER, PROGRAMS, Sending
from agentlogger.terminal.console import note
from agentlogger.terminal.places import Place, reads_from
from agentlogger.terminal.sources import Refused, ServerSource

UNAUTHORISED = 401
KEY = re.compile(r"[\w.~+/=-]+", re.ASCII)
"""What a key may have in it: what is printed is run by a shell."""


@click.command()
@click.argument("program", type=click.Choice(list(PROGRAMS)))
@click.option(
    "--content", is_flag=True, help="Send prompts, answers and arguments of tools along, too."
)
@reads_from
def env(program: str, place: Place, *, content: bool) -> None:
    """Print the settings with which PROGRAM sends here, ready to be run or pasted.

    What to do with them is said beside them, on standard error.
    """
    if place.key and not KEY.fullmatch(place.key):
        raise click.UsageError("That is no key: `flask keys create` makes one.")
    address = _address(place)
    key = place.key or (PLACEHOLDER if _asks_for_a_key(address) else "")
    known = PROGRAMS[program]
    click.echo(known.written(Sending(address, key, content)))
    note(known.use.replace(f"agentlogger env {program}", _again(program)))
    if key == PLACEHOLDER:
        note(
            "The server asks for a key: `flask keys create` makes one; give it with --key or "
            "AGENTLOGGER_KEY."
        )


def _again(program: str) -> str:
    """This command as it was written, for a shell to run: without them it would name another."""
    written = click.get_current_context()
    options = [
        part
        for name in ("server", "key", "content")
        if written.get_parameter_source(name) is ParameterSource.COMMANDLINE
        for part in _option(name, written.params[name])
    ]
    return shlex.join(["agentlogger", "env", program, *options])


def _option(name: str, value: str | bool) -> list[str]:
    return [f"--{name}"] if isinstance(value, bool) else [f"--{name}", value]


def _address(place: Place) -> str:
    """The server that is meant: the one that is named, else the one that the settings make."""
    if place.server:
        return ServerSource(place.server, place.key).name
    if place.database:
        raise click.UsageError("Programs send to a server, not to a database: name --server.")
    address: str = pkgutil.resolve_name("agentlogger.config:read_settings")().page_address
    return address


def _asks_for_a_key(address: str) -> bool:
    try:
        ServerSource(address, "").get("/api/v1/logs", {"limit": 1})
    except Refused as refused:
        if refused.status == 0:
            note(f"{refused} The settings hold all the same.")
        return refused.status == UNAUTHORISED
    return False
