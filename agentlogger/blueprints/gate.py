"""Who is calling, and for which project. Every request passes here before any door opens.

Without accounts the server serves this machine only, and needs no key: an agent on it works with no
configuration. From the first account on, or on another address, every request needs one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Request, current_app, g, request
from flask_login import current_user

from agentlogger.config import Settings, is_loopback_host
from agentlogger.errors import (
    CrossSiteRefused,
    DatabaseBehind,
    DatabaseUnavailable,
    ForwardingRefused,
    HostRefused,
    KeyInvalid,
    KeyMissing,
    NameUnknown,
    Refusal,
    ScopeMissing,
)
from agentlogger.schemas.texts import plain_text
from agentlogger.store import keys, projects, users
from agentlogger.store.key_format import PREFIX
from agentlogger.store.scope import OperatorScope, ProjectScope

View = TypeVar("View", bound=Callable[..., Any])

GATE = OperatorScope("the gate asks before it knows the project")

FORWARDING = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Server",
    "X-Forwarded-Port",
    "X-Real-IP",
    "CF-Connecting-IP",
    "True-Client-IP",
)
"""Headers that only a proxy writes."""

FORWARDED = {f"HTTP_{header.upper().replace('-', '_')}": header for header in FORWARDING}
"""The same by their names in WSGI, by which all are looked for at once."""

ANYONE = "anyone"
ONLY = "agentlogger.only_caller"
SESSION_SCOPES = frozenset({"read"})
"""What a signed-in browser may do by its cookie alone: read. Sending needs a key, so that no other
site can make a browser send."""

ADMIN_SESSION_SCOPES = SESSION_SCOPES | {"admin", "metrics"}
"""The same for an admin, who may read about the server too; only where a request reads at all, or
is a form of our own pages."""

READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Caller:
    """Who is calling: the project, what they may do, and how they came in."""

    scope: ProjectScope
    scopes: frozenset[str]
    by: str
    """open, key, session, or unknown where the database could not be asked."""
    key: str = ""
    """The key's first characters, by which people recognise it."""
    key_name: str = ""


@dataclass(frozen=True)
class Needs:
    """What a view asks of its callers, and of the database."""

    scope: str
    unmigrated: bool = False
    """Whether it answers where there are no tables yet, and so no accounts."""
    away: bool = False
    """Whether it is called where the database cannot be asked who is calling, too. The caller is
    then unknown and has no scope, and the view tells only what anybody may know."""
    forms: bool = False
    """Whether an admin's cookie is enough to change something here: the view takes a form of our
    own pages, whose token is checked, and no other request."""


def needs(scope: str, **database: bool) -> Callable[[View], View]:
    """Mark a view with what its callers must be allowed: ingest, read, admin or metrics.

    `unmigrated`, `away` and `forms` are those of `Needs`.
    """

    def mark(view: View) -> View:
        view.agentlogger_needs = Needs(scope, **database)  # type: ignore[attr-defined]
        return view

    return mark


anyone = needs(ANYONE)
"""Mark a view as answering everybody: health, the sign-in form, static files."""


def init_app(app: Flask, settings: Settings) -> None:
    """Put the gate in front of every route."""
    app.extensions["agentlogger.settings"] = settings
    app.before_request(_guard)


def serve_only(app: Flask, known: Caller) -> None:
    """Let an application that listens nowhere answer one caller, the program that made it.

    So a command that reads straight from a database passes the same doors as a client of a server.
    It is a fact of the application: no request can bring it along.
    """
    app.extensions[ONLY] = known


def caller() -> Caller:
    """Who is calling, once the gate has let them in."""
    known: Caller = g.agentlogger_caller
    return known


def recognised() -> Caller | None:
    """Who is calling where no door has asked, as at an address that is none; None for nobody."""
    known: Caller | None = g.get("agentlogger_caller")
    if known is None or known.by == "unknown":
        try:
            refuse_other_sites(request)
            known = _admit(request, unmigrated=False)
        except Refusal:
            return None
    return known


def still_may(scope: str, project: ProjectScope) -> bool:
    """Whether who is calling would be let in again, for a request that stays open.

    Where the database cannot be asked, whoever was let in stays.
    """
    try:
        known = _admit(request, unmigrated=False)
    except DatabaseUnavailable:
        return True
    except Refusal:
        return False
    return scope in known.scopes and known.scope == project


def may(scope: str) -> bool:
    """Whether whoever is calling has a scope; nobody has one where the gate let nobody in."""
    known: Caller | None = g.get("agentlogger_caller")
    return known is not None and scope in known.scopes


def needed_scope(app: Flask, endpoint: str) -> str | None:
    """What a route asks of its callers; None where nobody has said, which a test forbids."""
    asked = _needs(app, endpoint)
    return None if asked is None else asked.scope


def _needs(app: Flask, endpoint: str | None) -> Needs | None:
    if endpoint is None or endpoint == "static":
        return Needs(ANYONE)
    return getattr(app.view_functions[endpoint], "agentlogger_needs", None)


def _guard() -> None:
    if request.blueprint == "health":
        return
    refuse_other_sites(request)
    asked = _needs(current_app, request.endpoint) or Needs("unsaid")
    if asked.scope == ANYONE:
        return
    try:
        only: Caller | None = current_app.extensions.get(ONLY)
        known = g.agentlogger_caller = only or _admit(
            request, unmigrated=asked.unmigrated, forms=asked.forms
        )
    except DatabaseUnavailable:
        if not asked.away:
            raise
        g.agentlogger_caller = Caller(projects.DEFAULT, frozenset(), "unknown")
        return
    if asked.scope not in known.scopes:
        raise ScopeMissing(
            f"This needs the scope {asked.scope!r}, which {_lacking(known, asked.scope)}"
        )


