"""From reports to calls: which reports are of one call, and what they say together.

Nothing here knows a database. What comes out depends on the set of reports alone, never on the
order in which they came.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import Any

import orjson

from agentlogger.intake.record import Record
from agentlogger.limits import COUNT_MAX

Report = dict[str, Any]
"""What one record says of a call, with nothing in it that the record does not tell: `ts_ns` and
`record_id` of the record, `source`, `rank`, `keys` and `fingerprint` as digests in hex, `ok`,
`failed_before`, `duration_ns`, `usage_rule`, and columns of the call by their names."""

COUNTS = (
    "tokens_in", "tokens_out", "tokens_cache_read", "tokens_cache_write", "tokens_tool",
    "tokens_reasoning",
)  # fmt: skip
"""Tokens: what a record may tell of its call in its own columns."""

WORDS = ("session_id", "run_id", "agent", "model", "provider", "user_id")
"""What else a record may say of its call."""

SAID = (*WORDS, "ok", "api_key")
COST = ("cost_micro_usd", "cost_source", "price_version")
TOLD = (*WORDS, "api_key", "ok", "duration_ns", *COUNTS)
"""The columns for each of which the report counts that has the highest rank among those that tell
it."""

COUNTED = (*TOLD, "usage_rule", *COST)
"""All columns that come of one of the reports."""

BEST_COSTS = ("reported", "computed", "upper_bound")
"""Where a cost comes from; the first of these counts, and of those with equal ones the highest
rank: a record that does not know what was cached can only bound what another one knows."""

_UNTOLD: Report = dict.fromkeys((*COUNTED, "ts_ns", "fingerprint")) | {"failed_before": 0}

DIGEST_BYTES = 16

_words_of = attrgetter(*WORDS)
_counts_of = attrgetter(*COUNTS)
_cost_of = attrgetter(*COST)


def digest(*parts: str) -> bytes:
    """What a name of a call is kept as."""
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return sha256(text).digest()[:DIGEST_BYTES]


def _name(key: str) -> str:
    """The digest of a name, as a report has it."""
    text = f"key\0{key}".encode("utf-8", "surrogatepass")
    return sha256(text).hexdigest()[: 2 * DIGEST_BYTES]


def record_key(ts_ns: int, record_id: int) -> bytes:
    """The name that a record is for its call."""
    return digest("record", str(ts_ns), str(record_id))


def report_of(record: Record, ts_ns: int, record_id: int) -> Report:
    """What a record with a call says of it; time and number are those it is stored under."""
    call = record.call
    assert call is not None  # noqa: S101  (the caller's promise)
    names = [_name(key) for key in call.keys]
    report: Report = {
        "ts_ns": ts_ns,
        "record_id": record_id,
        "source": call.source,
        "rank": call.rank,
        "keys": sorted(set(names)) if names[1:] else names,
    }
    if call.fingerprint is not None:
        report["fingerprint"] = digest("fingerprint", call.fingerprint).hex()
    if call.failed_before:
        report["failed_before"] = min(call.failed_before, COUNT_MAX)
    if record.duration_ns is not None and record.duration_ns >= 0:
        report["duration_ns"] = record.duration_ns
    said = (*_words_of(record), call.ok, call.api_key)
    report.update(pair for pair in zip(SAID, said, strict=True) if pair[1] is not None)
    for count, tokens in zip(COUNTS, _counts_of(record), strict=True):
        if tokens is not None and 0 <= tokens <= COUNT_MAX:
            report[count] = tokens
            report["usage_rule"] = record.usage_rule
    if record.cost_micro_usd is not None and 0 <= record.cost_micro_usd <= COUNT_MAX:
        report.update(zip(COST, _cost_of(record), strict=True))
    return report


def ordered(reports: Iterable[Report]) -> list[Report]:
    """Reports in the order of their times, then of what they say."""
    timed = sorted(reports, key=_time)
    # What they say is written out only where times are equal, which is seldom.
    if all(one["ts_ns"] != other["ts_ns"] for one, other in pairwise(timed)):
        return timed
    return sorted(timed, key=_place)


def calls_of(reports: Iterable[Report]) -> list[list[Report]]:
    """The reports call by call, each call's in the order of their times.

    Reports with a name in common are of one call. Of those that share none, the n-th of a source
    with a fingerprint is of the n-th call with it: calls of which one source has told already are
    passed over.
    """
    timed = ordered(reports)
    names = [key for report in timed for key in report["keys"]]
    if len(set(names)) == len(names) and not any("fingerprint" in report for report in timed):
        # Most requests are so, and then nothing is compared.
        return [[report] for report in timed]
    alike: dict[str, list[list[Report]]] = defaultdict(list)
    calls = []
    for component in _named_alike(timed):
        fingerprint = fingerprint_of(component)
        if fingerprint is None:
            calls.append(component)
        else:
            alike[fingerprint].append(component)
    for components in alike.values():
        calls.extend(_paired(components))
    return calls


def fingerprint_of(reports: Iterable[Report]) -> str | None:
    """The fingerprint of a call: the first one of its reports'."""
    return min((one["fingerprint"] for one in reports if "fingerprint" in one), default=None)


