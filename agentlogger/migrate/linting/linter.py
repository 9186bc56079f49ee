"""`flask db lint` as a whole: what is judged, by which budgets, and who else is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agentlogger.migrate.linting import squawk
from agentlogger.migrate.linting.choosing import with_ancestors
from agentlogger.migrate.linting.classes import Budgets, checked
from agentlogger.migrate.linting.course import Course
from agentlogger.migrate.linting.finding import UP, Judged, Report
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import shown
from agentlogger.migrate.task import Task


def lint(task: Task, chosen: Sequence[Declared], budgets: Budgets) -> Report:
    """Judge revisions, each on what its ancestors have made. No live database is touched.

    Raises Refused where no scratch database can be had, Failed where what stands before the chosen
    revisions cannot be replayed, and BadOption for an exemption without a reason.
    """
    allowed = {one.revision: _allowed(task, one, budgets) for one in chosen}
    report = Report(task.url.get_backend_name(), "", tables={}, notes=(), squawk="", revisions=())
    if not chosen:
        return report
    order = with_ancestors(task, chosen)
    first = min(place for place, one in enumerate(order) if one in chosen)
    course = Course(task, budgets, order[:first], order[first:], set(allowed))
    judged = course.run()
    judged, version = _second_opinion(report.database, course.version, judged)
    return replace(
        report,
        version=course.version,
        tables={name: (budgets.of(name).name, one) for name, one in sorted(course.filled.items())},
        notes=(squawk.LACKING,) if not version and report.database == "postgresql" else (),
        squawk=version,
        revisions=tuple(
            replace(
                one,
                findings=tuple(each.allow(allowed[one.revision.revision]) for each in one.findings),
            )
            for one in judged
        ),
    )


def _allowed(task: Task, revision: Declared, budgets: Budgets) -> Mapping[str, str]:
    """What a revision is allowed, by its file or by `lint.toml`. Raises BadOption."""
    module = task.script.get_revision(revision.revision).module
    own = getattr(module, "lint_allow", {})
    reasons = checked(own, f"`lint_allow` of {shown(revision.path)}")
    return {**reasons, **budgets.allowed.get(revision.revision, {})}


def _second_opinion(
    database: str, server: str, judged: Sequence[Judged]
) -> tuple[list[Judged], str]:
    """What squawk says as well, and its version; "" where it is not asked."""
    program = squawk.found() if database == "postgresql" else None
    if program is None:
        return list(judged), ""
    observed = {
        one.revision.revision: [each for direction, each in one.statements if direction == UP]
        for one in judged
    }
    said = squawk.opinions(program, observed, server)
    return [
        replace(one, findings=(*one.findings, *said[one.revision.revision])) for one in judged
    ], squawk.version_of(program)
