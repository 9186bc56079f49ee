"""The application factory: the one file that sees every room."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial

from flask import Flask, Response, g

from agentlogger.blueprints import (
    accounts,
    admission,
    bodies,
    etags,
    export,
    gate,
    headers,
    metrics,
    paths,
    problems,
    request_ids,
    senders,
    specification,
    tail,
    users,
    watching,
)
from agentlogger.blueprints.agents import agents
from agentlogger.blueprints.alerts import alerts
from agentlogger.blueprints.calls import calls
from agentlogger.blueprints.facets import facets
from agentlogger.blueprints.health import health, versions
from agentlogger.blueprints.histogram import histogram
from agentlogger.blueprints.ingest import ingest
from agentlogger.blueprints.logs import logs
from agentlogger.blueprints.neighbours import neighbours
from agentlogger.blueprints.numbers import numbers
from agentlogger.blueprints.otlp import otlp
from agentlogger.blueprints.pages import layout
from agentlogger.blueprints.pages.alerts import alerts_page
from agentlogger.blueprints.pages.documentation import documentation
from agentlogger.blueprints.pages.ingest import ingest_page
from agentlogger.blueprints.pages.live import live
from agentlogger.blueprints.pages.numbers import numbers_page
from agentlogger.blueprints.pages.record import record
from agentlogger.blueprints.pages.runs import runs_page
from agentlogger.blueprints.pages.settings import settings as settings_page
from agentlogger.blueprints.pages.stream import stream
from agentlogger.blueprints.runs import runs
from agentlogger.blueprints.schema import schema
from agentlogger.blueprints.searches import searches
from agentlogger.config import Settings, read_settings
from agentlogger.duties import alerting, indexing, webhooks
from agentlogger.duties.backfills import Backfilling
from agentlogger.duties.heartbeat import Heartbeat
from agentlogger.duties.latency import Latency
from agentlogger.duties.leased import Leased
from agentlogger.duties.noting import Noting
from agentlogger.intake import prices
from agentlogger.intake.redaction import journal
from agentlogger.intake.redaction.policy import Policy
from agentlogger.intake.redaction.redactor import redactor
from agentlogger.limits import READING_THREADS
from agentlogger.migrate import Migrations
from agentlogger.migrating import found
from agentlogger.store import health as database
from agentlogger.store.connections import engine_options, prepare_engine
from agentlogger.store.scope import OperatorScope

ALIVE = OperatorScope("a worker says that it is alive")
FILLS = OperatorScope("a worker looks for columns that are to be filled")


def create_app(config: Settings | None = None) -> Flask:
    """The application, set up and ready to serve; `config` stands in for the environment.

    No database is asked yet: a server starts, and answers its liveness probe, while the database is
    still away. Raises SettingInvalid.
    """
    settings = config or read_settings()
    options = engine_options(settings.database_url, threads=settings.threads + READING_THREADS)
    app = found(__name__, settings, engine_options=options)
    app.extensions["agentlogger.prices"] = prices.read(settings.prices)
    # No view and no hook is a coroutine, and Flask asks that of each of a dozen in every request.
    app.ensure_sync = lambda func: func  # type: ignore[method-assign]  # a method of Flask's
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider's
    with app.app_context():
        prepare_engine()
    _redact_the_log(app, settings)
    accounts.init_app(app)
    watching.init_app(app)
    senders.init_app(app)
    # The gate comes first: nothing of a request is read before it is known whose it is.
    gate.init_app(app, settings)
    admission.init_app(app, settings, settings.processes)
    bodies.init_app(app, settings)
    tail.init_app(app, settings)
    users.init_app(app)
    layout.init_app(app)
    headers.init_app(app)
    request_ids.init_app(app)
    etags.init_app(app)
    export.init_app(app)
    paths.init_app(app)
    _register_doors(app)
    metrics.init_app(app)
    problems.init_app(app)
    _measure(app)
    return app


def _redact_the_log(app: Flask, settings: Settings) -> None:
    """Keep secrets out of the server's own log, with every default rule, whatever a project chose.

    gunicorn has a log of its own, which tells of requests that ended in a traceback.
    """
    loggers = [app.logger, logging.getLogger(), logging.getLogger("gunicorn.error")]
    journal.redact(loggers, redactor(Policy(), settings.redaction_key))


def _register_doors(app: Flask) -> None:
    """Register every blueprint. What machines post carries no form, so no form's token either."""
    counting = (histogram, facets, numbers)
    specification.init_app(
        app,
        logs,
        neighbours,
        *counting,
        runs,
        calls,
        ingest,
        searches,
        alerts,
        tail.tail,
        watching.watching,
    )
    for blueprint in (otlp, agents, health, versions, users.users):
        app.register_blueprint(blueprint)
    views = (stream, live, runs_page, numbers_page, record)
    for page in (*views, ingest_page, alerts_page, schema, settings_page, documentation):
        app.register_blueprint(page)
    for machines in (otlp, agents, logs, searches, alerts):
        users.csrf.exempt(machines)


def _measure(app: Flask) -> None:
    """Keep how long answers take, for the heartbeat to tell."""
    latency = app.extensions["latency"] = Latency()

    @app.before_request
    def _begin() -> None:
        g.began = time.monotonic()

    @app.after_request
    def _end(response: Response) -> Response:
        if "began" in g:
            latency.add(time.monotonic() - g.began)
        return response


def heartbeat(app: Flask) -> Heartbeat:
    """The heartbeat of a worker that serves this application, to be started after the fork."""
    migrations: Migrations = app.extensions["migrations"]
    latency: Latency = app.extensions["latency"]

    def beat() -> None:
        with app.app_context():
            database.tell(ALIVE, lambda connection: migrations.beat(connection, latency.p99_ms()))

    def leave() -> None:
        with app.app_context():
            database.tell(ALIVE, migrations.leave)

    return Heartbeat(beat, leave)


def noting(app: Flask) -> Noting:
    """What writes down a worker's findings about what was sent, to be started after the fork."""

    def write_down(is_last: bool) -> None:
        with app.app_context():
            accounts.write_down()
            senders.write_down(everything=is_last)
            watching.write_down(everything=is_last)

    return Noting(write_down)


def backfilling(app: Flask) -> Backfilling | None:
    """What works off backfills in a worker, to be started after the fork; None if switched off."""
    if not app.config["AGENTLOGGER_BACKFILLS"]:
        return None
    migrations: Migrations = app.extensions["migrations"]

    def work(stop: threading.Event) -> None:
        with app.app_context():
            left = database.ask(FILLS, migrations.backfills)
            if any(one.is_open for one in left):
                migrations.backfill(stop)

    return Backfilling(work)


def duties(app: Flask) -> list[Leased]:
    """What one of all workers does, to be started in each of them after the fork."""
    settings: Settings = app.extensions["agentlogger.settings"]
    send_due = partial(webhooks.send_due, may_be_told=settings.may_be_told)
    return [
        Leased(name, work, every_seconds=every, inside=app.app_context)
        for name, work, every in (
            ("alerting", alerting.evaluate, alerting.EVERY_SECONDS),
            ("webhooks", send_due, webhooks.EVERY_SECONDS),
            (indexing.NAME, indexing.index, indexing.EVERY_SECONDS),
        )
    ]
