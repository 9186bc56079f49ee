"""`/metrics` for Prometheus: what is asked for when it is scraped, and what workers count.

The schema's figures are read from the database at each scrape, and what workers count stands in
memory that they share, so that every worker gives the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Flask, Response, current_app
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from agentlogger import __version__
from agentlogger.blueprints.accounts import COUNTERS
from agentlogger.blueprints.gate import caller, needs
from agentlogger.errors import Refusal
from agentlogger.migrate import Migrations
from agentlogger.store import health as store
from agentlogger.store import receipts
from agentlogger.store.alerts import alerts, deliveries
from agentlogger.store.alerts import states as alert_states
from agentlogger.store.scope import OperatorScope
from agentlogger.store.texts import index as text_index

metrics = Blueprint("metrics", __name__)

SCRAPE = OperatorScope("a scraper asks for the figures of the server")

REGISTRY = "agentlogger.metrics"
"""The extension that holds the application's own registry; whoever counts registers there."""

PHASES = ("expand", "online", "backfill", "contract", "undeclared")


def init_app(app: Flask) -> None:
    """Make the application's registry: none is shared, so that two applications do not mix."""
    registry = CollectorRegistry()
    registry.register(BuildCollector())
    registry.register(app.extensions[COUNTERS])
    registry.register(SchemaCollector(app.extensions["migrations"]))
    registry.register(ReceiptsCollector())
    registry.register(AlertsCollector())
    registry.register(TextIndexCollector())
    app.extensions[REGISTRY] = registry
    app.register_blueprint(metrics)


@metrics.get("/metrics")
@needs("metrics", unmigrated=True, away=True)
def scrape() -> Response:
    """Every figure, in Prometheus's text format; it says so itself where the database is away."""
    registry: CollectorRegistry = current_app.extensions[REGISTRY]
    if caller().by == "unknown":
        # Nobody could say whose scraper this is, and `/readyz` tells anybody as much.
        registry = CollectorRegistry()
        registry.register(Away())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class BuildCollector:
    """What runs."""

    def collect(self) -> Iterator[Metric]:
        """The version of the program."""
        yield InfoMetricFamily("agentlogger_build", "What runs.", value={"version": __version__})


class Away:
    """A database that does not answer."""

    def collect(self) -> Iterator[Metric]:
        """That it does not."""
        yield _database_up(0)


class SchemaCollector:
    """What the migration room knows of the database, asked for at each scrape."""

    def __init__(self, migrations: Migrations) -> None:
        self._migrations = migrations

    def collect(self) -> Iterator[Metric]:
        """The figures; only that the database is away where it is. Takes as long as a connection.

        That is five seconds at most where nothing answers, within a scrape's usual ten.
        """
        try:
            found = store.ask(SCRAPE, self._look)
        except Refusal:
            yield _database_up(0)
            return
        yield _database_up(1)
        yield from _of_the_revisions(found)
        yield from _of_the_backfills(found["backfills"])
        alive = GaugeMetricFamily(
            "agentlogger_instances_alive",
            "Programs seen in the last half minute, by version.",
            labels=["version"],
        )
        versions = Counter({self._migrations.version: 0})
        versions.update(one.version for one in found["instances"])
        for version, count in sorted(versions.items()):
            alive.add_metric([version], count)
        yield alive

    def _look(self, connection: Any) -> dict[str, Any]:
        return {
            "state": self._migrations.state(connection),
            "verdict": self._migrations.verdict(connection),
            "backfills": self._migrations.backfills(connection),
            "instances": self._migrations.instances(connection),
        }


class ReceiptsCollector:
    """What became of all records that were ever sent, as counted with them."""

    def collect(self) -> Iterator[Metric]:
        """The sums over all projects; nothing where the database is away or lacks the table."""
        try:
            count = receipts.total(SCRAPE)
        except Refusal:
            return
        records = CounterMetricFamily(
            "agentlogger_records", "Records sent, by what became of them.", labels=["outcome"]
        )
        for outcome, number in vars(count).items():
            records.add_metric([outcome], number)
        yield records


