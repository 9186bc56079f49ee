"""`agentlogger import`: files of records, exports and transcripts, each record stored once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from agentlogger.app import create_app
from agentlogger.intake.files import formats, opening
from agentlogger.intake.files.parts import Refused
from agentlogger.models.database import db
from agentlogger.store import projects
from agentlogger.terminal.parcels import Parcel, packed
from agentlogger.terminal.reckoning import SOME_REFUSED, STOPPED, Reckoning
from agentlogger.terminal.sources import INTERRUPTED
from agentlogger.terminal.targets import DatabaseTarget, ServerTarget, Stopped, Target, deliver

STDIN = "-"
TRANSCRIPTS = ("*.jsonl", "*.ndjson", "*.jsonl.gz", "*.jsonl.zst", "session-*.json")
"""What a folder stands for."""


@dataclass
class Count(Reckoning):
    """What became of what was read."""

    files: int = 0

    def __str__(self) -> str:
        return f"{self.files:,} files: {super().__str__()}"


@click.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--to",
    "url",
    metavar="URL",
    help="A server to send to; without it, straight into this installation's database.",
)
@click.option(
    "--key", default="", envvar="AGENTLOGGER_KEY", help="The key that the server asks for."
)
@click.option(
    "--project",
    default=projects.DEFAULT_NAME,
    show_default=True,
    help="Whose records, in this installation's database; at a server the key says it.",
)
@click.option(
    "--format",
    "named",
    type=click.Choice(list(formats.FORMATS)),
    help="What the files are; without it, each tells by how it begins.",
)
@click.pass_context
def import_files(
    ctx: click.Context,
    /,
    *,
    paths: tuple[str, ...],
    url: str | None,
    key: str,
    project: str,
    named: str | None,
) -> None:
    """Import files: JSON Lines, OTLP dumps, transcripts of coding agents; - is standard input.

    Each may be compressed by gzip or zstd. Importing again stores nothing twice, so an import that
    was interrupted goes on by being repeated.
    """
    count = Count()
    code = 0
    try:
        with _target(url, key, project) as target:
            click.echo(f"Into {target.name}", err=True)
            for path in _files(paths):
                _import_file(path, named, target, count)
    except Stopped as stop:
        click.echo(f"Error: {stop}", err=True)
        code = STOPPED
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        code = INTERRUPTED
    count.tell_refused()
    click.echo(f"{count}.")
    if code:
        click.echo("What is stored stays; the same command goes on from there.", err=True)
    ctx.exit(code or (SOME_REFUSED if count.refused else 0))


@contextmanager
def _target(url: str | None, key: str, project: str) -> Iterator[Target]:
    if url:
        yield ServerTarget(url, key)
        return
    app = create_app()
    try:
        yield DatabaseTarget(app, project)
    finally:
        with app.app_context():
            db.engine.dispose()


def _files(paths: tuple[str, ...]) -> Iterator[str]:
    """The files that are meant. Raises Stopped for one that is none, before any is read."""
    found: list[str] = []
    for path in paths:
        if path != STDIN and Path(path).is_dir():
            inside = {str(file) for mask in TRANSCRIPTS for file in Path(path).rglob(mask)}
            found += sorted(inside)
        elif path == STDIN or Path(path).exists():
            found.append(path)
        else:
            raise Stopped(f"{path} does not exist: name a file, a folder, or - for standard input.")
    if not found:
        raise Stopped(f"No file in there is one of {', '.join(TRANSCRIPTS)}: name the files.")
    yield from dict.fromkeys(found)


def _import_file(path: str, named: str | None, target: Target, count: Count) -> None:
    count.files += 1
    shown = "standard input" if path == STDIN else path
    with _opened(path) as raw, _progress(shown, raw) as advance:
        try:
            head, content = opening.opened(raw)
            found = formats.read(content, named or formats.detect(head))
        except (formats.NoFormat, *opening.BROKEN) as fault:
            count.refuse(f"{shown}: {fault}")
            return
        for item in packed(found):
            if isinstance(item, Refused):
                count.refuse(f"{shown}:{item.line}: {item.reason}")
            else:
                _deliver(item, shown, target, count)
            advance()


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    if path == STDIN:
        yield sys.stdin.buffer
        return
    try:
        raw = Path(path).open("rb", buffering=0)  # noqa: SIM115  (only opening it may fail so)
    except OSError as fault:
        raise Stopped(f"{path} cannot be read: {fault.strerror}.") from None
    with raw:
        yield raw


def _deliver(parcel: Parcel, shown: str, target: Target, count: Count) -> None:
    for part, outcome in deliver(target, parcel):
        count.sent += part.records
        count.stored += outcome.stored
        count.duplicates += outcome.duplicates
        told = outcome.reasons[: outcome.refused]
        for number, (index, reason) in enumerate(told, start=1):
            rest = outcome.refused - len(told) if number == len(told) else 0
            count.refuse(f"{shown}:{part.line_of(index)}: {reason}", 1 + rest)
        if not told:
            count.refused += outcome.refused


@contextmanager
def _progress(shown: str, raw: BinaryIO) -> Iterator[Callable[[], None]]:
    """A bar on a terminal; nothing elsewhere. It counts what was read of the file as it lies."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    size = Path(shown).stat().st_size if raw is not sys.stdin.buffer else None
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(shown[-60:], total=size)
        yield lambda: progress.update(task, completed=raw.tell() if size is not None else None)
