"""What workers count: kept in memory that all workers of a server share, added up when scraped.

A worker writes in a lane of its own, so none waits for another. The lane of a worker that has died
is given to the one that takes its place, which counts on from there: nothing that was counted is
lost, and a scrape is right whichever worker answers it (docs/decisions/0013-counters.md).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from mmap import mmap

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from agentlogger import errors
from agentlogger.intake.findings import KINDS
from agentlogger.intake.redaction.rules import PREFIX
from agentlogger.intake.storable import RULES

DOORS = ("/v1/logs", "/v1/traces", "/v1/metrics", "/v1/traces/ingest", "/api/v1/logs")
"""The doors that take records, by their address."""

RESULTS = ("stored", "duplicate", "refused")
OTHER = "other"
"""A label's value for whatever is none of those it was declared with: clients cannot make more."""

STATUSES = ("200", "400", "401", "403", "404", "405", "413", "415", "422", "429", "500", "503")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: from what one sync takes to the ten after which an OTLP client has given up."""

REDACTIONS = tuple(rule for rule in RULES if rule.startswith(PREFIX))
"""The rules by which secrets are replaced."""
REPLACEMENTS = tuple(rule for rule in RULES if rule not in REDACTIONS)
"""The rules by which values are replaced that no database holds."""

CELL_BYTES = 8


@dataclass(frozen=True)
class Family:
    """A figure with every value that its labels can have, so that its size is known."""

    name: str
    documentation: str
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def combinations(self) -> list[tuple[str, ...]]:
        """Every combination of labels' values, in order."""
        return list(itertools.product(*(values for _, values in self.labels)))

    @property
    def cells(self) -> int:
        """How many numbers a combination takes: one, or of a histogram its buckets and its sum."""
        return len(self.buckets) + 2 if self.buckets else 1


SENT = Family(
    "agentlogger_ingest_sent_records",
    "Records in requests that were answered; stored, duplicate and refused ones add up to it.",
    (("door", DOORS),),
)
RECORDS = Family(
    "agentlogger_ingest_records",
    "Records by what became of them.",
    (("door", DOORS), ("result", RESULTS)),
)
REPLACED = Family(
    "agentlogger_ingest_replaced_values",
    "Values that were replaced or cut, by rule.",
    (("rule", REPLACEMENTS),),
)
REDACTED = Family(
    "agentlogger_ingest_redacted_values", "Secrets that were redacted.", (("rule", REDACTIONS),)
)
REQUESTS = Family(
    "agentlogger_ingest_requests",
    "Requests to a door that takes records.",
    (("door", DOORS), ("status", (*STATUSES, OTHER))),
)
REFUSED_REQUESTS = Family(
    "agentlogger_ingest_refused_requests",
    "Requests of which nothing was stored, by the code of their refusal.",
    (("code", (*sorted(kind.code for kind in errors.Refusal.__subclasses__()), OTHER)),),
)
WRONG_DOORS = Family(
    "agentlogger_ingest_wrong_doors",
    "What was sent to an address that takes none, or by a method that it does not take.",
    (("status", ("404", "405")),),
)
BYTES = Family(
    "agentlogger_ingest_bytes", "Bytes of bodies as they came over the wire.", (("door", DOORS),)
)
ACKNOWLEDGED = Family(
    "agentlogger_ingest_acknowledgement_seconds",
    "From a request's begin to its answer, where that says that records are on disk.",
    (("door", DOORS),),
    BUCKETS,
)
FINDINGS_LOST = Family(
    "agentlogger_ingest_findings_lost",
    "Findings that are counted here and are not in the ingest ledger.",
    (("kind", KINDS),),
)
FAMILIES = (
    SENT, RECORDS, REPLACED, REDACTED, REQUESTS, REFUSED_REQUESTS, WRONG_DOORS, BYTES,
    ACKNOWLEDGED, FINDINGS_LOST,
)  # fmt: skip

PLACES: dict[tuple[str, tuple[str, ...]], int] = {}
"""Where in a lane each combination begins."""
LANE_CELLS = 0
for _family in FAMILIES:
    for _combination in _family.combinations:
        PLACES[_family.name, _combination] = LANE_CELLS
        LANE_CELLS += _family.cells

LANE_BYTES = LANE_CELLS * CELL_BYTES
"""What a worker counts in; a server's memory for this is as many of these as it has lanes."""


class Counters:
    """The counters of one process, and those of all that share its memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cells = memoryview(bytearray(LANE_BYTES)).cast("d")
        self._begin = 0

    def share(self, memory: mmap, lane: int) -> None:
        """Count in this lane of a server's memory from now on, and tell the sum of all lanes."""
        with self._lock:
            counted, self._cells = self._cells, memoryview(memory).cast("d")
            self._begin = lane * LANE_CELLS
            for place, number in enumerate(counted):
                self._cells[self._begin + place] += number

    def add(self, family: Family, *labels: str, by: float = 1) -> None:
        """Count one more, or as many as `by`; a value that is none of its label's is `other`."""
        place = self._place(family, labels)
        with self._lock:
            self._cells[place] += by

    def observe(self, family: Family, *labels: str, seconds: float) -> None:
        """Count one duration in its bucket."""
        place = self._place(family, labels)
        bucket = next(
            (number for number, most in enumerate(family.buckets) if seconds <= most),
            len(family.buckets),
        )
        with self._lock:
            self._cells[place + bucket] += 1
            self._cells[place + family.cells - 1] += seconds

    def total(self, family: Family, *labels: str) -> float:
        """What all processes together have counted; of a histogram its first bucket."""
        return self._sum(self._place(family, labels) - self._begin)

    def collect(self) -> Iterator[Metric]:
        """Every family, for Prometheus."""
        for family in FAMILIES:
            names = [name for name, _ in family.labels]
            if family.buckets:
                yield self._histogram(family, names)
                continue
            metric = CounterMetricFamily(family.name, family.documentation, labels=names)
            for combination in family.combinations:
                metric.add_metric(combination, self._sum(PLACES[family.name, combination]))
            yield metric

    def _histogram(self, family: Family, names: Sequence[str]) -> HistogramMetricFamily:
        metric = HistogramMetricFamily(family.name, family.documentation, labels=names)
        for combination in family.combinations:
            first = PLACES[family.name, combination]
            *counts, seconds = (self._sum(first + cell) for cell in range(family.cells))
            bounds = [*map(floatToGoString, family.buckets), "+Inf"]
            buckets = list(zip(bounds, itertools.accumulate(counts), strict=True))
            metric.add_metric(combination, buckets, sum_value=seconds)
        return metric

    def _sum(self, place: int) -> float:
        return sum(self._cells[place::LANE_CELLS])

    def _place(self, family: Family, labels: tuple[str, ...]) -> int:
        place = PLACES.get((family.name, labels))
        if place is None:
            known = [values for _, values in family.labels]
            place = PLACES[
                family.name,
                tuple(
                    one if one in values else OTHER
                    for one, values in zip(labels, known, strict=True)
                ),
            ]
        return self._begin + place
