"""`agentlogger mcp`: the logs as tools for a language model, over standard input and output."""

from __future__ import annotations

import pkgutil
from importlib.util import find_spec

import click

from agentlogger.errors import SettingInvalid
from agentlogger.terminal.places import Place, reads_from

EXTRA = "pip install 'agentlogger[mcp]'"
MISSING = f"The package `mcp` is not installed: {EXTRA}, in a checkout pip install '.[mcp]'."


@click.command()
@reads_from
def mcp(place: Place) -> None:
    """Serve search, run and record as MCP tools over standard input and output.

    A client starts it by itself: `claude mcp add agentlogger -- agentlogger mcp`.
    """
    if find_spec("mcp") is None:
        raise SettingInvalid(MISSING)
    source = place.open()
    try:
        pkgutil.resolve_name("agentlogger.terminal.tools:server")(source).run("stdio")
    finally:
        source.close()
