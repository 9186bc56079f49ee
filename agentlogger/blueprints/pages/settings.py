"""Settings: projects, keys and accounts, for admins. A key is shown once, where it is made."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from agentlogger.blueprints.gate import needs
from agentlogger.blueprints.pages.connecting import lines_for
from agentlogger.blueprints.pages.layout import address
from agentlogger.errors import NameUnknown, QueryInvalid
from agentlogger.limits import KEY_DAYS_MAX, NAME_CHARACTERS
from agentlogger.showing.programs import Sending
from agentlogger.store import keys, projects, users
from agentlogger.store.rows import Row
from agentlogger.store.scope import OperatorScope, ProjectScope

settings = Blueprint("settings", __name__, url_prefix="/settings")

ADMIN = OperatorScope("an admin looks after projects, keys and accounts")
DAY_NS = 86_400 * 10**9

SCOPES = {
    "ingest": "send records",
    "read": "read them",
    "admin": "see the schema and these settings",
    "metrics": "scrape /metrics",
}
"""What each scope of a key allows, in words."""


class ProjectForm(FlaskForm):
    """A project to make."""

    name = StringField(validators=[InputRequired(), Length(max=NAME_CHARACTERS)])


class KeyForm(FlaskForm):
    """A key to make."""

    project = SelectField(validators=[InputRequired()])
    name = StringField(validators=[InputRequired(), Length(max=NAME_CHARACTERS)])
    scopes = SelectMultipleField(choices=list(SCOPES), validators=[InputRequired()])
    days = IntegerField(validators=[Optional(), NumberRange(min=1, max=KEY_DAYS_MAX)])


class RevokeForm(FlaskForm):
    """A key to revoke, by the characters that it is known by."""

    prefix = StringField(validators=[InputRequired()])


@settings.get("")
@needs("admin")
def show() -> str:
    """Projects, keys and accounts."""
    return _page()


@settings.post("/projects")
@needs("admin", forms=True)
def make_project() -> ResponseReturnValue:
    """Make a project. Raises NameTaken."""
    form = ProjectForm()
    if not form.validate_on_submit():
        raise _mistake(form)
    projects.create(ADMIN, str(form.name.data).strip())
    return redirect(url_for("settings.show"))


@settings.post("/keys")
@needs("admin", forms=True)
def make_key() -> ResponseReturnValue:
    """Make a key, and show it: the only time that it can be seen."""
    form = KeyForm()
    names = {row["name"]: row["id"] for row in projects.all_of(ADMIN)}
    form.project.choices = list(names)
    if not form.validate_on_submit():
        raise _mistake(form)
    expires_ns = time.time_ns() + form.days.data * DAY_NS if form.days.data else None
    key = keys.create(
        ProjectScope(names[form.project.data]),
        name=form.name.data,
        scopes=form.scopes.data,
        expires_ns=expires_ns,
    )
    to = Sending(address(), key, content=False)
    return _page(
        new_key=key,
        new_name=form.name.data,
        programs=lines_for(to) if "ingest" in form.scopes.data else [],
    )


@settings.post("/keys/revoke")
@needs("admin", forms=True)
def revoke_key() -> ResponseReturnValue:
    """Revoke a key, from the next request on. Raises NameUnknown."""
    form = RevokeForm()
    if not form.validate_on_submit():
        raise _mistake(form)
    known = {row["prefix"] for row in keys.all_of(ADMIN)}
    if form.prefix.data not in known or not keys.revoke(ADMIN, form.prefix.data):
        raise NameUnknown("No valid key begins like this: it was revoked, or never made.")
    return redirect(url_for("settings.show"))


def _page(**shown: Any) -> str:
    now_ns = time.time_ns()
    return render_template(
        "settings.html",
        every_project=projects.all_of(ADMIN),
        keys=[row | {"state": _state(row, now_ns)} for row in keys.all_of(ADMIN)],
        accounts=users.all_of(ADMIN),
        scopes=SCOPES,
        days_most=KEY_DAYS_MAX,
        name_most=NAME_CHARACTERS,
        **shown,
    )


def _state(row: Row, now_ns: int) -> str:
    if row["revoked_ns"] is not None:
        return "revoked"
    if row["expires_ns"] is not None and row["expires_ns"] <= now_ns:
        return "expired"
    return "valid"


def _mistake(form: FlaskForm) -> QueryInvalid:
    """What is wrong with a form, the first of it."""
    field, reasons = next(iter(form.errors.items()), ("form", ["it has no token"]))
    return QueryInvalid(f"The field {field!r} means nothing: {reasons[0]}")
