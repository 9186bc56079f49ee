"""`flask db drift`: where the database, its history and the models do not say the same."""

from __future__ import annotations

import json

import click
from flask import current_app, g
from flask.cli import with_appcontext

from agentlogger.migrate.causes import Differs
from agentlogger.migrate.extension import database_url
from agentlogger.migrate.options import Options
from agentlogger.migrate.task import DIALECTS
from agentlogger.migrate.trial.drift import Finding, Report
from agentlogger.migrate.trial.drift import drift as look_for_drift

SIDES = {"history": ("database", "history"), "models": ("history", "models")}
"""For what a finding is against, what has it and what should be."""

INDENT = "    "


@click.command("drift", short_help="Compare database, history and models.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_appcontext
def drift(as_json: bool) -> None:
    """Compare the database with its history, and the history with the models.

    Nothing of the database is changed: history and models are made in a scratch database on the
    same server, or in the one that -x scratch=URL names. Ends with 11 where something differs, and
    shows the repair.
    """
    extension = current_app.extensions["migrations"]
    url = database_url(current_app)
    report = look_for_drift(
        url,
        extension.folder,
        current_app.extensions["migrate"].db.metadata,
        Options(g.get("x_arg") or (), current_app.config),
        DIALECTS[url.get_backend_name()],
    )
    click.echo(json.dumps(report.as_json(), indent=2) if as_json else shown(report))
    if report.findings:
        click.get_current_context().exit(Differs.exit_code)


def shown(report: Report) -> str:
    """The report as people read it."""
    count = len(report.findings)
    verdict = {0: "No drift.", 1: "1 difference."}.get(count, f"{count} differences.")
    at = ", ".join(report.revision) or "none"
    lines = [
        f"Database: {report.database}",
        f"Revision: {at}{' (head)' if report.revision == report.heads else ''}",
        *(f"Note: {note}" for note in report.notes),
    ]
    for finding in report.findings:
        lines += ["", *_shown(finding)]
    return "\n".join([*lines, "", verdict] if report.findings else [*lines, verdict])


def _shown(finding: Finding) -> list[str]:
    has, shall = SIDES[finding.against]
    lines = [f"{finding.thing}: {finding.difference}"]
    for side, text in ((has, finding.found), (shall, finding.expected)):
        first, *rest = (text or "nothing").splitlines()
        lines.append(f"  {side + ':':<10}{first}")
        lines += [f"{INDENT}{line}" for line in rest]
    lines.append("  repair:")
    lines += [INDENT + line for text in finding.repair for line in text.splitlines()]
    return lines
