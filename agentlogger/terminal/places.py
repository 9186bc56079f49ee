"""Where a command reads from: its options, else the environment, else a small file, else here."""

from __future__ import annotations

import pkgutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from agentlogger.errors import SettingInvalid
from agentlogger.terminal.sources import ServerSource, Source

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_PROJECT = "default"
FILE = "terminal.toml"


@dataclass(frozen=True)
class Place:
    """A server with a key, or a database with a project; without both, this installation's."""

    server: str = ""
    key: str = ""
    database: str = ""
    project: str = DEFAULT_PROJECT

    def open(self) -> Source:
        """What answers there. Raises SettingInvalid, Refused."""
        if self.server:
            return ServerSource(self.server, self.key)
        # It needs the whole program, which a server's client does without.
        source: Source = pkgutil.resolve_name("agentlogger.terminal.databases:opened")(
            self.database, self.project
        )
        return source


def reads_from(command: Command) -> Command:
    """Give a command the options that say where it reads, and the `place` that they come to."""

    @wraps(command)
    def with_place(*given: Any, **told: Any) -> Any:
        asked = {name: told.pop(name) for name in ("server", "key", "database", "project")}
        return command(*given, place=_place(click.get_current_context(), asked), **told)

    options = (
        click.option(
            "--server",
            metavar="URL",
            envvar="AGENTLOGGER_SERVER",
            help="A server; without it and --database, this installation's database.",
        ),
        click.option(
            "--key", metavar="KEY", envvar="AGENTLOGGER_KEY", help="The key that it asks for."
        ),
        click.option(
            "--database", metavar="FILE|URL", help="A database: a SQLite file or postgresql://..."
        ),
        click.option(
            "--project", metavar="NAME", help="Whose records, in a database; at a server by key."
        ),
    )
    for option in reversed(options):
        with_place = option(with_place)
    return with_place  # type: ignore[return-value]  # click's decorators say Any of theirs


def _place(context: click.Context, asked: dict[str, str | None]) -> Place:
    """The place that is meant: what is said nearest to the command wins whole."""
    kept = _kept()
    said = {name: text for name, text in asked.items() if text}
    named = {
        name
        for name in said
        if context.get_parameter_source(name) is not ParameterSource.ENVIRONMENT
    }
    if {"server", "database"} <= named:
        raise click.UsageError("Name either --server or --database: a command reads from one.")
    if "database" in named:
        said.pop("server", None)
    if "server" in said or "database" in said:
        # A key in the file is for the server in the file, and is shown to no other.
        if said.get("server", "").rstrip("/") == kept.server.rstrip("/"):
            said.setdefault("key", kept.key)
        return Place(**said)
    return replace(kept, **said)


def file() -> Path:
    """The file that may name a place."""
    return Path(click.get_app_dir("agentlogger")) / FILE


def _kept() -> Place:
    path = file()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Place()
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingInvalid(f"{path} cannot be read ({fault}): correct it or remove it.") from None
    known = [one.name for one in fields(Place)]
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise SettingInvalid(f"{path} is no TOML ({fault}): correct it or remove it.") from None
    wrong = [name for name, value in told.items() if name not in known or type(value) is not str]
    if wrong:
        raise SettingInvalid(
            f"{path} has {wrong[0]!r}, and takes {', '.join(known)}, each a text: correct it."
        )
    if told.get("key") and path.stat().st_mode & 0o077:
        click.echo(f"Note: others can read the key in {path}: chmod 600 it.", err=True)
    if told.get("server") and told.get("database"):
        raise SettingInvalid(f"{path} names a server and a database: keep one of them.")
    return Place(**told)
