"""Groups of `flask` commands whose refusals are sentences, never tracebacks."""

from __future__ import annotations

import pkgutil
from functools import cached_property
from typing import Any

import click
from flask.cli import AppGroup

from agentlogger.errors import Refusal


class SentenceGroup(AppGroup):
    """A group of commands in an application context; a refusal ends it with 1 and its sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from None


class LoadedGroup(click.Group):
    """A group that stands in a module of its name, which is loaded when the group is asked for.

    `flask` loads the groups of all installed packages before it runs any command, and these need
    the stores.
    """

    @cached_property
    def group(self) -> click.Group:
        """The group itself."""
        found = pkgutil.resolve_name(f"agentlogger.terminal.{self.name}:{self.name}")
        assert isinstance(found, click.Group)  # noqa: S101  (ours)
        return found

    def make_context(self, *given: Any, **told: Any) -> click.Context:
        """Begin a command of the group."""
        return self.group.make_context(*given, **told)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command of the group."""
        return self.group.get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of its commands."""
        return self.group.list_commands(ctx)

    def get_short_help_str(self, limit: int = 45) -> str:
        """What `flask --help` says of it."""
        return self.group.get_short_help_str(limit)


keys, projects, users = map(LoadedGroup, ("keys", "projects", "users"))
