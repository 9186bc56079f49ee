"""The command `agentlogger`."""

from __future__ import annotations

import click

from agentlogger import __version__
from agentlogger.terminal.exporting import export
from agentlogger.terminal.importing import import_files
from agentlogger.terminal.replaying import replay
from agentlogger.terminal.scrub import scrub
from agentlogger.terminal.serve import serve


@click.group()
@click.version_option(__version__, package_name="agentlogger")
def main() -> None:
    """A log server for AI agents. Migrations are `flask db ...`, accounts `flask users ...`."""


main.add_command(serve)
main.add_command(scrub)
main.add_command(import_files)
main.add_command(export)
main.add_command(replay)
