"""`agentlogger text-index`: how far the index of words has come, and building it anew."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from flask import Flask

from agentlogger.app import create_app
from agentlogger.config import installed_database, read_settings
from agentlogger.errors import Refusal
from agentlogger.intake import times
from agentlogger.store.scope import OperatorScope
from agentlogger.store.texts import lag as text_lag
from agentlogger.store.texts.lag import Known
from agentlogger.terminal.databases import refuse_missing_file

OPERATOR = OperatorScope("somebody looks after the index of words at the server's terminal")
MEGABYTE = 10**6


@click.group("text-index")
def text_index() -> None:
    """Look after the index of words in the database of this installation.

    It only says where to look: searches find the same with it, without it, and while it is built.
    """


@text_index.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def status(as_json: bool) -> None:
    """Show of each project how many records are indexed, and how far that is behind."""
    with _application().app_context():
        known = _asked()
    if as_json:
        told = [asdict(one) for one in known]
        click.echo(json.dumps([one | one.pop("lag") for one in told]))
        return
    for one in known:
        click.echo(f"{one.project}: {_sentence(one)}")


@text_index.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def rebuild(yes: bool) -> None:
    """Drop the index and build it anew, beside what the server does."""
    if not yes:
        click.confirm(
            "Searches for words read every record until it is built. Rebuild?", abort=True
        )
    with _application().app_context():
        try:
            text_lag.rebuild(OPERATOR)
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from None
    click.echo(
        "The index is dropped. A running server builds it anew, the newest records first;"
        " `agentlogger text-index status` shows how far it is."
    )


def _application() -> Flask:
    refuse_missing_file(installed_database())
    return create_app(read_settings())


def _asked() -> list[Known]:
    try:
        return text_lag.of_projects(OPERATOR)
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from None


def _sentence(one: Known) -> str:
    if not one.lag.is_begun:
        return "no index yet; a running server builds it."
    told = f"{one.indexed:,} records indexed, {one.lag.behind:,} behind"
    if one.lag.seconds >= 1:
        told += f" (the oldest of them by {one.lag.seconds:,.0f} s)"
    if one.lag.before_ns is not None:
        told += f", those before {times.to_iso(one.lag.before_ns)[:19]}Z not yet"
    return f"{told}; about {one.size / MEGABYTE:,.1f} MB."
