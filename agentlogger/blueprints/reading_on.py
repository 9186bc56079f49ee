"""Reads what is new for those who follow: together for all who are at one position."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from agentlogger.blueprints.follower import Event, Follower, told
from agentlogger.errors import Refusal
from agentlogger.intake import times
from agentlogger.limits import TAIL_BEHIND_SECONDS, TAIL_RECORDS
from agentlogger.query.tree import Node
from agentlogger.schemas.tail import record_json
from agentlogger.store import tail
from agentlogger.store.positions import Position
from agentlogger.store.scope import OperatorScope
from agentlogger.store.tail import Advance, Shown, Wanted

FOLLOWED = OperatorScope("what is new is read once for the followers of all projects")

POSITIONS_AT_ONCE = 32
"""Positions that are read on from at once. Those who keep up are at one; the others take turns."""

logger = logging.getLogger(__name__)


class Group(NamedTuple):
    """Those who are at one position, and go on from there in the same way."""

    position: Position
    is_to_leap: bool
    followers: Sequence[Follower]


def read_on(followers: Sequence[Follower]) -> bool:
    """Hand out what is new; whether there is more of it.

    One that has no room is left where it is and read for later, in the same order, so that it
    misses nothing; one that has kept up before, and now has had no room for long, leaps to now.
    While the database is away nothing is handed out.
    """
    now = time.monotonic()
    for one in followers:
        if one.is_live and one.behind_since is None and not one.has_room:
            one.behind_since = now
    groups: dict[tuple[Position, bool], list[Follower]] = defaultdict(list)
    for one in followers:
        if one.has_room:
            groups[one.position, _is_to_leap(one, now)].append(one)
    # The many first, then who has waited the longest.
    rest = sorted((Group(*key, all_there) for key, all_there in groups.items()), key=_size)
    chosen = rest[-1:] + sorted(rest[:-1], key=_waits_since)[: POSITIONS_AT_ONCE - 1]
    try:
        return _read_for(chosen) or len(chosen) < len(groups)
    except Refusal:
        return False
    except Exception:
        logger.exception("What is new was not read; it is read for each tail alone.")
        each = [
            _alone(group._replace(followers=[one])) for group in chosen for one in group.followers
        ]
        return any(each)


def _is_to_leap(one: Follower, now: float) -> bool:
    return one.behind_since is not None and now - one.behind_since > TAIL_BEHIND_SECONDS


def _size(group: Group) -> int:
    return len(group.followers)


def _waits_since(group: Group) -> float:
    return min(one.read_at for one in group.followers)


def _alone(group: Group) -> bool:
    """The same for a follower alone; it ends where it is the one that it fails for."""
    try:
        return _read_for([group])
    except Refusal:
        return False
    except Exception:
        logger.exception("A tail has ended.")
        for one in group.followers:
            one.end("fault", "Something is wrong in AgentLogger itself: its log says what.")
        return False


def _read_for(groups: Sequence[Group]) -> bool:
    asked = [_queries(group.followers) for group in groups]
    wanted = [
        Wanted(group.position, queries, leap=group.is_to_leap)
        for group, queries in zip(groups, asked, strict=True)
    ]
    advances = tail.advance(FOLLOWED, wanted, limit=TAIL_RECORDS) if wanted else []
    for group, queries, advance in zip(groups, asked, advances, strict=True):
        # Each record is written once, whoever gets it.
        events = [(shown, _event(shown)) for shown in advance.shown]
        for one in group.followers:
            place = queries[one.project_id].index(one.query)
            _hand_out(one, place, advance, events)
            one.read_at = time.monotonic()
    return not all(advance.is_complete for advance in advances)


def _queries(followers: Sequence[Follower]) -> dict[int, list[Node]]:
    """The different queries of each project."""
    queries: dict[int, dict[Node, None]] = defaultdict(dict)
    for one in followers:
        queries[one.project_id][one.query] = None
    return {project: list(different) for project, different in queries.items()}


def _event(shown: Shown) -> Event:
    kind = "record" if shown.is_new else "update"
    return Event(kind, shown.position.text(), record_json(shown.row))


def _hand_out(
    one: Follower, place: int, advance: Advance, events: Sequence[tuple[Shown, Event]]
) -> None:
    own = [
        event
        for shown, event in events
        if shown.project_id == one.project_id and place in shown.queries
    ]
    missed = advance.leapt.get(one.project_id, 0)
    if advance.is_lost or missed:
        own.insert(0, _gap(one, advance, missed))
    one.deliver(own, advance.position)
    if advance.is_complete:
        one.is_live = True
        one.behind_since = None


def _gap(one: Follower, advance: Advance, missed: int) -> Event:
    """What was missed, and where to read it."""
    since = times.to_iso(one.position.moment_ns)
    if advance.is_lost:
        return told(
            "gap",
            advance.position,
            reason="lost",
            records=None,
            since=since,
            read_on=one.link("from", since),
            detail="What came since then may be incomplete: it is not known any more from where "
            "to read on. The search at `read_on` finds it.",
        )
    return told(
        "gap",
        advance.position,
        reason="slow",
        records=missed,
        since=since,
        read_on=one.link("after", one.position.text()),
        detail="So many records were stored while this client was too slow, and not sent, "
        "whether they are like the query or not. A tail at `read_on` sends them.",
    )
