"""What `migrations/env.py` hands over to, so that both doors pass through the same room.

`flask db upgrade` comes with an application context, bare `alembic upgrade` without one; from
here on there is no difference.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from alembic import context
from alembic.util import CommandError
from click import ClickException
from flask import Flask, current_app, has_app_context
from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from agentlogger.migrate import postgresql, sqlite
from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.lock import EXIT_LOCKED, WAIT_SECONDS, Lock, LockWaitExpired, held
from agentlogger.migrate.rendering import render_item

DIALECTS: dict[str, Dialect] = {"postgresql": postgresql, "sqlite": sqlite}


def run(create_app: Callable[[], Flask]) -> None:
    """Run the migration that Alembic was asked for, on the application's own database.

    Raises CommandError with one sentence for a setting that cannot work and for a database that
    cannot be reached.
    """
    _speak()
    try:
        surroundings = nullcontext() if has_app_context() else create_app().app_context()
    except ClickException as mistake:
        raise CommandError(mistake.message) from None
    with surroundings:
        extension = current_app.extensions["migrate"]
        url = extension.db.engine.url
        if not context.config.attributes.get("quiet"):
            name = url.render_as_string(hide_password=True)
            print(f"Database: {name}", file=sys.stderr, flush=True)  # noqa: T201
        if context.is_offline_mode():
            _write_sql(url, extension.db.metadata)
        else:
            try:
                _migrate(url, extension.db.metadata, dict(extension.configure_args))
            except LockWaitExpired as expired:
                if context.config.attributes.get("quiet"):
                    raise
                # An exit code of its own: a deploy may try this again, and nothing else.
                print(f"Error: {expired}", file=sys.stderr)  # noqa: T201
                sys.exit(EXIT_LOCKED)


def _write_sql(url: URL, metadata: Any) -> None:
    """Answer `--sql`: the statements on standard output, no database touched."""
    context.configure(
        url=url, target_metadata=metadata, literal_binds=True, dialect_opts={"paramstyle": "named"}
    )
    with context.begin_transaction():
        context.run_migrations()


def _migrate(url: URL, metadata: Any, arguments: dict[str, Any]) -> None:
    dialect = DIALECTS[url.get_backend_name()]
    lock = dialect.make_lock(url, _doing()) if _writes() else None
    engine = dialect.make_engine(url, writes=_writes())
    try:
        # Before the heads are read: of two upgrades at once the second finds nothing left to do.
        turn = held(lock, wait_seconds=_wait_seconds()) if lock else nullcontext()
        with turn, engine.connect() as connection:
            _run_on(connection, dialect, metadata, arguments, lock)
    except DBAPIError as fault:
        if isinstance(fault, OperationalError) or _before_any_statement(fault):
            raise CommandError(_sentence(fault, url)) from fault
        raise
    finally:
        engine.dispose()


def _run_on(
    connection: Connection,
    dialect: Dialect,
    metadata: Any,
    arguments: dict[str, Any],
    lock: Lock | None,
) -> None:
    arguments |= {
        "connection": connection,
        "target_metadata": metadata,
        "compare_server_default": True,
        "process_revision_directives": _no_empty_file,
        "include_name": dialect.names_of_models(connection),
        "render_item": render_item,
        **dialect.CONTEXT_ARGUMENTS,
    }
    if lock is not None:
        arguments["on_version_apply"] = lambda **_: lock.check()
    connection.rollback()
    context.configure(**arguments)
    with context.begin_transaction():
        context.run_migrations()
        _check(dialect, connection)


def _before_any_statement(fault: DBAPIError) -> bool:
    """Whether the connection itself failed: no database there, or what is there is none."""
    return fault.statement is None


def _sentence(fault: DBAPIError, url: URL) -> str:
    """What a fault of the database means for who started the migration."""
    reason = str(fault.orig).strip().splitlines()[0]
    if _before_any_statement(fault):
        name = url.render_as_string(hide_password=True)
        return (
            f"The database {name} cannot be used ({reason}): start it, make it, or correct "
            "DATABASE_URL."
        )
    return (
        f"The database stopped the migration ({reason}): the revision it was in has changed "
        "nothing. Remove the cause, then run the same command again."
    )


def _doing() -> str:
    """What others are told that this run does: the command as it was typed."""
    if context.config.attributes.get("quiet"):
        return "a server at its start"
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _wait_seconds() -> float:
    """How long to wait for another migrator: what -x lock-wait says, else some minutes."""
    given = context.get_x_argument(as_dictionary=True).get("lock-wait", WAIT_SECONDS)
    try:
        return max(0.0, float(str(given)))
    except ValueError:
        raise CommandError(f"lock-wait is {given!r}, and must be a number of seconds.") from None


def _check(dialect: Dialect, connection: Connection) -> None:
    broken = dialect.broken_references(connection) if _writes() else []
    if broken:
        raise CommandError(
            f"The migration would leave rows that refer to nothing, in {', '.join(broken)}: "
            "nothing was changed. Correct the revision or the rows, then run it again."
        )


def _writes() -> bool:
    """Whether the command changes the schema: upgrade, downgrade and stamp have a destination."""
    try:
        context.get_revision_argument()
    except KeyError:
        return False
    return True


def _no_empty_file(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """Write no revision where autogenerate has found no change."""
    if getattr(context.config.cmd_opts, "autogenerate", False) and all(
        directive.upgrade_ops.is_empty() for directive in directives
    ):
        directives[:] = []
        print("No changes in schema detected: no revision was written.", file=sys.stderr)  # noqa: T201


def _speak() -> None:
    """Let Alembic's own messages be seen, without touching any logger of the application.

    `fileConfig`, which stock environments call, disables every logger that it does not know.
    """
    logger = logging.getLogger("alembic")
    listening = [one for one in logger.handlers if not isinstance(one, logging.NullHandler)]
    if context.config.attributes.get("quiet") or listening or logging.getLogger().handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)-5.5s [%(name)s] %(message)s"))
    logger.addHandler(handler)
    # Six lines of plugins would drown the one that matters.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    logger.setLevel(logging.INFO)
