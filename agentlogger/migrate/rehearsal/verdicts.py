"""What is said of a revision that was taken up, down and up again: one word, and why."""

from __future__ import annotations

from collections.abc import Sequence

from agentlogger.migrate.rehearsal.results import UP, Rehearsed, Verdict
from agentlogger.migrate.rehearsal.states import (
    Change,
    Difference,
    State,
    dropped,
    lost,
    schema_differences,
    surviving,
    unlike,
)
from agentlogger.migrate.revisions.declared import LOSES_DATA, UNDECLARED

REVERSIBLE = "reversible"
LOSES = "loses data as declared"
NOT_REVERSIBLE = "NOT reversible"
REWRITES = "rewrites data"
ONE_WAY = "one way as declared"
FAILS = "fails"
UNTRIED = "not rehearsed"

NOT_BACK = "the downgrade does not give the schema back"

NAMED_MOST = 4
"""So many objects are named in a sentence; the rest are counted."""


def judge(one: Rehearsed) -> None:
    """Give a revision its verdict, with what it rests on."""
    one.verdict = _failure(one) or _way_back(one)
    _note_what_else(one)


def _failure(one: Rehearsed) -> Verdict | None:
    failed = next((step for step in one.steps if step.failure), None)
    if failed is not None:
        way = "upgrade" if failed.direction == UP else "downgrade"
        again = "second " if failed is not one.first(failed.direction) else ""
        ends = f"the {again}{way} ends with {failed.failure}, at {failed.place}"
        if one.first_low is not None and one.second_low is not None:
            one.differences = schema_differences(one.first_low, one.second_low)
        if one.differences:
            # What a downgrade leaves behind is in the way of the next upgrade.
            sentence = f"{NOT_BACK}: {_differences(one.differences)}; {ends}"
            return Verdict(NOT_REVERSIBLE, sentence, as_declared=False)
        return Verdict(FAILS, ends, as_declared=False)
    if one.untried:
        return Verdict(UNTRIED, one.untried, as_declared=False)
    return None


def _way_back(one: Rehearsed) -> Verdict:
    low, high = one.first_low, one.first_high
    assert low is not None  # noqa: S101  (reached where nothing failed)
    assert high is not None  # noqa: S101  (likewise)
    one.changes = surviving(low, high)
    if not one.revision.is_reversible:
        sentence = f"it was only taken up, since it declares `reversible = {_said(one)}`"
        return Verdict(ONE_WAY, sentence, as_declared=True)
    back, again = one.second_low, one.second_high
    assert back is not None  # noqa: S101  (reached where nothing failed)
    assert again is not None  # noqa: S101  (likewise)
    one.differences = schema_differences(low, back)
    if one.differences:
        sentence = f"{NOT_BACK}: {_differences(one.differences)}"
        return Verdict(NOT_REVERSIBLE, sentence, as_declared=False)
    assert one.again_low is not None  # noqa: S101  (likewise)
    one.differences = unlike(low, high, one.again_low, again)
    if one.differences:
        sentence = f"the second upgrade makes another schema: {_differences(one.differences)}"
        return Verdict(NOT_REVERSIBLE, sentence, as_declared=False)
    one.losses = lost(low, back) or (lost(one.live, high) if one.live is not None else ())
    if one.losses:
        return _lossy(one)
    return _lossless(one, low, high, back)


def _lossy(one: Rehearsed) -> Verdict:
    what = _changes(one.losses)
    if one.revision.reversible == LOSES_DATA:
        return Verdict(LOSES, f"what does not come back: {what}", as_declared=True)
    declares = "declares nothing" if one.revision.reversible == UNDECLARED else "declares yes"
    sentence = f"it {declares}, and what does not come back: {what}"
    return Verdict(NOT_REVERSIBLE, sentence, as_declared=False)


def _lossless(one: Rehearsed, low: State, high: State, back: State) -> Verdict:
    came = _came_back(low)
    if one.changes:
        sentence = f"the upgrade changes {_changes(one.changes)}; down, {came}"
        return Verdict(REWRITES, sentence, as_declared=True)
    drops = dropped(high, back)
    if one.revision.reversible == LOSES_DATA and drops:
        sentence = f"down drops {_some(drops)} with what is in it; {came}"
        return Verdict(LOSES, sentence, as_declared=True)
    return Verdict(REVERSIBLE, came, as_declared=True)


def _came_back(low: State) -> str:
    filled = sum(1 for table in low.tables.values() if table.rows)
    if not filled:
        return "the schema came back, and there were no rows"
    rows = "1 row is" if low.rows == 1 else f"{low.rows:,} rows are"
    return (
        f"the schema came back, and {rows} the same, of {filled} "
        f"{'table' if filled == 1 else 'tables'}"
    )


def _note_what_else(one: Rehearsed) -> None:
    high, back, again = one.first_high, one.second_low, one.second_high
    if one.live is not None and high is not None:
        beside = schema_differences(one.live, high)
        if beside and one.verdict.word != FAILS:
            one.notes.append(
                "Down and up again, the schema was not as the database had it: "
                f"{_differences(beside)}. That is drift, or a service's own partitions."
            )
    if one.verdict.word == REVERSIBLE and high is not None and back is not None:
        drops = dropped(high, back)
        if drops:
            one.notes.append(f"Down drops {_some(drops)}: what is written there later goes too.")
    if one.live is None and high is not None and again is not None and not one.differences:
        other = surviving(high, again)
        if other:
            one.notes.append(f"The second upgrade wrote other values: {_changes(other)}.")


def _said(one: Rehearsed) -> str:
    return repr(one.revision.reversible)


def _differences(found: Sequence[Difference]) -> str:
    kinds = {
        "only before": "{} is missing",
        "only after": "{} is left behind",
        "another definition": "{} is another",
    }
    return _some([kinds[one.kind].format(one.thing) for one in found])


def _changes(found: Sequence[Change]) -> str:
    return _some([str(one) for one in found])


def _some(named: Sequence[str]) -> str:
    more = len(named) - NAMED_MOST
    return ", ".join(named[:NAMED_MOST]) + (f" and {more} more" if more > 0 else "")
