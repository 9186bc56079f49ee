"""Leases: a piece of work is done by one of all workers, and by the next when that one is gone.

Times are compared by the database's clock alone, so no two machines need agree on one. A holder
that was paused beyond its lease does not know that yet: it learns it from `hold`, in the
transaction in which it would write, and nothing of that is kept.
"""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, case, or_, select, update

from agentlogger.models.database import db, table_of
from agentlogger.models.leases import Lease
from agentlogger.store.connections import backend_of, reading, writing
from agentlogger.store.scope import OperatorScope

TABLE = table_of(Lease)

NANOSECONDS = 10**9

HOST_CHARACTERS = 60
"""Of a machine's name, so that the whole fits its column."""


class LeaseLost(Exception):  # noqa: N818  (nothing is in error)
    """Somebody else has taken the work over: leave it, and write nothing."""


@dataclass(frozen=True)
class Taken:
    """A lease as one holder has it."""

    name: str
    holder: str
    token: int
    """Rises with each holder."""


def new_holder(scope: OperatorScope) -> str:
    """A name for one that takes leases, which nobody else has: machine, process and chance."""
    del scope
    return f"{socket.gethostname()[:HOST_CHARACTERS]}:{os.getpid()}:{secrets.token_hex(8)}"


def take_or_renew(scope: OperatorScope, name: str, *, holder: str, seconds: float) -> Taken | None:
    """Take the lease if nobody has it, or have it for longer; None while another has it.

    One that ran out before it was renewed is taken anew, with another token. Raises
    DatabaseUnavailable and DatabaseBehind.
    """
    del scope
    backend = backend_of(db.engine.url)
    with reading() as connection:
        # All workers but one find it taken, each few seconds: they only read.
        taken = select(TABLE.c.name).where(
            TABLE.c.name == name, TABLE.c.holder != holder, TABLE.c.until_ns > backend.clock()
        )
        if connection.execute(taken).first() is not None:
            return None
    until = backend.clock() + int(seconds * NANOSECONDS)
    statement = backend.insert_statement(TABLE).values(
        name=name, holder=holder, token=1, until_ns=until
    )
    new, over = statement.excluded, TABLE.c.until_ns <= backend.clock()
    same = and_(TABLE.c.holder == new.holder, ~over)
    with writing() as connection:
        # Judged again under the row's lock: of two that come at once one gets nothing.
        token = connection.execute(
            statement.on_conflict_do_update(
                index_elements=[TABLE.c.name],
                set_={
                    "holder": new.holder,
                    "token": TABLE.c.token + case((same, 0), else_=1),
                    "until_ns": new.until_ns,
                },
                where=or_(TABLE.c.holder == new.holder, over),
            ).returning(TABLE.c.token)
        ).scalar()
    return None if token is None else Taken(name, holder, token)


def hold(scope: OperatorScope, connection: Connection, lease: Taken) -> None:
    """Keep a lease from being taken over until this transaction ends. Raises LeaseLost.

    To be called in a transaction that writes, before it does. Also a lease that ran out is held so,
    as long as nobody has taken it over.
    """
    del scope
    own = select(TABLE.c.token).where(_is_still(lease)).with_for_update(read=True)
    if connection.execute(own).first() is None:
        raise LeaseLost(f"Another worker has taken over {lease.name}.")


def release(scope: OperatorScope, lease: Taken) -> None:
    """Give a lease back at once, for the next to take. Nothing where it was lost."""
    del scope
    with writing() as connection:
        connection.execute(update(TABLE).where(_is_still(lease)).values(until_ns=0))


def _is_still(lease: Taken) -> ColumnElement[bool]:
    return and_(
        TABLE.c.name == lease.name,
        TABLE.c.holder == lease.holder,
        TABLE.c.token == lease.token,
    )
