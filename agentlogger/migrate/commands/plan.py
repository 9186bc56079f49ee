"""`flask db plan`: what an upgrade would do, before it does it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
from flask import current_app
from flask.cli import with_appcontext

from agentlogger.migrate.asking import asked
from agentlogger.migrate.causes import Failed
from agentlogger.migrate.durations import duration
from agentlogger.migrate.trial.plan import Line, Plan, Planned
from agentlogger.migrate.trial.planning import plan as plan_for

LABEL_WIDTH = 11
TIME_WIDTH = 9
LOCK_WIDTH = 34
ROWS_WIDTH = 12
SQL_WIDTH = 100

OWN_TIME_SHOWN = 0.05
"""Seconds of a revision's own code or commit from which they have a line of their own."""

NOT_SIMULATED = "not simulated"


@click.command(short_help="Show what `upgrade` would do, and how long it takes.")
@click.argument("revision", default="head")
@click.option(
    "--phase",
    type=click.Choice(["expand", "contract"]),
    help="expand: plan what comes before the first pending contract; contract: that as well.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_appcontext
def plan(revision: str, as_json: bool) -> None:
    """Show what `upgrade REVISION` would do: statements, locks, rows, time, and the way back.

    Nothing of the database is changed: the pending revisions run in a scratch database on the same
    server, or in the one that -x scratch=URL names, with a sample of the rows. A revision's own
    code runs there as well, once or twice. Ends with 31 where a revision would fail.
    """
    task = asked("plan")
    task.arguments = dict(current_app.extensions["migrate"].configure_args)
    found = plan_for(task, revision)
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2))
    else:
        click.echo("\n".join(shown(found)))
    if found.failure is not None:
        raise Failed(found.sentence)


def shown(plan: Plan) -> Iterator[str]:
    """The plan as people read it, line by line."""
    yield f"{'Database':<{LABEL_WIDTH}} {plan.database}"
    yield f"{'Revision':<{LABEL_WIDTH}} {', '.join(plan.heads) or 'none'}"
    for name, table in plan.tables.items():
        about = "" if table.is_exact else "about "
        sampled = "" if table.is_exact else f", tried with {table.taken:,} of them"
        yield f"{'Table':<{LABEL_WIDTH}} {name}: {about}{_rows(table.rows)}{sampled}"
    for one in plan.long_transactions:
        yield (
            f"{'Waits for':<{LABEL_WIDTH}} process {one['pid']} "
            f"({one['application'] or 'no name'}), {one['state']}, in a transaction for "
            f"{one['seconds']} s"
        )
    for note in plan.notes:
        yield f"{'Note':<{LABEL_WIDTH}} {note}"
    yield ""
    if not plan.revisions and plan.failure is None:
        yield "Nothing is pending."
        return
    for revision in plan.revisions:
        yield from _revision(revision)
        yield ""
    yield _total(plan)


def _total(plan: Plan) -> str:
    count = len(plan.revisions)
    many = f"{count} revision{'' if count == 1 else 's'}"
    if plan.failure is not None:
        return f"Total: {many} tried; the last one fails."
    time = duration(plan.seconds) if plan.seconds is not None else NOT_SIMULATED
    verdict = {True: "safe while serving", False: "not safe while serving", None: "unknown"}
    return f"Total: {many}, {time}, {verdict[plan.safe]}."


def _revision(one: Planned) -> Iterator[str]:
    release = f" of release {one.revision.release}" if one.revision.release else ""
    yield f"{one.revision.revision}  {one.revision.message}"
    yield _labelled("phase", f"{one.revision.phase}{release}")
    yield _labelled("reversible", one.reversible)
    for what in one.upgrade_takes:
        yield _labelled("takes", what)
    yield _labelled("safe", _safe(one))
    if one.seconds is not None:
        yield _labelled("time", duration(one.seconds))
    held: dict[tuple[int, str], str] = {}
    for line in one.lines:
        yield from _statement(line, held)
    if one.safe is None and not one.is_complete:
        yield f"  {NOT_SIMULATED:>{TIME_WIDTH}}  what it does next"
    for what, seconds in (
        ("its own code, and checks", one.code_seconds),
        ("commit", one.commit_seconds),
    ):
        if seconds is not None and seconds >= OWN_TIME_SHOWN:
            yield f"  {duration(seconds):>{TIME_WIDTH}}  ({what})"


def _labelled(label: str, text: str) -> str:
    return f"  {label:<{LABEL_WIDTH}} {text}"


def _safe(one: Planned) -> str:
    word = {True: "yes", False: "no", None: "unknown"}[one.safe]
    condition = f", {one.condition}" if one.condition and one.safe is not False else ""
    return f"{word}{condition}: {one.reason}"


def _statement(line: Line, held: dict[tuple[int, str], str]) -> Iterator[str]:
    time = NOT_SIMULATED if line.seconds is None else duration(line.seconds)
    facts = []
    for table, mode in line.locks.items():
        # What is held on since an earlier statement is said once.
        if held.get((line.transaction, table)) != mode:
            held[line.transaction, table] = mode
            facts.append(f"{mode} {table}".strip())
    if line.read:
        facts.append(f"{_rows(line.read)} read")
    if line.written:
        facts.append(f"{_rows(line.written)} written")
    facts += [f"rewrites {table}" for table in line.rewrites]
    facts += [f"index on {table}" for table in line.indexes]
    if line.executions > 1:
        facts.append(f"{line.executions:,} times")
    sql = " ".join(line.sql.split())
    cut = sql if len(sql) <= SQL_WIDTH else f"{sql[: SQL_WIDTH - 3]}..."
    place = f"{line.file}:{line.line}" if line.line is not None else line.file
    yield f"  {time:>{TIME_WIDTH}}  {cut}"
    if facts:
        yield f"  {'':>{TIME_WIDTH}}    {'; '.join(facts)}"
    if line.error:
        yield f"  {'':>{TIME_WIDTH}}    FAILS: {line.error}"
    yield f"  {'':>{TIME_WIDTH}}    {place}"


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
