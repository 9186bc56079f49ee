"""Findings as GitHub shows them beside the lines of a change."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from agentlogger.migrate.linting.finding import Finding, Report
from agentlogger.migrate.linting.rules import ERROR
from agentlogger.migrate.revisions.folder import shown

SQL_SHOWN = 200
"""Characters of a statement."""


def for_github(report: Report) -> Iterator[str]:
    """A workflow command for each finding that nobody has allowed, and each one not judged.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    for one in report.revisions:
        for finding in one.findings:
            if not finding.allowed:
                yield _command(finding, one.revision.revision)
        if one.not_judged:
            title = _property(f"{one.revision.revision} was not judged")
            file = _property(shown(one.revision.path))
            yield f"::error file={file},line=1,title={title}::{_message(one.not_judged)}"


def _command(finding: Finding, revision: str) -> str:
    kind = "error" if finding.level == ERROR else "warning"
    title = _property(f"{finding.rule} ({revision}, {finding.direction})")
    where = f"file={_property(shown(finding.path))},line={finding.line or 1},title={title}"
    sql = textwrap.shorten(finding.sql, SQL_SHOWN, placeholder=" ...")
    text = "\n".join(part for part in (f"{finding.says}.", finding.advice, sql) if part)
    return f"::{kind} {where}::{_message(text)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
