"""The declarative base, the names of constraints, and the one `db` of the application."""

from __future__ import annotations

from typing import Any

from flask.ctx import AppContext
from flask.globals import app_ctx
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, MetaData, Table
from sqlalchemy.orm import DeclarativeBase

# Every constraint has a name that both databases and every machine agree on: a migration can then
# drop what another one made.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


ENGINE = "agentlogger.engine"
"""The extension of an application that is its engine, once it was asked for."""


class Base(DeclarativeBase):
    """What all tables share."""

    metadata = MetaData(naming_convention=NAMES)


class Database(SQLAlchemy):
    """Flask-SQLAlchemy, which finds the engine of the application at work at once.

    A request asks for it dozens of times, and each time four look-ups led to it.
    """

    @property
    def engine(self) -> Engine:
        """The one engine of the application at work."""
        # The context, and not its proxy: that takes longer than all the rest of this.
        proxy: Any = app_ctx
        context: AppContext = proxy._get_current_object()  # noqa: SLF001  (documented, by Werkzeug)
        extensions = context.app.extensions
        found: Engine | None = extensions.get(ENGINE)
        if found is None:
            found = extensions[ENGINE] = super().engine
        return found


db = Database(model_class=Base)


def table_of(model: type[Base]) -> Table:
    """The table of a model, for statements that need no objects."""
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is mapped to no table")
    return table