class AlertsCollector:
    """How alerts stand, and what became of what they had to tell."""

    def collect(self) -> Iterator[Metric]:
        """The figures of all projects; nothing where the database is away or lacks the tables."""
        try:
            rules, firing = alerts.count(SCRAPE), alert_states.count_firing(SCRAPE)
            sent = deliveries.count(SCRAPE)
        except Refusal:
            return
        standing = GaugeMetricFamily(
            "agentlogger_alerts",
            "Alerts, by how they stand; unknown is one that cannot be judged.",
            labels=["state"],
        )
        for state, number in rules.items():
            standing.add_metric([state], number)
        yield standing
        yield GaugeMetricFamily(
            "agentlogger_alert_subjects_firing",
            "Projects, keys, sessions and users for which an alert fires.",
            value=firing,
        )
        kept = GaugeMetricFamily(
            "agentlogger_alert_deliveries",
            "Deliveries of alerts that are kept, by what became of them.",
            labels=["status"],
        )
        for status, number in sent.items():
            kept.add_metric([status], number)
        yield kept


class TextIndexCollector:
    """How far the index of texts is behind what is stored; searches find that all the same."""

    def collect(self) -> Iterator[Metric]:
        """Nothing where the database is away or lacks the tables."""
        try:
            lag = text_index.lag(SCRAPE)
        except Refusal:
            return
        yield GaugeMetricFamily(
            "agentlogger_text_index_begun",
            "Whether there is an index of texts; searches read all records until then.",
            value=int(lag.is_begun),
        )
        yield GaugeMetricFamily(
            "agentlogger_text_index_lag_seconds",
            "The age of the oldest record that the index does not know of.",
            value=lag.seconds,
        )
        behind = GaugeMetricFamily(
            "agentlogger_text_index_records_behind",
            "Records that searches look at one by one, by why.",
            labels=["state"],
        )
        behind.add_metric(["announced"], lag.announced)
        behind.add_metric(["waiting"], lag.waiting)
        yield behind
        yield GaugeMetricFamily(
            "agentlogger_text_index_projects_behind",
            "Projects of which older records are not indexed yet.",
            value=lag.unwalked,
        )


def _database_up(value: int) -> Metric:
    return GaugeMetricFamily(
        "agentlogger_database_up", "Whether the database answers.", value=value
    )


def _of_the_revisions(found: dict[str, Any]) -> Iterator[Metric]:
    state = found["state"]
    yield InfoMetricFamily(
        "agentlogger_schema",
        "The revision of the database, and where that is beside the program's.",
        value={"revision": ",".join(state.heads), "place": state.place},
    )
    yield GaugeMetricFamily(
        "agentlogger_schema_acceptable",
        "Whether this program can work with the database's revision.",
        value=int(found["verdict"].acceptable),
    )
    pending = GaugeMetricFamily(
        "agentlogger_schema_pending_revisions",
        "Revisions of this program that the database lacks.",
        labels=["phase"],
    )
    phases = Counter(one.phase for one in state.pending)
    for phase in PHASES:
        pending.add_metric([phase], phases[phase])
    yield pending


def _of_the_backfills(backfills: list[Any]) -> Iterator[Metric]:
    labels = ["name", "table", "state"]
    done = GaugeMetricFamily(
        "agentlogger_backfill_rows_done", "Rows of a backfill that are done.", labels=labels
    )
    expected = GaugeMetricFamily(
        "agentlogger_backfill_rows_expected", "Rows of its table, as estimated.", labels=labels
    )
    rate = GaugeMetricFamily(
        "agentlogger_backfill_rate", "Rows a second, lately; 0 while it stands.", labels=labels
    )
    for one in backfills:
        values = [one.name, one.table, one.state]
        done.add_metric(values, one.rows_done)
        if one.rows_expected is not None:
            expected.add_metric(values, one.rows_expected)
        rate.add_metric(values, one.rows_per_second or 0)
    yield from (done, expected, rate)
