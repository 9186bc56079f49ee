"""The history run on a scratch database: what it makes, without the database that is migrated.

Neither `env.py` nor the lock, the history table or the options take part: nobody else is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, MetaData
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import Failed
from agentlogger.migrate.dialect import Dialect


def replay(
    folder: Path,
    url: URL,
    target: str | tuple[str, ...],
    dialect: Dialect,
    *,
    metadata: MetaData | None = None,
) -> None:
    """Apply the revisions of a folder to a scratch database, from where it is up to `target`.

    `target` is a revision, `heads`, or several revisions; an empty tuple is the empty database. The
    metadata gives names to the constraints that a revision leaves without one, as `env.py` lets it.
    Raises Failed where a revision cannot be applied to an empty database, and CommandError where
    there is no such revision.
    """
    if not target:
        return
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    at_work: list[str] = []

    def steps(heads: Any, _context: Any) -> Iterator[Any]:
        # Alembic's own `upgrade` asks the same of it, for one target; several work as well.
        for step in script._upgrade_revs(target, heads):  # type: ignore[arg-type]  # noqa: SLF001  (no public reading)
            at_work[:] = [step.revision.revision]
            yield step

    engine = dialect.make_engine(url, writes=True)
    try:
        with (
            EnvironmentContext(config, script, fn=steps) as environment,
            engine.connect() as connection,
        ):
            environment.configure(
                connection=connection, target_metadata=metadata, **dialect.CONTEXT_ARGUMENTS
            )
            with environment.begin_transaction():
                environment.run_migrations()
            connection.commit()
    except CommandError:
        raise
    except Exception as fault:
        raise Failed(_sentence(fault, at_work)) from fault
    finally:
        engine.dispose()


def _sentence(fault: Exception, at_work: list[str]) -> str:
    reason = str(fault.orig if isinstance(fault, DBAPIError) else fault).strip().partition("\n")[0]
    revision = f"Revision {at_work[0]}" if at_work else "The history"
    return (
        f"{revision} cannot be applied to an empty scratch database ({type(fault).__name__}: "
        f"{reason}): correct it so that it works without rows, or give the role the right that it "
        "lacks there."
    )