_time = itemgetter("ts_ns")


def _place(report: Report) -> tuple[int, bytes, int]:
    """Where a report stands among others: by its time, then by what it says."""
    said = report | {"record_id": 0}
    return (
        report["ts_ns"],
        orjson.dumps(said, option=orjson.OPT_SORT_KEYS),
        report["record_id"],
    )


def _named_alike(reports: Sequence[Report]) -> list[list[Report]]:
    """Groups of reports that names connect, in the order of their first reports."""
    leader = list(range(len(reports)))

    def lead(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    named: dict[str, int] = {}
    for index, report in enumerate(reports):
        for key in report["keys"]:
            one, other = sorted((lead(named.setdefault(key, index)), lead(index)))
            leader[other] = one
    groups: dict[int, list[Report]] = defaultdict(list)
    for index, report in enumerate(reports):
        groups[lead(index)].append(report)
    return list(groups.values())


def _paired(components: Sequence[list[Report]]) -> list[list[Report]]:
    """Calls with one fingerprint: each component joins the first that none of its sources told."""
    calls: list[list[Report]] = []
    waiting: dict[frozenset[str], list[int]] = defaultdict(list)
    """For each set of sources, the calls that were told by just these, the first one first."""
    for component in components:
        sources = frozenset(report["source"] for report in component)
        free = [told for told, places in waiting.items() if places and not told & sources]
        told = min(free, key=lambda told: waiting[told][0], default=frozenset())
        if told:
            place = heapq.heappop(waiting[told])
            calls[place] = ordered(calls[place] + component)
        else:
            place = len(calls)
            calls.append(component)
        heapq.heappush(waiting[told | sources], place)
    return calls


def counting(reports: Sequence[Report]) -> dict[str, Report]:
    """For each column that any report tells, the report that counts."""
    counted: dict[str, Report] = {}
    # Equal ranks leave the order of times, for sorting is stable.
    for report in sorted(reports, key=_rank):
        for column in TOLD:
            if column in report:
                counted.setdefault(column, report)
    # A rule and a source are those of the numbers that count.
    first = next((counted[count] for count in COUNTS if count in counted), None)
    if first is not None:
        counted["usage_rule"] = first
    priced = [report for report in reports if "cost_micro_usd" in report]
    if priced:
        best = min(priced, key=lambda one: (BEST_COSTS.index(one["cost_source"]), _rank(one)))
        counted |= dict.fromkeys(COST, best)
    return counted


def _rank(report: Report) -> int:
    return -int(report["rank"])


def columns_of(reports: Sequence[Report]) -> dict[str, Any]:
    """The columns of a call that these are the reports of, all but its key and the reports.

    A single report's other members may be among them.
    """
    if len(reports) == 1:
        # Most calls are told of once, and then nothing is weighed.
        columns = _UNTOLD | reports[0]
    else:
        counted = counting(reports)
        columns = {column: one[column] for column, one in counted.items()}
        columns = (
            _UNTOLD
            | {
                "ts_ns": min(report["ts_ns"] for report in reports),
                "failed_before": max(report.get("failed_before", 0) for report in reports),
                "fingerprint": fingerprint_of(reports),
            }
            | columns
        )
    if columns["cost_source"] is None and columns["ok"] is not False:
        columns["cost_source"] = "unknown"
    if columns["fingerprint"] is not None:
        columns["fingerprint"] = bytes.fromhex(columns["fingerprint"])
    return columns
