"""`agentlogger export`: records to a file, all of them or none of it is called whole."""

from __future__ import annotations

import os
import pkgutil
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from agentlogger.terminal import chunks, outputs
from agentlogger.terminal.advancing import advancing
from agentlogger.terminal.chunks import Place, Stopped
from agentlogger.terminal.options import SINCE, UNTIL
from agentlogger.terminal.outputs import FileOutput, Output, PipeOutput
from agentlogger.terminal.places import Place as From
from agentlogger.terminal.places import reads_from
from agentlogger.terminal.sources import INTERRUPTED, Source

STDOUT = "-"
PIPE_RECORDS = 1_000
PARQUET_RECORDS = 200_000
"""Records of a part: of a pipe as many as nobody waits long for, and of Parquet a file's worth."""


@click.command("export")
@click.argument("output", metavar="OUTPUT")
@click.argument("query", nargs=-1)
@SINCE
@UNTIL
@click.option(
    "--format",
    "form",
    type=click.Choice(["ndjson", "csv", "parquet"]),
    help="Without it, as OUTPUT ends: .ndjson, .csv, .parquet, the first two also .gz or .zst.",
)
@click.option("--overwrite", is_flag=True, help="Begin again, whatever is there.")
@reads_from
@click.pass_context
def export(
    ctx: click.Context,
    /,
    *,
    output: str,
    query: Sequence[str],
    since: str | None,
    until: str | None,
    form: str | None,
    overwrite: bool,
    place: From,
) -> None:
    """Write the records that a QUERY finds to OUTPUT, oldest first; - is standard output.

    What was stopped goes on by the same command. The last line of the file, or _trailer.json in a
    folder of Parquet, says how many records there are.
    """
    named, compression = outputs.format_of(output)
    form = form or named or ("ndjson" if output == STDOUT else None)
    if form is None or (form == "parquet" and (compression or output == STDOUT)):
        raise click.UsageError(
            f"{output} does not say in which format: end it in .ndjson, .csv or .parquet, the "
            "first two also in .gz or .zst, or name a --format."
        )
    destination = _destination(output, form, compression)
    asked = chunks.asked_for(query, since, until)
    source = place.open()
    try:
        code = _export(source, asked, destination, overwrite=overwrite)
    finally:
        source.close()
    ctx.exit(code)


@dataclass(frozen=True)
class Destination:
    """Where an export goes."""

    output: Output
    form: str
    most: int
    """Records of a part."""
    path: Path | None = None
    """None for standard output, of which nothing is remembered."""

    @property
    def state(self) -> Path | None:
        """The file beside it that says how far it has come."""
        return self.path and self.path.with_name(f"{self.path.name}.state")


def _destination(output: str, form: str, compression: str) -> Destination:
    """What to write to. Raises Stopped."""
    if output == STDOUT:
        return Destination(PipeOutput(form, sys.stdout.buffer), form, PIPE_RECORDS)
    path = Path(output)
    if form != "parquet":
        return Destination(FileOutput(path, form, compression), form, chunks.RECORDS, path)
    try:
        # An extra of the installation, which nobody else needs.
        made: Output = pkgutil.resolve_name("agentlogger.terminal.parquet:ParquetOutput")(path)
    except ModuleNotFoundError:
        raise Stopped("Parquet needs pyarrow: pip install 'agentlogger[parquet]'.") from None
    return Destination(made, form, PARQUET_RECORDS, path)


def _export(source: Source, asked: dict[str, str], to: Destination, *, overwrite: bool) -> int:
    place = _where(to, Place(source.name, asked, others={"form": to.form}), overwrite=overwrite)
    try:
        _write(source, place, to)
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        _say_where(place, to)
        return INTERRUPTED
    except click.ClickException:
        _say_where(place, to)
        raise
    except BrokenPipeError:
        # Whoever reads has enough. Python would flush once more at its end, and fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as fault:
        raise Stopped(f"{to.path} cannot be written: {fault.strerror or fault}.") from None
    if to.state is not None:
        to.state.unlink(missing_ok=True)
    click.echo(f"{place.records:,} records, {to.output.size:,} bytes, whole.", err=True)
    return 0


def _write(source: Source, place: Place, to: Destination) -> None:
    """Write what is behind the place, and the trailer."""
    output = to.output

    def keep() -> None:
        place.others = {"form": to.form, **output.keep()}
        if to.state is not None:
            place.write(to.state)

    if place.records:
        click.echo(f"Going on behind {place.records:,} records.", err=True)
    first = chunks.begin(source, place)
    if to.state is not None:
        # What is killed within its first part is an export of ours too, and no file of theirs.
        place.write(to.state)
    try:
        output.begin(place.others)
        with advancing(source.name, place, first) as advance:
            for _ in chunks.walk(
                source,
                place,
                take=advance.seen(output.take),
                keep=keep,
                drop=output.drop,
                most=to.most,
            ):
                advance.kept(output.size)
        output.finish(place.as_of or "")
    finally:
        output.close()


def _say_where(place: Place, to: Destination) -> None:
    again = "; the same command goes on from there" if to.path and place.records else ""
    click.echo(f"{place.records:,} records are written{again}.", err=True)


def _where(to: Destination, fresh: Place, *, overwrite: bool) -> Place:
    """Where the export is to go on. Raises Stopped where that is not sure."""
    path, state = to.path, to.state
    if path is None or state is None:
        return fresh
    if overwrite:
        state.unlink(missing_ok=True)
        if path.is_dir():
            shutil.rmtree(path)
        return fresh
    known = Place.read(state)
    if known is None:
        if path.exists():
            raise Stopped(f"{path} is there already: name another, or give --overwrite.")
        return fresh
    others = {"form": known.others.get("form")}
    mine = replace(known, as_of=None, cursor=None, records=0, done=False, others=others)
    if mine != fresh:
        raise Stopped(
            f"{path} is the beginning of another export, of {known.source}: give its own options "
            "to go on, or --overwrite to begin again."
        )
    if known.records and not path.exists():
        raise Stopped(f"{state} is there, and {path} is not: remove it to begin again.")
    return known
