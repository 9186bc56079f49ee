"""Accounts: made, found, their passwords checked, failed sign-ins counted."""

from __future__ import annotations

import hashlib
import threading
import uuid
from functools import cache
from weakref import WeakSet

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from agentlogger.errors import NameTaken
from agentlogger.limits import LOGIN_WINDOW_SECONDS
from agentlogger.models.database import db, table_of
from agentlogger.models.users import LoginFailure, User
from agentlogger.store.clock import now_ns
from agentlogger.store.connections import asked, backend_of, reading, writing
from agentlogger.store.rows import Row, all_rows, first_row
from agentlogger.store.scope import OperatorScope

TABLE = table_of(User)
FAILURES = table_of(LoginFailure)
WINDOW_NS = LOGIN_WINDOW_SECONDS * 10**9

_have_accounts: WeakSet[Engine] = WeakSet()
"""The databases in which an account was found."""

_hasher = PasswordHasher()
_checks = threading.BoundedSemaphore(2)
"""Each check takes 64 MiB: many attempts at once must not take the machine's memory."""


@cache
def _nobodys_hash() -> str:
    """A hash to check against where there is no account, so that the answer takes as long."""
    return _hasher.hash("nobody's password")


def create(
    scope: OperatorScope, *, email: str, password: str, full_name: str | None, is_admin: bool
) -> uuid.UUID:
    """Make an account and return its id. Raises NameTaken."""
    del scope
    user_id = uuid.uuid4()
    try:
        with writing() as connection:
            connection.execute(
                insert(TABLE).values(
                    id=user_id,
                    email=email.strip().lower(),
                    full_name=full_name,
                    password_hash=_hasher.hash(password),
                    is_admin=is_admin,
                    created_ns=now_ns(),
                )
            )
    except IntegrityError:
        raise NameTaken(f"An account with the email {email} exists already.") from None
    return user_id


def all_of(scope: OperatorScope) -> list[Row]:
    """Every account, by email."""
    del scope
    with reading() as connection:
        return all_rows(connection.execute(select(TABLE).order_by(TABLE.c.email)))


def any_exist(scope: OperatorScope) -> bool:
    """Whether there is any account: from the first on, every request needs a key or a sign-in.

    Asked before every request as long as there is none, since any program may make the first at
    any moment. No account is ever deleted, so one that was found is not asked for again.
    """
    del scope
    engine = db.engine
    if engine not in _have_accounts and asked(f"SELECT 1 FROM {TABLE.name} LIMIT 1"):  # noqa: S608  (our name)
        _have_accounts.add(engine)
    return engine in _have_accounts


def any_admin(scope: OperatorScope) -> bool:
    """Whether there is an admin who can sign in."""
    del scope
    statement = select(func.count()).where(TABLE.c.is_admin, TABLE.c.disabled_ns.is_(None))
    with reading() as connection:
        return bool(connection.execute(statement).scalar())


def by_id(scope: OperatorScope, user_id: str) -> Row | None:
    """The account of this id, unless it is disabled."""
    del scope
    try:
        wanted = uuid.UUID(user_id)
    except ValueError:
        return None
    with reading() as connection:
        statement = select(TABLE).where(TABLE.c.id == wanted, TABLE.c.disabled_ns.is_(None))
        return first_row(connection.execute(statement))


def with_password(scope: OperatorScope, *, email: str, password: str) -> Row | None:
    """The account that signs in with these, or None. Takes as long for an unknown email."""
    del scope
    with reading() as connection:
        statement = select(TABLE).where(
            TABLE.c.email == email.strip().lower(), TABLE.c.disabled_ns.is_(None)
        )
        row = first_row(connection.execute(statement))
    kept = row["password_hash"] if row and row["password_hash"] else None
    try:
        with _checks:
            _hasher.verify(kept or _nobodys_hash(), password)
    except (Argon2Error, InvalidHashError):
        return None
    return row if kept else None


def note_attempt(scope: OperatorScope, subject: str) -> int:
    """Count an attempt to sign in of a subject (an email from an address, or an address).

    Returns how many there were in the window, this one included. It is counted before the password
    is checked, so that attempts at once count as well. A window that is over begins anew.
    """
    del scope
    now, key = now_ns(), _subject(subject)
    backend = backend_of(db.engine.url)
    counted = (
        backend.insert_statement(FAILURES)
        .values(subject=key, failures=1, window_start_ns=now)
        .on_conflict_do_update(
            index_elements=["subject"], set_={"failures": FAILURES.c.failures + 1}
        )
        .returning(FAILURES.c.failures)
    )
    with writing() as connection:
        connection.execute(delete(FAILURES).where(FAILURES.c.window_start_ns <= now - WINDOW_NS))
        return int(connection.execute(counted).scalar_one())


def take_back_attempt(scope: OperatorScope, subject: str) -> None:
    """Take one attempt of a subject back: it was a sign-in that worked."""
    del scope
    with writing() as connection:
        connection.execute(
            update(FAILURES)
            .where(FAILURES.c.subject == _subject(subject))
            .values(failures=FAILURES.c.failures - 1)
        )


def forget_failures(scope: OperatorScope, subject: str) -> None:
    """Forget them, after a sign-in that worked."""
    del scope
    with writing() as connection:
        connection.execute(delete(FAILURES).where(FAILURES.c.subject == _subject(subject)))


def _subject(subject: str) -> str:
    return hashlib.sha256(subject.encode()).hexdigest()
