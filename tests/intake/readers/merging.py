"""Reports put together into calls, as plainly as can be: what readers promise is enough for it.

Names connect reports. Of groups that share no name, the n-th of a source with a fingerprint is of
the n-th call with it. Of each field the highest rank's word counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from agentlogger.intake.call import CallReport
from agentlogger.intake.record import Record

COUNTS = ("input", "cache_read", "cache_write", "tool", "output", "reasoning")


def calls_of(records: Iterable[Record]) -> list[dict[str, Any]]:
    """What each call is known to be; a field that nobody tells is left out."""
    told = sorted(records, key=lambda record: record.ts_ns)
    reports = [record.call for record in told if record.call is not None]
    return [_fields(group) for group in _paired(_connected(reports))]


def _connected(reports: list[CallReport]) -> list[list[CallReport]]:
    groups: list[tuple[set[str], list[CallReport]]] = []
    for report in reports:
        names = set(report.keys)
        mine = (names, [report])
        for group in [group for group in groups if group[0] & names]:
            groups.remove(group)
            mine = (mine[0] | group[0], group[1] + mine[1])
        groups.append(mine)
    return [group for _, group in groups]


def _paired(groups: list[list[CallReport]]) -> list[list[CallReport]]:
    calls: list[list[CallReport]] = []
    alike: dict[str, list[list[CallReport]]] = defaultdict(list)
    for group in groups:
        fingerprint = next((each.fingerprint for each in group if each.fingerprint), None)
        waiting = alike[fingerprint] if fingerprint else []
        sources = {each.source for each in group}
        free = (call for call in waiting if not sources & {each.source for each in call})
        if call := next(free, None):
            call.extend(group)
        else:
            waiting.append(group)
            calls.append(group)
    return calls


def _fields(group: list[CallReport]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for report in sorted(group, key=lambda each: -each.rank):
        said = {"ok": report.ok, "cost_micro_usd": report.cost_micro_usd}
        if report.usage is not None:
            said |= {name: getattr(report.usage, name) for name in COUNTS}
        for name, value in said.items():
            if value is not None:
                fields.setdefault(name, value)
    before = max(report.failed_before for report in group)
    return fields | ({"failed_before": before} if before else {})
