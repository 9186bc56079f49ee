"""Signing in and out."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Flask, Request, redirect, render_template, request, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFProtect
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired, Length

from agentlogger.blueprints.gate import anyone, caller
from agentlogger.errors import TooManyAttempts
from agentlogger.limits import (
    FORM_BYTES,
    LOGIN_FAILURES,
    LOGIN_FAILURES_ADDRESS,
    LOGIN_WINDOW_SECONDS,
    PASSWORD_CHARACTERS_MAX,
)
from agentlogger.schemas.texts import plain_text
from agentlogger.store import users as store
from agentlogger.store.rows import Row
from agentlogger.store.scope import OperatorScope

users = Blueprint("users", __name__)

SIGN_IN = OperatorScope("somebody signs in, before any project is known")

BY_THIS_MACHINE = "this machine"
"""Who saves a search or makes an alert where there are no accounts."""

csrf = CSRFProtect()
login_manager = LoginManager()


class SignedIn(UserMixin):
    """The account behind a session cookie."""

    def __init__(self, user_id: str, email: str, *, is_admin: bool) -> None:
        self.id = user_id
        self.email = email
        self.is_admin = is_admin


class _SignInForm(FlaskForm):
    email = EmailField("Email", validators=[InputRequired(), Length(max=320)])
    password = PasswordField(
        "Password", validators=[InputRequired(), Length(max=PASSWORD_CHARACTERS_MAX)]
    )


class _CookieSecureWhereHttps(SecureCookieSessionInterface):
    """A session cookie that is marked Secure wherever the request itself came by https."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        # Flask makes what checks a cookie's signature first, also where there is no cookie.
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002  (Flask's signature)
        return request.is_secure


def init_app(app: Flask) -> None:
    """Set up sessions: cookies that no script reads and no other site sends."""
    app.config.update(
        SESSION_COOKIE_NAME="agentlogger_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=14 * 24 * 3600,
        # Forms are small. Bodies of records are read by intake/body.py, which has its own limit.
        MAX_CONTENT_LENGTH=FORM_BYTES,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form left open over night still works
    )
    app.session_interface = _CookieSecureWhereHttps()
    # Its own context processor would ask the database on every page, also on the one that says
    # that the database is away.
    login_manager.init_app(app, add_context_processor=False)
    csrf.init_app(app)


@login_manager.user_loader
def _load(user_id: str) -> SignedIn | None:
    row = store.by_id(SIGN_IN, user_id)
    return None if row is None else _signed_in(row)


def _signed_in(row: Row) -> SignedIn:
    return SignedIn(str(row["id"]), row["email"], is_admin=bool(row["is_admin"]))


@users.route("/login", methods=["GET", "POST"])
@anyone
def sign_in() -> ResponseReturnValue:
    """The sign-in form, and what it sends."""
    form = _SignInForm()
    if not form.validate_on_submit():
        accounts = store.any_exist(SIGN_IN)
        return render_template("login.html", form=form, failed=False, accounts=accounts)
    address = request.remote_addr or "unknown"
    email = plain_text(str(form.email.data)).strip().lower()
    both = f"{email} from {address}"
    _count(address, LOGIN_FAILURES_ADDRESS)
    _count(both, LOGIN_FAILURES)
    row = store.with_password(SIGN_IN, email=email, password=str(form.password.data))
    if row is None:
        return render_template("login.html", form=form, failed=True, accounts=True), 401
    store.forget_failures(SIGN_IN, both)
    store.take_back_attempt(SIGN_IN, address)
    login_user(_signed_in(row))
    return redirect(_own_address(request.args.get("next", "")))


@users.post("/logout")
@anyone
def sign_out() -> ResponseReturnValue:
    """End the session."""
    logout_user()
    return redirect(url_for("users.sign_in"))


def refuse_forged() -> None:
    """Refuse what a signed-in browser sends without the token of a page of ours (X-CSRFToken).

    For doors that programs use with keys too, and that are exempt from the check of forms.
    """
    if caller().by == "session":
        csrf.protect()


def who() -> str:
    """Who is calling, as people will read it later."""
    known = caller()
    if known.by == "session":
        return str(current_user.email)
    return f"{known.key_name} ({known.key})" if known.by == "key" else BY_THIS_MACHINE


def _count(subject: str, most: int) -> None:
    if store.note_attempt(SIGN_IN, subject) > most:
        raise TooManyAttempts(
            f"Too many attempts failed from here: try again in {LOGIN_WINDOW_SECONDS // 60} "
            "minutes.",
            retry_after=LOGIN_WINDOW_SECONDS,
        )


def _own_address(wanted: str) -> str:
    """Where to go after signing in: a path of this server, never another site."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return url_for("stream.show")
    is_own = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_own and not parts.scheme and not parts.netloc else url_for("stream.show")
