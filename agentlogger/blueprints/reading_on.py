"""Reads what is new for those who follow: together for all who are at one position."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from agentlogger.blueprints.follower import Event, Follower, Piece, pieces, told
from agentlogger.errors import Refusal
from agentlogger.intake import times
from agentlogger.limits import TAIL_BEHIND_SECONDS, TAIL_LATE_SECONDS, TAIL_RECORDS
from agentlogger.schemas.tail import record_json
from agentlogger.store import tail
from agentlogger.store.positions import Position
from agentlogger.store.scope import OperatorScope, ProjectScope
from agentlogger.store.tail import Advance, Shown, Wanted

FOLLOWED = OperatorScope("what is new is read once for the followers of all projects")

POSITIONS_AT_ONCE = 128
"""Positions that are read on from at once. Those who keep up are at one; the others take turns."""

logger = logging.getLogger(__name__)


class Group(NamedTuple):
    """Those of a project who are at one position, and go on from there in the same way."""

    scope: ProjectScope
    position: Position
    is_to_leap: bool
    followers: Sequence[Follower]


def read_on(followers: Sequence[Follower]) -> bool:
    """Hand out what is new; whether there is more of it.

    One that has no room is left where it is and read for later, in the same order, so that it
    misses nothing; one that has kept up before, and now has been behind for long, leaps to now: for
    less long where it is the reading that does not keep up, so that nobody watches the past.
    While the database is away nothing is handed out.
    """
    now = time.monotonic()
    for one in followers:
        if one.is_live and not one.has_room:
            one.was_full = True
            one.behind_since = one.behind_since or now
    groups: dict[tuple[ProjectScope, Position, bool], list[Follower]] = defaultdict(list)
    for one in followers:
        if one.has_room:
            groups[one.scope, one.position, _is_to_leap(one, now)].append(one)
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
    bound = TAIL_BEHIND_SECONDS if one.was_full else TAIL_LATE_SECONDS
    return one.behind_since is not None and now - one.behind_since > bound


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
    wanted = [
        Wanted(
            group.scope,
            group.position,
            # Each of the different queries once.
            list(dict.fromkeys(one.query for one in group.followers)),
            leap=group.is_to_leap,
        )
        for group in groups
    ]
    advances = tail.advance(FOLLOWED, wanted, limit=TAIL_RECORDS) if wanted else []
    for group, asked, advance in zip(groups, wanted, advances, strict=True):
        # Each record is written once, and what all get who ask for the same is put together once.
        events = [(shown.queries, _event(shown)) for shown in advance.shown]
        parts = {
            query: pieces(event for like, event in events if place in like)
            for place, query in enumerate(asked.queries)
        }
        for one in group.followers:
            _hand_out(one, advance, parts[one.query])
            if advance.is_complete or advance.position != group.position:
                one.read_at = time.monotonic()
    return not all(advance.is_complete for advance in advances)


def _event(shown: Shown) -> Event:
    kind = "record" if shown.is_new else "update"
    return Event(kind, shown.position.text(), record_json(shown.row))


def _hand_out(one: Follower, advance: Advance, some: list[Piece]) -> None:
    own = some
    if advance.is_lost or advance.leapt:
        own = [Piece([_gap(one, advance)]), *some]
    one.deliver(own, advance.position)
    if advance.is_complete:
        one.is_live = True
        one.behind_since = None
        one.was_full = False
    elif one.is_live and one.behind_since is None:
        one.behind_since = time.monotonic()


def _gap(one: Follower, advance: Advance) -> Event:
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
        records=advance.leapt,
        since=since,
        read_on=one.link("after", one.position.text()),
        detail="So many records were stored while this tail was behind, and not sent, "
        "whether they are like the query or not. A tail at `read_on` sends them.",
    )
