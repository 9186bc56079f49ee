"""The declarative base, the names of constraints, and the one `db` of the application."""

from __future__ import annotations

from typing import ClassVar
from weakref import WeakKeyDictionary

from flask import Flask
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


class Base(DeclarativeBase):
    """What all tables share."""

    metadata = MetaData(naming_convention=NAMES)


class Database(SQLAlchemy):
    """Flask-SQLAlchemy, which finds the engine of the application at work at once.

    A request asks for it dozens of times, and each time four look-ups led to it.
    """

    _found: ClassVar[WeakKeyDictionary[Flask, Engine]] = WeakKeyDictionary()

    @property
    def engine(self) -> Engine:
        """The one engine of the application at work."""
        app = app_ctx.app
        found = self._found.get(app)
        if found is None:
            found = self._found[app] = super().engine
        return found


db = Database(model_class=Base)


def table_of(model: type[Base]) -> Table:
    """The table of a model, for statements that need no objects."""
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is mapped to no table")
    return table
