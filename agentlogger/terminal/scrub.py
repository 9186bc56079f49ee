"""`agentlogger scrub`: redacts what is stored already."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import click

from agentlogger.app import create_app
from agentlogger.config import Settings, installed_database, read_settings
from agentlogger.errors import NameUnknown, Refusal
from agentlogger.intake import times
from agentlogger.intake.redaction import rules
from agentlogger.intake.redaction.redactor import Redactor, redactor
from agentlogger.intake.redaction.stored import only, scrubbed
from agentlogger.store import projects, scrubbing
from agentlogger.store.redaction import policy_of
from agentlogger.store.rows import Row
from agentlogger.store.scope import OperatorScope, ProjectScope
from agentlogger.store.scrubbing import Place
from agentlogger.terminal.databases import refuse_missing_file

OPERATOR = OperatorScope("somebody scrubs at the server's terminal")
TOLD_EVERY_SECONDS = 5.0
STOPPED = 130
"""The code of a program that was stopped by Ctrl-C."""

PLACE = re.compile(r"(\d{1,20})\.([01])\.(\d{1,19})\.(\d{1,20})")


@dataclass
class Walk:
    """How far a scrub has come, over all its projects."""

    began_ns: int
    seen: int = 0
    changed: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    days: set[tuple[int, int]] = field(default_factory=set)
    place: str = ""
    told: float = field(default_factory=time.monotonic)

    def add(self, project_id: int, batch: scrubbing.Scrubbed) -> None:
        """Count a batch, and tell of it now and then."""
        self.seen += batch.seen
        self.changed += batch.changed
        self.counts.update(batch.counts)
        self.days |= batch.days
        if batch.last is None:
            return
        last = batch.last
        self.place = f"{project_id}.{last.stray}.{last.ts_ns}.{last.record_id}"
        if time.monotonic() - self.told > TOLD_EVERY_SECONDS:
            self.told = time.monotonic()
            day = times.to_iso(last.ts_ns)[:10]
            click.echo(f"{self.seen:,} records seen, {self.changed:,} changed; at {day}", err=True)


@click.command()
@click.option("--project", "name", help="Only this project's records; else all projects'.")
@click.option(
    "--rule",
    "chosen",
    multiple=True,
    type=click.Choice(sorted(rules.DEFAULT | rules.OPTIONAL)),
    help="Only by this rule, even where the project has it switched off.",
)
@click.option("--dry-run", is_flag=True, help="Count, and change nothing.")
@click.option("--after", metavar="PLACE", help="Go on where a scrub that was stopped has come to.")
@click.option(
    "--rewrite",
    is_flag=True,
    help="On PostgreSQL, write the touched partitions anew, each locked meanwhile.",
)
def scrub(
    name: str | None, chosen: tuple[str, ...], dry_run: bool, after: str | None, rewrite: bool
) -> None:
    """Redact the secrets in records that are stored already, and have the database forget them."""
    refuse_missing_file(installed_database())
    settings = read_settings()
    place = _place(after)
    walk = Walk(time.time_ns(), place=after or "")
    with create_app(settings).app_context():
        try:
            for row in _projects(name, place):
                _one(row, walk, place, settings, frozenset(chosen), dry_run=dry_run)
            _tell(walk, dry_run=dry_run)
            # One that goes on may have left something to forget in its first part.
            if not dry_run and (walk.changed or after):
                days = None if after else walk.days
                for sentence in scrubbing.erase(OPERATOR, days, rewrite=rewrite):
                    click.echo(sentence, err=True)
        except KeyboardInterrupt:
            _tell_where(walk)
            raise SystemExit(STOPPED) from None
        except Refusal as refusal:
            _tell_where(walk)
            raise click.ClickException(str(refusal)) from None


def _place(after: str | None) -> tuple[int, Place] | None:
    if after is None:
        return None
    parts = PLACE.fullmatch(after)
    if parts is None:
        raise click.BadParameter("--after is what a scrub that was stopped has printed.")
    project_id, stray, ts_ns, record_id = map(int, parts.groups())
    return project_id, Place(stray, ts_ns, record_id)


def _projects(name: str | None, place: tuple[int, Place] | None) -> Iterator[Row]:
    """The projects to walk, by id, from the one on where the walk was stopped."""
    rows = sorted(projects.all_of(OPERATOR), key=lambda row: int(row["id"]))
    if name is not None:
        rows = [row for row in rows if row["name"] == name]
        if not rows:
            raise NameUnknown(f"No project is named {name!r}: `flask projects list` shows them.")
    return (row for row in rows if place is None or row["id"] >= place[0])


def _one(
    row: Row,
    walk: Walk,
    place: tuple[int, Place] | None,
    settings: Settings,
    chosen: frozenset[str],
    *,
    dry_run: bool,
) -> None:
    scope = ProjectScope(row["id"])
    policy = policy_of(scope)
    if chosen:
        policy = only(policy, chosen)
    elif policy.off:
        click.echo(f"{row['name']}: redaction is off, so nothing was looked at.", err=True)
        return
    redact: Redactor = redactor(policy, settings.redaction_key)
    after = place[1] if place is not None and place[0] == row["id"] else None
    while True:
        batch = scrubbing.scrub(
            scope,
            after,
            partial(scrubbed, redactor=redact),
            received_to_ns=walk.began_ns,
            dry_run=dry_run,
        )
        walk.add(row["id"], batch)
        after = batch.last
        if after is None:
            return


def _tell(walk: Walk, *, dry_run: bool) -> None:
    for rule, count in sorted(walk.counts.items()):
        click.echo(f"{rule}\t{count}")
    done = "would change" if dry_run else "changed"
    click.echo(f"{walk.seen:,} records seen, {walk.changed:,} {done}.")


def _tell_where(walk: Walk) -> None:
    """Say how to go on; everything up to there is done and on disk."""
    if walk.place:
        click.echo(f"Go on with: agentlogger scrub --after {walk.place}", err=True)
