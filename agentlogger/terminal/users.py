"""`flask users`: people who sign in to the page."""

from __future__ import annotations

import sys

import click

from agentlogger.limits import PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN
from agentlogger.store import users as store
from agentlogger.surroundings import given_environment
from agentlogger.terminal.groups import SentenceGroup
from agentlogger.terminal.projects import OPERATOR


@click.group(cls=SentenceGroup)
def users() -> None:
    """Make and list accounts."""


@users.command()
@click.argument("email")
@click.option("--admin", is_flag=True, help="May run this server; the first account should.")
@click.option("--name", "full_name", help="The person's full name.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, for scripts."
)
def create(email: str, admin: bool, full_name: str | None, password_stdin: bool) -> None:
    """Make an account. From the first one on, every request needs a key or a sign-in."""
    if email.count("@") != 1 or not all(email.split("@")):
        raise click.BadParameter(f"{email!r} is no email address.")
    password = _password(password_stdin)
    if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
        raise click.BadParameter(
            f"a password has at least {PASSWORD_CHARACTERS_MIN} characters and at most "
            f"{PASSWORD_CHARACTERS_MAX:,}; this has {len(password)}."
        )
    first = not store.any_exist(OPERATOR)
    store.create(OPERATOR, email=email, password=password, full_name=full_name, is_admin=admin)
    click.echo(f"{email} can sign in{' as an admin' if admin else ''}.")
    if first:
        click.echo(
            "From now on every request needs a key (`flask keys create`) or a sign-in.", err=True
        )


@users.command("list")
def show_all() -> None:
    """List the accounts."""
    for row in store.all_of(OPERATOR):
        role = "admin" if row["is_admin"] else "member"
        state = "disabled" if row["disabled_ns"] is not None else "active"
        click.echo(f"{row['email']}\t{row['full_name'] or ''}\t{role}\t{state}")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    given = given_environment().get("AGENTLOGGER_PASSWORD")
    if given is not None:
        return given
    if not _is_terminal():
        raise click.UsageError(
            "There is no terminal to ask for a password: give it by --password-stdin, or in "
            "AGENTLOGGER_PASSWORD."
        )
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _is_terminal() -> bool:
    return sys.stdin.isatty()
