"""The command `agentlogger`."""

from __future__ import annotations

import gc
import pkgutil
from difflib import get_close_matches

import click
from click.shell_completion import CompletionItem

from agentlogger import RUNS_AS, __version__

COMMANDS = {
    "serve": ("serve:serve", "Start the server: make or migrate the database, then listen."),
    "env": ("env:env", "Print the settings with which a program sends here."),
    "search": ("search:search", "Find records by a query, the newest last."),
    "tail": ("search:tail", "Show the newest records, and with -f those that come in."),
    "show": ("show:show", "Show records whole, by their ids."),
    "runs": ("runs:runs", "List sessions, those with the newest records first."),
    "run": ("runs:run", "Tell a session, or a trace, as a story."),
    "stats": ("stats:stats", "Sum and measure calls: tokens, cost, failures, durations."),
    "watch": ("watch:watch", "Watch calls, failures, cost and errors on one screen."),
    "alerts": ("alerts:alerts", "Be told by a webhook: counts, budgets, silence."),
    "mcp": ("mcp:mcp", "Serve the logs as tools of a language model (MCP)."),
    "import": ("importing:import_files", "Import JSON Lines, OTLP dumps and transcripts."),
    "export": ("exporting:export", "Write records to a file: NDJSON, CSV, Parquet."),
    "replay": ("replaying:replay", "Send stored records as OTLP to another server."),
    "scrub": ("scrub:scrub", "Redact secrets in records that are stored already."),
    "text-index": ("text_index:text_index", "Look after the index of words."),
    "completion": ("completion:completion", "Print the completion of a shell."),
}
"""Each command: where in this room it stands, and what it does, in the order of meeting them."""


class Commands(click.Group):
    """A group of commands that are loaded when they are asked for, and are listed without that.

    A command that reads from a server needs none of the program that serves, which takes two
    seconds to load: too long behind each press of Tab.
    """

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name."""
        if cmd_name not in COMMANDS:
            return None
        # What is loaded stays to the end. Looking for garbage in it meanwhile, and once more at the
        # end, took 0.35 of 1.05 s of a command that loads the program that serves (measured).
        gc.disable()
        found = pkgutil.resolve_name(f"agentlogger.terminal.{COMMANDS[cmd_name][0]}")
        gc.freeze()
        gc.enable()
        assert isinstance(found, click.Command)  # noqa: S101  (ours)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant; one that is mistyped is told which are nearest."""
        near = get_close_matches(args[0], COMMANDS) if args[0] not in COMMANDS else []
        if near and not args[0].startswith("-"):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {' or '.join(near)}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin like this, and the group's options."""
        found = [
            CompletionItem(name, help=said)
            for name, (_, said) in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=Commands)
@click.version_option(
    __version__, package_name="agentlogger", message=f"%(prog)s, version %(version)s ({RUNS_AS})"
)
def main() -> None:
    """A log server for AI agents. Migrations are `flask db ...`, accounts `flask users ...`."""
