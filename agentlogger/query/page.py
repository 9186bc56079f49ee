"""Writes docs/query-language.md from the table of keys: `python -m agentlogger.query.page`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from agentlogger.limits import QUERY_CHARACTERS, QUERY_DEPTH, QUERY_TERMS
from agentlogger.query.keys import KEYS, KINDS, Key
from agentlogger.query.words import COLUMNS, JSON_COLUMNS

FORMS = (
    ("`timeout`", "some text of the record has `timeout` in it"),
    (
        '`"rate limit"`',
        'some text has these words just so; `\\"` is a quote in it, `\\\\` a backslash',
    ),
    ("`time*out`", "some text has `time`, and later `out`"),
    ("`tool:Bash`", "the key has this value"),
    ("`model:claude-*`", "its value begins so; `*` stands for any text, but not within quotes"),
    ("`tool:(Bash, Read)`", "it has one of these values; `OR` may stand for the comma"),
    ("`duration:>2s`", "its value is above; also `>=`, `<`, `<=` and `=`"),
    ("`has:tool`", "it has a value; `tool:*` is the same"),
    ("`@http.status:500`", "an attribute of the record, or of what sent it, has this value"),
    ('`@"odd name":>5`', "the same of a name with spaces, colons, quotes or parentheses"),
    ("`-tool:Bash`", "all others, and so those without a tool; `NOT` in front is the same"),
    ("`a b`", "both; `a AND b` is the same"),
    ("`a OR b`", "either; it binds less than `AND`, and parentheses group"),
)
"""Every form of a term, and what it asks for."""


PAGE = """\
# Query language

<!-- Written by `python -m agentlogger.query.page`; edit that, or the table of keys. -->

One language for everything that finds records: the page, and `q` of [`GET /api/v1/logs`](reference.md#listing).
A time is never a part of a query; `from` and `to` stand beside it.

```text
level:>=warn tool:(Bash, Read) -ok:true duration:>2s "rate limit"
```

## Terms

| written | what it finds |
|---|---|
{forms}

`AND`, `OR` and `NOT` are capitals; `or` is a word.
No space stands before or behind a colon.
Words are looked for in {columns}, and in every text within {json_columns}; names of attributes and numbers are no texts.
They may be a part of a longer word.
Upper and lower case are the same from A to Z; any other letter is only itself.

## Keys

| key | also | kind | what it is | such as |
|---|---|---|---|---|
{keys}

Keys are written in upper or lower case, names of attributes as they were sent.

| kind | its values |
|---|---|
{kinds}
| an attribute | a text or truth in upper or lower case, or a number, also with `k`, `M` or `G`; comparisons find numbers only, and a list is found by any of its members |

## What is no query

Nothing is refused for how it is written, since people paste what they look for.
A text that does not read as a query is searched for as it stands.
So is a term with a key that is none, or a value that its key does not take.
`hints` in the answer, and the page, then say why, and which keys are like it.

A query of more than {characters:,} characters or {terms} terms, or one that nests deeper than {depth} levels, is refused with `query.too_large`.
"""  # noqa: E501  (a sentence of a page is a line)


def page() -> str:
    """The whole page."""
    return PAGE.format(
        forms="\n".join(f"| {written} | {found} |" for written, found in FORMS),
        columns=_code(COLUMNS),
        json_columns=_code(JSON_COLUMNS).replace(", ", " and "),
        keys="\n".join(_row(key) for key in KEYS),
        kinds="\n".join(f"| {kind.value} | {said} |" for kind, said in KINDS.items()),
        characters=QUERY_CHARACTERS,
        terms=QUERY_TERMS,
        depth=QUERY_DEPTH,
    )


def _row(key: Key) -> str:
    example = _code([key.example] if key.example else [])
    return (
        f"| `{key.name}` | {_code(key.aliases)} | {key.kind.value} | {key.sentence} | {example} |"
    )


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    sys.stdout.write(page())
