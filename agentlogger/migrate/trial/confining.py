"""A revision's code is run to see what it does, and must reach nothing but what it is given."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from sqlalchemy import URL, Connection, Engine, event

from agentlogger.migrate.causes import Failed


class Elsewhere(Failed):
    """A revision's code has asked another connection than its own; a trial ends with that."""


@contextmanager
def confined(place: URL | None) -> Iterator[None]:
    """Let a revision's code reach this database alone, or none, and print nothing into an answer.

    Raises Elsewhere within its code where it asks for more, such as the live database by
    `db.session`.
    """
    own = threading.get_ident()

    def refuse(connection: Connection, *_given: Any) -> None:
        # Another thread, such as the one that watches the migrator's lock, runs no revision.
        if threading.get_ident() == own and connection.engine.url != place:
            raise Elsewhere(
                "A revision has asked another connection than its own, such as `db.session` or "
                "`db.engine`, which a trial must not let it do, so nothing was sent: let it ask "
                "`op.get_bind()`, then run the same command again."
            )

    event.listen(Engine, "before_cursor_execute", refuse)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        event.remove(Engine, "before_cursor_execute", refuse)
