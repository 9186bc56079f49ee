"""`agentlogger replay`: stored records, sent on to another server by OTLP, each of them once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from agentlogger.intake.files import exported
from agentlogger.intake.files.parts import Part
from agentlogger.terminal import chunks
from agentlogger.terminal.advancing import advancing
from agentlogger.terminal.chunks import Place
from agentlogger.terminal.options import SINCE, UNTIL
from agentlogger.terminal.parcels import Parcel, packed
from agentlogger.terminal.places import Place as From
from agentlogger.terminal.places import reads_from
from agentlogger.terminal.reckoning import REASONS, SOME_REFUSED, STOPPED, Reckoning
from agentlogger.terminal.sources import INTERRUPTED, Source
from agentlogger.terminal.targets import ServerTarget, Stopped, deliver

RECORDS = 1_000
"""Records of a chunk, which is in memory: as many as one body has."""


@dataclass
class Replay(Reckoning):
    """What became of what was sent."""

    target: ServerTarget = field(kw_only=True)
    plain: bool = field(kw_only=True)
    waiting: list[Part] = field(default_factory=list)

    def take(self, line: bytes) -> None:
        """Let a record wait for the others of its chunk."""
        record = json.loads(line)
        self.waiting.append(exported.part(0, record, plain=self.plain))

    def drop(self) -> None:
        """Forget a chunk that broke off."""
        self.waiting.clear()

    def send(self) -> None:
        """Send a chunk. Raises Stopped."""
        for parcel in packed(self.waiting):
            assert isinstance(parcel, Parcel)  # noqa: S101  (no line of ours is refused)
            self._deliver(parcel)
        self.waiting.clear()

    def _deliver(self, whole: Parcel) -> None:
        for parcel, outcome in deliver(self.target, whole):
            self.sent += parcel.records
            self.stored += outcome.stored
            self.duplicates += outcome.duplicates
            self.refused += outcome.refused
            room = REASONS - len(self.reasons)
            self.reasons += [reason for _, reason in outcome.reasons[:room]]


@click.command()
@click.argument("query", nargs=-1)
@click.option("--to", "url", required=True, metavar="URL", help="The server to send to.")
@click.option(
    "--to-key",
    default="",
    envvar="AGENTLOGGER_TO_KEY",
    metavar="KEY",
    help="The key that it asks for; it says into which project.",
)
@SINCE
@UNTIL
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file that remembers how far it has come, to go on from after a stop.",
)
@click.option("--plain", is_flag=True, help="For another program: no word of ours in the records.")
@reads_from
@click.pass_context
def replay(
    ctx: click.Context,
    /,
    *,
    query: Sequence[str],
    url: str,
    to_key: str,
    since: str | None,
    until: str | None,
    state: Path | None,
    plain: bool,
    place: From,
) -> None:
    """Send the records that a QUERY finds to another server by OTLP, oldest first.

    Logs go as logs and spans as spans. AgentLogger stores each once, however often it is sent; a
    server that is busy is waited for as it asks.
    """
    target = ServerTarget(url, to_key)
    sending = Replay(target=target, plain=plain)
    source = place.open()
    code = 0
    try:
        _replay(source, chunks.asked_for(query, since, until), sending, state)
    except (Stopped, click.ClickException) as stop:
        click.echo(f"Error: {stop}", err=True)
        code = STOPPED
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        code = INTERRUPTED
    finally:
        source.close()
    sending.tell_refused()
    click.echo(f"{sending}.")
    if code:
        again = "goes on from there" if state else "sends all again, and nothing is stored twice"
        click.echo(f"What is stored stays; the same command {again}.", err=True)
    ctx.exit(code or (SOME_REFUSED if sending.refused else 0))


def _replay(source: Source, asked: dict[str, str], sending: Replay, state: Path | None) -> None:
    place = _where(Place(source.name, asked, others={"to": sending.target.name}), state)
    click.echo(f"From {source.name} to {sending.target.name}", err=True)
    if place.records:
        click.echo(f"Going on behind {place.records:,} records.", err=True)
    first = chunks.begin(source, place)

    def keep() -> None:
        sending.send()
        if state is not None:
            place.write(state)

    with advancing(sending.target.name, place, first) as advance:
        for _ in chunks.walk(
            source,
            place,
            take=advance.seen(sending.take),
            keep=keep,
            drop=sending.drop,
            most=RECORDS,
        ):
            advance.kept(0)
    if state is not None:
        state.unlink(missing_ok=True)


def _where(fresh: Place, state: Path | None) -> Place:
    known = Place.read(state) if state is not None else None
    if known is None:
        return fresh
    if replace(known, as_of=None, cursor=None, records=0, done=False) != fresh:
        raise Stopped(
            f"{state} is of another replay, from {known.source} to {known.others.get('to')}: give "
            "its own options to go on, or name another file."
        )
    return known
