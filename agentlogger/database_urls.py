"""Addresses of databases, from how people write them to how SQLAlchemy takes them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from agentlogger.errors import SettingInvalid


def database_url(text: str, instance: Path, *, name: str = "DATABASE_URL") -> str:
    """The database that a setting names, its driver settled, as SQLAlchemy takes it.

    `postgres://` and `postgresql://` mean psycopg2 here; SQLAlchemy 2.1 would load psycopg 3.
    An empty text means the SQLite file in the instance folder; a relative SQLite path lies in
    the instance folder too, so that it means one file from wherever the program is started.
    """
    scheme, separator, rest = (text.strip() or "sqlite:///agentlogger.db").partition("://")
    if not separator:
        raise SettingInvalid(
            f"{name} is not a database URL: write postgresql://user:password@host/name "
            "or sqlite:////absolute/path.db, or leave it away for a SQLite file of our own."
        )
    backend, _, driver = scheme.lower().partition("+")
    if backend in {"postgres", "postgresql"}:
        return _postgresql_url(driver, rest, name)
    if backend == "sqlite":
        return _sqlite_url(rest, instance, name)
    raise SettingInvalid(
        f"{name} names {backend!r}, and AgentLogger stores in PostgreSQL or SQLite: write "
        "postgresql://user:password@host/name or sqlite:////absolute/path.db."
    )


def _postgresql_url(driver: str, rest: str, name: str) -> str:
    if driver not in {"", "psycopg2"}:
        raise SettingInvalid(
            f"{name} asks for the driver {driver!r}, and AgentLogger speaks to PostgreSQL "
            "through psycopg2: write postgresql://..."
        )
    try:
        is_address = urlsplit(f"//{rest}").port is not None or "/" in rest
    except ValueError:
        is_address = False
    if not is_address:
        raise SettingInvalid(
            f"{name} is not an address of PostgreSQL: write "
            "postgresql://user:password@host:5432/name."
        )
    return f"postgresql+psycopg2://{rest}"


def _sqlite_url(rest: str, instance: Path, name: str) -> str:
    path, _, options = rest.removeprefix("/").partition("?")
    if path in {"", ":memory:"} or not rest.startswith("/"):
        raise SettingInvalid(
            f"{name} names no SQLite file (a database in memory would lose answered records "
            "at the next stop): write sqlite:////var/lib/agentlogger.db, with four slashes."
        )
    return f"sqlite:///{instance / path}" + (f"?{options}" if options else "")
