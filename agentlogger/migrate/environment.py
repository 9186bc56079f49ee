"""What `migrations/env.py` hands over to, so that both doors pass through the same room.

`flask db upgrade` comes with an application context, bare `alembic upgrade` without one; from
here on there is no difference.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click
from alembic import context
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask import Flask, current_app, has_app_context
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import Failed, Refused
from agentlogger.migrate.explaining import explained, explained_fault
from agentlogger.migrate.extension import Migrations, database_url
from agentlogger.migrate.ledger.graph import State
from agentlogger.migrate.loading import Loaded
from agentlogger.migrate.looking import COMMANDS, look
from agentlogger.migrate.options import Options
from agentlogger.migrate.revisions.folder import load
from agentlogger.migrate.task import Task

WAYS: Mapping[str, Callable[[Task], None]] = Loaded(
    {
        "work": "agentlogger.migrate.run.working:work",
        "draft": "agentlogger.migrate.drafting:draft",
    }
)
"""What a command that does more than look is run by, of which the other is not loaded."""

EXIT_INTERRUPTED = 130
"""What a shell makes of a program that ends by SIGINT."""


def run(create_app: Callable[[], Flask]) -> None:
    """Do what Alembic was asked for, on the application's own database.

    What stops it is one sentence on standard error and an exit code by its cause; called from
    within a program (`Migrations.configuration(quiet=True)`) it is raised as Refused instead.
    """
    _speak()
    try:
        with _application(create_app):
            _run(ScriptDirectory.from_config(context.config))
    except KeyboardInterrupt:
        if _is_quiet():
            raise
        print("Interrupted: what was not yet committed has changed nothing.", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_INTERRUPTED)
    except Refused as refused:
        if _is_quiet():
            raise
        print(f"Error: {refused}", file=sys.stderr)  # noqa: T201
        sys.exit(refused.exit_code)


@contextmanager
def _application(create_app: Callable[[], Flask]) -> Iterator[None]:
    try:
        surroundings = nullcontext() if has_app_context() else create_app().app_context()
    except click.ClickException as mistake:
        raise Refused(mistake.message) from None
    with surroundings:
        yield


def _run(script: ScriptDirectory) -> None:
    migrate = current_app.extensions["migrate"]
    extension: Migrations = current_app.extensions["migrations"]
    given = [*_given_options(), *context.config.attributes.get("x", ())]
    options = Options(given, current_app.config)
    task = Task(
        script=script,
        revisions=tuple(load(script)),
        url=database_url(current_app),
        options=options,
        metadata=migrate.db.metadata,
        program=extension.version,
        command=_command(),
        doing=_doing(),
        is_quiet=_is_quiet(),
        arguments=dict(migrate.configure_args),
    )
    if not task.is_quiet:
        name = task.url.render_as_string(hide_password=True)
        print(f"Database: {name}", file=sys.stderr, flush=True)  # noqa: T201
    with _told_in_our_words(task):
        if context.is_offline_mode():
            _write_sql(task.url, task.metadata)
        elif _writes():
            WAYS["work"](task)
        elif task.command in COMMANDS:
            look(task)
        else:
            WAYS["draft"](task)


@contextmanager
def _told_in_our_words(task: Task) -> Iterator[None]:
    """Turn what Alembic, the database or a revision's own code raises into a cause."""
    try:
        yield
    except CommandError as error:
        raise explained(error, task.state or State((), task.revisions, ())) from error
    except DBAPIError as fault:
        raise explained_fault(fault, task.url, f"`{task.doing}`") from fault
    except Exception as error:
        place = _place_in_a_revision(error, task)
        if place is None:
            raise
        raise Failed(
            f"Revision file {place} raised {type(error).__name__}: {error}. What was not yet "
            "committed has changed nothing. Correct the file, then run the same command again."
        ) from error


def _place_in_a_revision(error: Exception, task: Task) -> str | None:
    """The last line of a revision's file that an exception came through."""
    paths = {str(one.path): one.path.name for one in task.revisions}
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename in paths]
    return f"{paths[frames[-1].filename]}, line {frames[-1].lineno}" if frames else None


def _write_sql(url: URL, metadata: Any) -> None:
    """Answer `--sql`: the statements on standard output, no database touched."""
    context.configure(
        url=url, target_metadata=metadata, literal_binds=True, dialect_opts={"paramstyle": "named"}
    )
    with context.begin_transaction():
        context.run_migrations()


def _writes() -> bool:
    """Whether the command changes the schema: upgrade, downgrade and stamp have a destination."""
    try:
        context.get_revision_argument()
    except KeyError:
        return False
    except CommandError:
        return True
    return True


def _given_options() -> list[str]:
    given = context.get_x_argument()
    return [str(word) for word in given]


def _command() -> str:
    """The command's name, whichever door it came through; "" from within a program."""
    command = getattr(context.config.cmd_opts, "cmd", None)
    if command:
        return str(command[0].__name__)
    clicked = click.get_current_context(silent=True)
    return str(clicked.info_name) if clicked is not None and not _is_quiet() else ""


def _is_quiet() -> bool:
    return bool(context.config.attributes.get("quiet"))


def _doing() -> str:
    """What others are told that this run does: the command as it was typed."""
    if _is_quiet():
        return "a server at its start"
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _says_something(record: logging.LogRecord) -> bool:
    """Leave out what Alembic says of itself each time; several contexts are made in one run."""
    return not str(record.msg).startswith(("Context impl", "Will assume", "Generating static"))


def _speak() -> None:
    """Let Alembic's own messages be seen, without touching any logger of the application.

    `fileConfig`, which stock environments call, disables every logger that it does not know.
    """
    logger = logging.getLogger("alembic")
    listening = [one for one in logger.handlers if not isinstance(one, logging.NullHandler)]
    if _is_quiet() or listening or logging.getLogger().handlers:
        return
    handler = logging.StreamHandler()
    handler.addFilter(_says_something)
    handler.setFormatter(logging.Formatter("%(levelname)-5.5s [%(name)s] %(message)s"))
    logger.addHandler(handler)
    # Six lines of plugins would drown the one that matters.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    logger.setLevel(logging.INFO)
