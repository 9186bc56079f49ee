"""`flask projects`: the walls between records of different owners."""

from __future__ import annotations

import click

from agentlogger.errors import NameUnknown
from agentlogger.intake import times
from agentlogger.intake.redaction import names, rules
from agentlogger.intake.redaction.policy import Policy
from agentlogger.store import projects as store
from agentlogger.store.redaction import BELIEVED_SECONDS, choose, policy_of
from agentlogger.store.scope import OperatorScope, ProjectScope
from agentlogger.terminal.groups import SentenceGroup

OPERATOR = OperatorScope("somebody at the server's terminal")


@click.group(cls=SentenceGroup)
def projects() -> None:
    """Make and list projects."""


@projects.command()
@click.argument("name")
def create(name: str) -> None:
    """Make a project; keys of it come from `flask keys create --project NAME`."""
    if not name.strip() or len(name) > 100:  # noqa: PLR2004  (the column's)
        raise click.BadParameter("a project's name has 1 to 100 characters.")
    store.create(OPERATOR, name.strip())
    click.echo(f"Project {name.strip()} is made.")


@projects.command("list")
def show_all() -> None:
    """List the projects."""
    for row in store.all_of(OPERATOR):
        click.echo(f"{row['name']}\tsince {times.to_iso(row['created_ns'])[:10]}")


@projects.command()
@click.argument("name")
@click.option("--default", "reset", is_flag=True, help="Every default rule, and nothing else.")
@click.option("--off", is_flag=True, help="Redact nothing at all.")
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(sorted(rules.DEFAULT)),
    help="Switch off this rule; give it more than once for more than one.",
)
@click.option(
    "--also",
    multiple=True,
    type=click.Choice(sorted(rules.OPTIONAL)),
    help="Switch on this rule, which is off by default.",
)
@click.option("--key", "keys", multiple=True, help="One more name under which secrets stand.")
@click.option("--spare", multiple=True, help="A name under which no secret stands.")
def redaction(  # noqa: PLR0917  (click gives options by name)
    name: str,
    reset: bool,
    off: bool,
    without: tuple[str, ...],
    also: tuple[str, ...],
    keys: tuple[str, ...],
    spare: tuple[str, ...],
) -> None:
    """Show or choose what is redacted in the records of project NAME.

    What is given is the whole choice; what is not given is as by default.
    """
    row = store.named(OPERATOR, name)
    if row is None:
        raise NameUnknown(f"No project is named {name!r}: `flask projects list` shows them.")
    scope = ProjectScope(row["id"])
    if not (reset or off or without or also or keys or spare):
        click.echo(_told(policy_of(scope)))
        return
    chosen = Policy(
        off=off,
        without=frozenset(without),
        also=frozenset(also),
        names=_normalised(keys),
        spared=_normalised(spare),
    )
    choose(scope, chosen)
    click.echo(_told(chosen))
    click.echo(
        f"A running server knows within {BELIEVED_SECONDS:g} s. What is stored already stays as it "
        f"is: `agentlogger scrub --project {name}` redacts it.",
        err=True,
    )


def _normalised(given: tuple[str, ...]) -> frozenset[str]:
    found = frozenset(map(names.normalised, given))
    if "" in found:
        raise click.BadParameter("a name has letters or digits.")
    return found


def _told(policy: Policy) -> str:
    lines = [f"rules\t{' '.join(sorted(policy.rules)) or 'none'}"]
    if policy.names:
        lines.append(f"keys\t{' '.join(sorted(policy.names))}")
    if policy.spared:
        lines.append(f"spared\t{' '.join(sorted(policy.spared))}")
    return "\n".join(lines)
