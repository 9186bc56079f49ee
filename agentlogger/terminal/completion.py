"""`agentlogger completion`: what a shell reads to complete the commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
PROGRAM = "agentlogger"
VARIABLE = "_AGENTLOGGER_COMPLETE"
"""How a shell that completes asks: click's own name for this program's."""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, /, *, shell: str) -> None:
    r"""Print the completion of a shell.

    \b
    bash  eval "$(agentlogger completion bash)"     in ~/.bashrc
    zsh   eval "$(agentlogger completion zsh)"      in ~/.zshrc, behind compinit
    fish  agentlogger completion fish | source      in ~/.config/fish/config.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  (click has all three)
    click.echo(kind(ctx.find_root().command, {}, PROGRAM, VARIABLE).source())
