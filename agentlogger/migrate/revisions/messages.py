"""Whether a revision's message says what the revision does.

A message names what happens and to what. It is refused where it is certain that it does not: where
it has no letter, is a single word, has only words that fit every revision, or begins with a verb
and then names too little. A verb such as `add` says what happens, so one name is enough. A verb
such as `update` says only that something happens, so a second word must say what: "update users"
is refused, "update users email to lower case" is not.

The words are English. What has a letter beyond ASCII is taken as it is, and so is every message
that no rule is about.
"""

from __future__ import annotations

import re
import unicodedata

from agentlogger.migrate.causes import VagueMessage

PLACEHOLDER = "empty message"
"""What Alembic writes where no message was given."""

TELLING_VERBS = frozenset({"add", "create", "delete", "drop", "insert", "introduce", "remove"})
"""They say what happens to what they name."""

EMPTY_WORDS = frozenset({
    "adjust", "alter", "amend", "bugfix", "change", "chore", "clean", "cleanup", "correct",
    "debug", "edit", "enhance", "feat", "fix", "handle", "hotfix", "improve", "migrate",
    "misc", "miscellaneous", "modify", "optimise", "optimize", "patch", "refactor", "revise",
    "rework", "temp", "temporary", "test", "tmp", "try", "tweak", "update", "wip", "work",
})  # fmt: skip
"""Verbs, and marks such as wip, that say only that something happens."""

KINDS = frozenset({
    "column", "constraint", "database", "db", "field", "index", "indexes", "indices",
    "migration", "revision", "schema", "table",
})  # fmt: skip
"""What every revision is about. Before another of them it is a name: `add index column`."""

TROUBLES = frozenset({
    "bug", "error", "issue", "mistake", "problem", "stuff", "thing", "typo",
})  # fmt: skip
"""The reason for a revision, and not what it does: they name nothing after an empty verb."""

QUALIFIERS = frozenset({
    "a", "all", "also", "an", "and", "another", "at", "by", "few", "for", "from", "in",
    "into", "it", "just", "many", "minor", "missing", "more", "my", "new", "of", "on", "or",
    "other", "our", "quick", "several", "simple", "small", "some", "that", "the", "their",
    "these", "this", "those", "to", "up", "various", "with",
})  # fmt: skip
"""They name nothing wherever they stand."""

KNOWN = TELLING_VERBS | EMPTY_WORDS | KINDS | TROUBLES | QUALIFIERS

NAMES_AFTER_EMPTY = 2
"""How many names an empty verb needs: the thing, and what becomes of it."""

ISSUE = re.compile(r"#\d+")
"""It says where to read about a revision, and not what it does."""

JOINTS = re.compile(r"[\W_]+|(?<=[a-z0-9])(?=[A-Z])")
"""Where a message without spaces, spelled as a file or a class is, has its words."""

EXAMPLE = '-m "add user full_name column"'


def judge(message: str | None) -> None:
    """Take a message, or raise VagueMessage with an example of a better one."""
    # An accent may be a character of its own, beside an ASCII letter.
    text = " ".join(unicodedata.normalize("NFC", message or "").split())
    fault = _fault(text)
    if fault:
        said = f'The message "{text}" {fault}' if text else "The revision has no message"
        raise VagueMessage(
            f"{said}: say what the revision does to what, as in {EXAMPLE}, or take the message as "
            "it is with -x allow-message=yes directly after `flask db` or `alembic`."
        )


def _fault(text: str) -> str | None:
    letters = [character for character in text if character.isalpha()]
    if not letters or text == PLACEHOLDER:
        return "says nothing"
    if not all(character.isascii() for character in letters):
        return None
    words = text.split() if len(text.split()) > 1 else JOINTS.split(text)
    plain = [_stem(word) for word in map(_bare, words) if word and not ISSUE.fullmatch(word)]
    said = [word for word in plain if word not in QUALIFIERS]
    if len(plain) == 1:
        return "is a single word"
    if all(word in EMPTY_WORDS | KINDS | TROUBLES for word in said):
        return "would fit every revision"
    if said[0] in TELLING_VERBS and not _names(said[1:], KINDS):
        return "does not say which"
    named = len(_names(said[1:], KINDS | TROUBLES))
    if said[0] in EMPTY_WORDS and named < NAMES_AFTER_EMPTY:
        return "says that something changes, and not what"
    return None


def _names(words: list[str], nameless: frozenset[str]) -> list[str]:
    """The words that name something: a thing of this schema, or what becomes of it."""
    followers = [*words, ""][1:]
    return [
        word
        for word, follower in zip(words, followers, strict=True)
        if word not in EMPTY_WORDS and (word not in nameless or follower in KINDS)
    ]


def _bare(word: str) -> str:
    """A word without the punctuation around it."""
    return re.sub(r"^[^\w#]+|\W+$", "", word)


def _stem(word: str) -> str:
    """An English word as the lists above spell it, else as it is, in small letters."""
    small = word.lower()
    ways = [small]
    for ending, instead in (
        ("s", ""), ("es", ""), ("d", ""), ("ed", ""), ("ing", ""), ("ing", "e"), ("ied", "y"),
        ("ies", "y"), ("ped", ""), ("ping", ""),
    ):  # fmt: skip
        if small.endswith(ending):
            ways.append(small.removesuffix(ending) + instead)
    return next((way for way in ways if way in KNOWN), small)
