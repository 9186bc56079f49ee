"""`flask db lint`: revisions judged by what they do to tables with rows, before they are merged."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from agentlogger.migrate.asking import asked
from agentlogger.migrate.causes import BadOption, LintFindings, NotJudged
from agentlogger.migrate.durations import duration
from agentlogger.migrate.extension import Migrations
from agentlogger.migrate.linting import choosing
from agentlogger.migrate.linting.annotations import for_github
from agentlogger.migrate.linting.classes import HOT, budgets
from agentlogger.migrate.linting.finding import DOWN, Finding, Judged, Report
from agentlogger.migrate.linting.linter import lint as judged
from agentlogger.migrate.linting.rules import ERROR
from agentlogger.migrate.linting.squawk import SQUAWK
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import shown
from agentlogger.migrate.task import DIALECTS, Task

LABEL_WIDTH = 11
WIDTH = 100
SQL_WIDTH = 90

NAMES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}


@click.command(short_help="Judge what revisions do to tables with rows.")
@click.argument("revisions", metavar="[REVISION|FROM:TO]", required=False)
@click.option("--all", "every", is_flag=True, help="Judge the whole history.")
@click.option("--since", metavar="REVISION|COMMIT", help="Judge what came after it.")
@click.option("--on", metavar="URL", help="Judge on the server of this database.")
@click.option("--strict", is_flag=True, help="Let warnings fail as well.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="github: annotations of a workflow.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_appcontext
def lint(
    *,
    revisions: str | None,
    every: bool,
    since: str | None,
    on: str | None,
    strict: bool,
    form: str,
    as_json: bool,
) -> None:
    """Judge revisions by what they do to tables with rows: locks, rewrites, scans, the way back.

    Without more, those that are pending on the configured database, of which only the revision is
    read. They run up and down in a scratch database on the same server, or in the one that -x
    scratch=URL names, with rows that are made up. Ends with 39 where something speaks against one,
    and with 40 where one could not be judged.
    """
    task = asked("lint")
    task.arguments = dict(current_app.extensions["migrate"].configure_args)
    extension: Migrations = current_app.extensions["migrations"]
    if sum((bool(revisions), every, bool(since))) > 1:
        raise BadOption("Give one of a revision, --all and --since, and not several.")
    chosen = _chosen(task, revisions, since, every=every)
    if on is not None:
        task = replace(task, url=_other(on))
    limits = budgets(task.folder, extension.hot_tables, extension.small_tables)
    report = judged(task, chosen, limits)
    if as_json or form == "json":
        click.echo(json.dumps(report.as_json(), indent=2))
    elif form == "github":
        for line in for_github(report):
            click.echo(line)
    else:
        click.echo("\n".join(shown_report(report)))
    _end(report, is_strict=strict)


def _chosen(
    task: Task, revisions: str | None, since: str | None, *, every: bool
) -> Sequence[Declared]:
    if every:
        return task.revisions
    if since is not None:
        return choosing.since(task, since)
    if revisions is not None:
        return choosing.named(task, revisions)
    return choosing.pending(task)


def _other(text: str) -> URL:
    """The database that --on names. Raises BadOption."""
    try:
        url = make_url(text.replace("postgres://", "postgresql://", 1))
    except ArgumentError:
        raise BadOption("--on is no URL of a database: write postgresql://host/name.") from None
    if url.get_backend_name() not in DIALECTS:
        raise BadOption(f"--on names {url.get_backend_name()}, and not {' or '.join(DIALECTS)}.")
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg2")
    return url


def _end(report: Report, *, is_strict: bool) -> None:
    """Raise the cause that the report amounts to, if it does."""
    if report.errors or (is_strict and report.warnings):
        raise LintFindings(
            f"{_counted(report)}: correct the revisions before they are applied anywhere, or allow "
            "a rule with its reason, by `lint_allow` in the revision or in lint.toml."
        )
    if report.not_judged:
        first = report.not_judged[0]
        raise NotJudged(
            f"{_many(len(report.not_judged), 'revision')} could not be judged: "
            f"{first.revision.revision}, since {first.not_judged}. Correct "
            f"{shown(first.revision.path)}, then run the same command again."
        )


def shown_report(report: Report) -> Iterator[str]:
    """The report as people read it, line by line."""
    if not report.revisions:
        yield (
            "No revision is to be judged. `flask db lint --all` judges the whole history, `--since "
            "REVISION|COMMIT` what came after one."
        )
        return
    yield _labelled(
        "Judged on", f"{NAMES[report.database]} {report.version}, in a scratch database"
    )
    yield from _wrapped("Rows", _rows(report))
    for name, (_, one) in report.tables.items():
        if one.reason:
            yield from _wrapped(
                "Not filled", f"{name}, of which {one.rows:,} rows were made: {one.reason}"
            )
    if report.squawk:
        yield _labelled("Also asked", f"squawk {report.squawk}")
    for note in report.notes:
        # On one line, since it ends with a command to be copied.
        yield _labelled("Note", note)
    yield ""
    for judged_one in report.revisions:
        yield from _revision(judged_one)
        yield ""
    yield f"{_many(len(report.revisions), 'revision')}: {_counted(report)}."


def _rows(report: Report) -> str:
    return ", ".join(
        f"{name} {one.rows:,}{' (hot)' if kind == HOT else ''}"
        for name, (kind, one) in report.tables.items()
        if not one.reason
    )


def _counted(report: Report) -> str:
    parts = [_many(report.errors, "error"), _many(report.warnings, "warning")]
    allowed = sum(bool(one.allowed) for each in report.revisions for one in each.findings)
    parts += [f"{allowed} allowed"] if allowed else []
    missing = len(report.not_judged)
    return ", ".join([*parts, *([f"{missing} not judged"] if missing else [])])


def _revision(one: Judged) -> Iterator[str]:
    yield f"{one.revision.revision}  {one.revision.message}  [{one.revision.phase}]"
    if one.not_judged:
        yield from _wrapped("not judged", one.not_judged, indent=2)
    elif not one.findings:
        yield "  clean"
    for note in one.notes:
        yield from _wrapped("note", note, indent=2)
    for finding in one.findings:
        yield from _finding(finding)


def _finding(one: Finding) -> Iterator[str]:
    kind = "allowed" if one.allowed else "ERROR" if one.level == ERROR else "warning"
    line = f":{one.line}" if one.line is not None else ""
    way = " (downgrade)" if one.direction == DOWN else ""
    yield f"  {kind:<8} {one.rule}{way}  {shown(one.path)}{line}"
    if one.rule.startswith(SQUAWK):
        yield from _wrapped("", f"{one.says}.", indent=11)
        return
    if one.sql:
        cut = one.sql if len(one.sql) <= SQL_WIDTH else f"{one.sql[: SQL_WIDTH - 3]}..."
        yield f"           {cut}"
    yield from _wrapped("", f"{one.says[:1].upper()}{one.says[1:]}{_cost(one)}.", indent=11)
    if one.allowed:
        yield from _wrapped("", f"Allowed: {one.allowed}", indent=11)
    elif one.advice:
        yield from _wrapped("", one.advice, indent=11)


def _cost(one: Finding) -> str:
    if one.milliseconds is None or one.per_million is None or not one.rows:
        return ""
    if one.per_million <= one.milliseconds:
        return f": {duration(one.milliseconds / 1000)}"
    return (
        f": {duration(one.milliseconds / 1000)} with {one.rows:,} rows, about "
        f"{duration(one.per_million / 1000)} with a million"
    )


def _labelled(label: str, text: str) -> str:
    return f"{label:<{LABEL_WIDTH}} {text}"


def _wrapped(label: str, text: str, indent: int = 0) -> list[str]:
    """Text in lines, those after the first below its beginning."""
    start = " " * indent + (f"{label:<{LABEL_WIDTH}} " if label else "")
    return textwrap.wrap(
        text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
