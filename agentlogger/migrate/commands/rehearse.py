"""`flask db rehearse`: revisions up, down and up again on a copy, and what came back."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from agentlogger.migrate.asking import asked
from agentlogger.migrate.causes import BadOption, Unproved
from agentlogger.migrate.durations import duration
from agentlogger.migrate.rehearsal import proofs
from agentlogger.migrate.rehearsal.holding import longest
from agentlogger.migrate.rehearsal.page import page
from agentlogger.migrate.rehearsal.rehearsing import Wish
from agentlogger.migrate.rehearsal.rehearsing import rehearse as try_all
from agentlogger.migrate.rehearsal.results import Rehearsal, Rehearsed, Statement, Step
from agentlogger.migrate.task import Task

REPORT = "rehearsal.html"

INDENT = "    "


@click.command(short_help="Try revisions up and down on a copy.")
@click.option("--on", metavar="URL", help="Rehearse on this database itself: it is the copy.")
@click.option("--all", "is_all", is_flag=True, help="The whole history, not what is pending.")
@click.option(
    "--revisions", default="", metavar="N|REV", help="Also the last N applied, or those since REV."
)
@click.option("--prove", is_flag=True, help="Write migrations/proofs/ for what is as declared.")
@click.option("--keep", is_flag=True, help="Keep the copy, and print its name.")
@click.option("--report", metavar="FILE", help=f"Where the report goes: instance/{REPORT}.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_appcontext
def rehearse(  # noqa: PLR0917  (click hands them over by name)
    on: str | None,
    is_all: bool,
    revisions: str,
    prove: bool,
    keep: bool,
    report: str | None,
    as_json: bool,
) -> None:
    """Take revisions up, down and up again on a copy of the database, and judge them.

    What is pending, or the newest revision where nothing is. The database itself is only read.
    Ends with 37 where a revision is not what it declares, and with 38 where no copy can be made.
    """
    if is_all and revisions:
        raise click.UsageError("Give --all or --revisions, and not both.")
    task = asked("rehearse")
    place = _url(task, on)
    if place is not None and not as_json:
        name = place.render_as_string(hide_password=True)
        click.echo(
            f"{name} is rehearsed on itself, and stays as the last step leaves it.", err=True
        )
    # This program's own connections would keep the database from being cloned.
    current_app.extensions["migrate"].db.engine.dispose()
    found = try_all(task, Wish(is_all, revisions), on=place, keep=keep)
    written = proofs.write(task.folder, found) if prove else []
    file = _write(report, page(found, task.dialect.stops))
    if as_json:
        told = found.as_json()
        told |= {"report": str(file), "proofs": [str(path) for path in written]}
        click.echo(json.dumps(told, indent=2))
    else:
        click.echo("\n".join([*_told(found, task), "", f"Report: {file}"]))
        if found.copy.kept_as:
            click.echo(f"The copy is kept: {found.copy.kept_as}")
        if written:
            click.echo(f"Proofs: {proofs.git_add(written)}")
    if not found.is_as_declared:
        click.get_current_context().exit(Unproved.exit_code)


def _url(task: Task, on: str | None) -> URL | None:
    if on is None:
        return None
    try:
        url = make_url(on.replace("postgres://", "postgresql://", 1))
    except ArgumentError:
        raise BadOption(
            "--on must be the URL of a database, such as sqlite:////tmp/copy.db."
        ) from None  # fmt: skip
    kind = task.url.get_backend_name()
    if url.get_backend_name() != kind:
        raise BadOption(
            f"--on names a database of {url.get_backend_name()}, and the one that it is to stand "
            f"for is of {kind}: name a copy of that kind."
        )
    return url


def _write(named: str | None, text: str) -> Path:
    """The report's file: the one that was named, else in the instance folder, else a new one."""
    if named is not None:
        path = Path(named)
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as fault:
            raise BadOption(
                f"The report {named} cannot be written ({fault.strerror}): name another file."
            ) from None
        return path
    path = Path(current_app.instance_path) / REPORT
    try:
        path.write_text(text, encoding="utf-8")
    except OSError:
        with tempfile.NamedTemporaryFile(
            "w", prefix="rehearsal-", suffix=".html", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
        return Path(file.name)
    return path


def _told(found: Rehearsal, task: Task) -> Iterator[str]:
    yield f"Database: {task.url.render_as_string(hide_password=True)}, {found.server}"
    yield f"Copy:     {found.copy.how}, {found.rows:,} rows, {duration(found.copy.seconds)}"
    for note in found.notes:
        yield f"Note: {note}"
    for one in found.revisions:
        yield ""
        yield from _revision(one, task)
    yield ""
    yield f"{found.sentence} It took {duration(found.seconds)}."


def _revision(one: Rehearsed, task: Task) -> Iterator[str]:
    mark = "" if one.verdict.as_declared else "  <-- not as declared"
    yield f"{one.revision.revision}  {one.revision.message}"
    yield f"  {one.verdict.word}: {one.verdict.sentence}.{mark}"
    yield from (f"  Note: {note}" for note in one.notes)
    for step in one.steps:
        yield f"  {step.direction:<4}  {duration(step.seconds):>8}{_waits(step, task)}"
        if step is one.first(step.direction):
            for each in step.statements:
                yield f"{INDENT}{duration(each.seconds):>10}  {_cut(each.sql)}"
                yield f"{INDENT}{'':>10}  {'; '.join(_facts(each))}"


def _waits(step: Step, task: Task) -> str:
    most = longest(step, task.dialect.stops)
    if most is None:
        return ""
    table, whom, seconds = most
    return f", {table.lock} on {table.table} stops {whom} for {duration(seconds)}"


def _facts(one: Statement) -> Iterator[str]:
    yield f"{one.file.rpartition('/')[2]}:{one.line}"
    if one.executions > 1:
        yield f"{one.executions:,} times"
    yield from (f"rewrites {table}" for table in one.rewrites)
    if one.read:
        yield f"{one.read:,} rows read"
    if one.written:
        yield f"{one.written:,} rows written"
    yield from (f"{lock} on {table}" for table, lock in sorted(one.locks.items()))
    if one.error:
        yield one.error


def _cut(sql: str) -> str:
    return sql if len(sql) <= 100 else f"{sql[:97]}..."  # noqa: PLR2004  (a line of a terminal)