def _lacking(known: Caller, scope: str) -> str:
    """Who does not have a scope, and what to do next."""
    if known.by != "session":
        return f"the key does not have: make one with `flask keys create --scope {scope}`."
    if scope in ADMIN_SESSION_SCOPES:
        return (
            "this account does not have: sign in as an admin (`flask users create --admin` makes "
            "one), or use a key."
        )
    return (
        "a signed-in browser does not have: send with a key (`flask keys create --scope ingest`)."
    )


def _admit(given: Request, *, unmigrated: bool, forms: bool = False) -> Caller:
    key = _presented_key(given)
    if key is not None:
        return _by_key(key)
    settings: Settings = current_app.extensions["agentlogger.settings"]
    if not _any_account(unmigrated=unmigrated):
        refuse_other_hosts(given)
        if settings.is_loopback:
            return Caller(projects.DEFAULT, frozenset(keys.SCOPES), "open")
    if current_user.is_authenticated:
        is_admin = current_user.is_admin and (forms or given.method in READING)
        scopes = ADMIN_SESSION_SCOPES if is_admin else SESSION_SCOPES
        return Caller(_chosen_project(given), scopes, "session")
    raise KeyMissing(
        "This server asks for a key: send it as `Authorization: Bearer alog_...` or as "
        "`X-API-Key`; `flask keys create` makes one."
    )


def _any_account(*, unmigrated: bool) -> bool:
    try:
        return users.any_exist(GATE)
    except DatabaseBehind:
        # Without tables there are no accounts, and no records that they could keep from anybody.
        if not unmigrated:
            raise
        return False


def _by_key(key: str) -> Caller:
    row = keys.find(GATE, key)
    if row is None:
        raise KeyInvalid(
            "The key is not valid: it is mistyped, expired, revoked or of another server. "
            "`flask keys list` shows the valid ones, `flask keys create` makes one."
        )
    try:
        keys.note_use(GATE, row)
    except DatabaseUnavailable:
        current_app.logger.info("The use of a key was not noted: the database was busy.")
    return Caller(
        ProjectScope(row["project_id"]),
        frozenset(row["scopes"].split()),
        "key",
        key=row["prefix"],
        key_name=row["name"],
    )


def _presented_key(given: Request) -> str | None:
    """The key of a request: as a bearer, in X-API-Key, or as the password of Basic.

    Some SDKs always send a bearer of their own; where no key is needed, only what claims to be ours
    is looked at.
    """
    scheme, _, credential = given.headers.get("Authorization", "").strip().partition(" ")
    key = given.headers.get("X-API-Key", "").strip()
    if scheme.lower() == "bearer":
        key = key or credential.strip()
    elif scheme.lower() == "basic" and not key:
        try:
            key = base64.b64decode(credential, validate=True).decode().rpartition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    return key if key.startswith(PREFIX) else None


def _chosen_project(given: Request) -> ProjectScope:
    name = plain_text(given.args.get("project", ""))
    if not name:
        return projects.DEFAULT
    row = projects.named(GATE, name)
    if row is None:
        raise NameUnknown(f"No project is named {name[:100]!r}: `flask projects list` shows them.")
    return ProjectScope(row["id"])


def refuse_other_hosts(given: Request) -> None:
    """Without accounts, serve only what certainly comes from this machine.

    A page of the internet can make a browser here send, under a name that its owner points at
    127.0.0.1, and a proxy makes the whole world look like 127.0.0.1.
    """
    for name in FORWARDED.keys() & given.environ.keys():
        raise ForwardingRefused(
            f"The request came through a proxy (it carries {FORWARDED[name]}), and without "
            "accounts everybody behind it would be let in: make an admin with `flask users create "
            "--admin`, then a key with `flask keys create`."
        )
    host = _host_name(given.headers.get("Host", ""))
    near = is_loopback_host(given.environ.get("REMOTE_ADDR", ""))
    here = is_loopback_host(given.environ.get("SERVER_NAME", ""))
    if not (host and is_loopback_host(host) and near and here):
        raise HostRefused(
            f"Without accounts only this machine is served, by a loopback name, and the request "
            f"is for {host[:100] or 'no host'!r}: use http://127.0.0.1, or make an admin with "
            "`flask users create --admin` and a key with `flask keys create`."
        )


def refuse_other_sites(given: Request) -> None:
    """Refuse what a browser sends on behalf of another site; programs send neither header."""
    origin = given.headers.get("Origin")
    fetched_by = given.headers.get("Sec-Fetch-Site", "").lower()
    own = given.headers.get("Host", "").lower()
    if fetched_by == "cross-site" or (origin is not None and _netloc(origin) != own):
        shown = origin if origin is not None else "another site"
        raise CrossSiteRefused(
            f"A browser sent this for {shown[:100]!r}, and no other site may use this server: "
            "open the page here by its own address."
        )


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin.strip()).netloc.lower() or "none"
    except ValueError:
        return "none"


def _host_name(host: str) -> str:
    """The Host header without its port; "" where it is no host."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
