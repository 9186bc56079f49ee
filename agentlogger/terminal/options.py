"""Options that several commands have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from agentlogger.terminal import brief
from agentlogger.terminal.moments import When
from agentlogger.terminal.places import reads_from
from agentlogger.terminal.records import MOST

EXCLUDES = re.compile(r"^-(@?[A-Za-z\"][\w.\" ]*:)")
"""A key with a minus in front, and a colon behind."""

Command = TypeVar("Command", bound=Callable[..., Any])

SINCE = click.option("--since", type=When(), help="Not before: 15m, 2h, 14:05, 2026-11-22.")
UNTIL = click.option("--until", type=When(), help="Before; written likewise.")
UTC = click.option("--utc", is_flag=True, help="Times in UTC, not in this machine's zone.")
JSON = click.option("--json", "form", flag_value="json", help="A JSON object a line.")
CSV = click.option("--csv", "form", flag_value="csv", help="CSV with a heading.")
FOR_LLM = click.option(
    "--for-llm",
    "form",
    flag_value="llm",
    help="For a language model: compact, and bounded by --tokens.",
)
TOKENS = click.option(
    "--tokens",
    type=click.IntRange(brief.TOKENS_LEAST, brief.TOKENS_MOST),
    default=brief.TOKENS,
    show_default=True,
    help="The bound of --for-llm.",
)


FORMS = ("--json", "--csv", "--for-llm")


class Finds(click.Command):
    """A command whose query may begin with a minus: `-tool:Bash` is no option of ours."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words of the command."""
        forms = [form for form in FORMS if form in args]
        if len(forms) > 1:
            raise click.UsageError(f"{' and '.join(forms)} exclude each other: choose one.", ctx)
        return super().parse_args(ctx, [EXCLUDES.sub(r"NOT \1", word) for word in args])


def finds(*, default: int) -> Callable[[Command], Command]:
    """Give a command the argument and options of a search, with so many records without -n."""
    limit = click.option(
        "-n",
        "--limit",
        type=click.IntRange(1, MOST),
        default=default,
        show_default=True,
        help="At most so many, the newest.",
    )
    follow = click.option("-f", "--follow", is_flag=True, help="Go on with what comes in.")
    ids = click.option("--ids", is_flag=True, help="Show ids on a narrow terminal too.")
    cursor = click.option("--cursor", hidden=True)
    query = click.argument("query", nargs=-1)
    form = (JSON, CSV, FOR_LLM, TOKENS)

    def with_options(command: Command) -> Command:
        command = reads_from(command)
        for option in reversed((query, SINCE, UNTIL, limit, follow, *form, ids, UTC, cursor)):
            command = option(command)
        return command

    return with_options


def joined(query: Sequence[str]) -> str:
    """A query of several words as it was typed: a word with blanks was in the shell's quotes.

    One word is a whole query, however it is written; of several, one that holds a blank and no sign
    of the language was meant as a phrase.
    """
    if len(query) == 1:
        return query[0]
    return " ".join(f'"{word}"' if _is_phrase(word) else word for word in query)


def _is_phrase(word: str) -> bool:
    return " " in word and not any(sign in word for sign in '":()@')
