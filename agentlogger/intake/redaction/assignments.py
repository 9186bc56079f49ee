r"""Secrets under a name within a text: JSON in a string, headers, environments, source code.

A value in quotes ends where the same quotes come again: JSON within JSON within JSON escapes them
by one, three, seven backslashes, and those of an inner string by more. A text may have been cut
anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import chain

from agentlogger.intake.redaction import names
from agentlogger.intake.redaction.marks import MARK
from agentlogger.intake.redaction.names import Strength

STEMS = (
    r"k(?:ey|en(?<=token)|ie(?<=cookie)s?)",
    r"w(?:ord(?<=password)|d(?<=passwd)|ort(?<=passwort)|d(?<=pwd))",
    r"secret(?:s|[_.-]?(?:access[_.-]?)?key)?",
    r"z(?<=authoriz)ation",
    r"passphrase",
)
"""Ends of names, in small letters, as texts write them; `names.strength` judges the whole name.

Each begins with a character that texts have little of, and looks back from it.
"""

SEPARATOR = (
    r"(?:\\*[\"'`])?\]?"
    r"(?:\s{0,8}(?:=>|:=|[:=])(?!=)\s{0,8}"
    r"|\s{0,8},\s{0,8}\\*[\"'](?:value|Value)\\*[\"']\s{0,8}:\s{0,8})"
)
"""What stands between a name and its value; a list of headers has pairs of `name` and `value`."""

NAME = re.compile(r"[A-Za-z0-9_.\-\[\]\"'\\]*\Z")
NAME_CHARACTERS = 80
"""Characters of a name that are looked at."""

OPENING = re.compile(r"(?:\[\s{0,3})?(?:[rbfuRBFU]{1,2})?(\\*)([\"'`])")
BARE = re.compile(r"[^\s\x00-\x1f\"'`,;&|<>\\]+")
HEADER = re.compile(r"[^\"'`\r\n\\]+")
HEADER_BEGINNING = re.compile(r"[^\"'`\r\n\\]{1,200}")
COOKIE = re.compile(r"[\w.-]{1,200}+=\S")
SCHEME = re.compile(
    r"(?i:bearer|basic|token|digest|negotiate|ntlm|apikey|api-key|key|aws4-hmac-sha256)\s+"
)
"""What stands before the secret in a header; it says nothing of it, and stays."""

PLACEHOLDER = re.compile(
    r"[*•\s]*|[.\s-]*|[xX]{3,}|<[a-z][a-z _-]*>"
    r"|\[?(?i:redacted|filtered|masked|hidden)\]?|\$\{[^}]*\}"
    r"|\$[A-Z_][A-Z0-9_]*|%[A-Z_]+%|\{\{.*|\{[^}]*\}|\$\(.*"
    r"|(?i:null|none|nil|true|false|undefined|required|optional|string|str|yes|no)"
)
"""What people and programs write in the place of a secret."""

CODE = re.compile(
    r"(?:os|self|this|process|config|settings|conf|env|args|options|request|req|await|new|lambda)\b"
    r"|[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+\Z"
)

CALL = re.compile(r"[A-Za-z_][\w.]{2,}[(\[]")
"""The beginning of a call or of an index: a program, where no environment has it."""

SHOUTED = 5
"""Characters of a name's end that are looked at: the colours of a terminal may stand before."""

WEAK_LEAST, WEAK_CERTAIN = 8, 20
BARE_LEAST = 6
WEAK_MOST = 4_096
"""Characters beyond which a value is no token: it is a text about something."""

Judge = Callable[[str], Strength]
Replace = Callable[[str], str | None]


def scanners(more: Sequence[str] = ()) -> tuple[re.Pattern[str], ...]:
    """Patterns for the ends of names, in a text in small letters; `more` are normalised names."""
    written = [r"[_.\s-]?".join(map(re.escape, name)) for name in more]
    return tuple(re.compile(f"{stem}({SEPARATOR})") for stem in (*STEMS, *written))


def lowered(text: str) -> str:
    """The text in small letters, each in its place."""
    low = text.lower()
    return low if len(low) == len(text) else text.replace("İ", "I").lower()


def suspects(text: str, patterns: Sequence[re.Pattern[str]]) -> bool:
    """Whether a text may name a secret; false only where it certainly names none."""
    if ":" not in text and "=" not in text:
        return False
    low = lowered(text)
    for pattern in patterns:  # noqa: SIM110  (any() over a generator takes half as long again)
        if pattern.search(low):
            return True
    return False


def replaced(
    text: str,
    patterns: Sequence[re.Pattern[str]],
    judge: Judge,
    replace: Replace,
    *,
    partial: bool = False,
) -> str:
    """The text with the values under names of secrets replaced."""
    kept: list[str] = []
    kept_to = 0
    for name_end, value_start in _named(text, patterns):
        if name_end < kept_to:
            continue
        before = NAME.search(text, max(0, name_end - NAME_CHARACTERS), name_end)
        name = before[0] if before is not None else ""
        strength = judge(name)
        if not strength:
            continue
        span = value_span(text, value_start, name, strength, partial=partial)
        instead = replace(text[slice(*span)]) if span else None
        if span is None or instead is None:
            continue
        kept += (text[kept_to : span[0]], instead)
        kept_to = span[1]
    return "".join([*kept, text[kept_to:]]) if kept else text


def _named(text: str, patterns: Sequence[re.Pattern[str]]) -> list[tuple[int, int]]:
    """Where names of secrets end and their values begin, in order."""
    low = lowered(text)
    matches = chain.from_iterable(pattern.finditer(low) for pattern in patterns)
    return sorted((match.start(1), match.end()) for match in matches)


def value_span(
    text: str, at: int, name: str, strength: Strength, *, partial: bool = False
) -> tuple[int, int] | None:
    """From where to where the secret under a name goes; None where there is none."""
    opening = OPENING.match(text, at)
    if opening is not None:
        end = closing(text, opening.end(), opening[2], len(opening[1]))
        start = secret_start(text, opening.end(), end)
        certain = strength is Strength.STRONG or partial
        return (start, end) if is_secret(text[start:end], certain=certain) else None
    if name.lower().endswith(("authorization", "cookie")):
        span = _header_span(text, at, name)
        if span is not None:
            return span
    bare = BARE.match(text, at)
    if bare is None:
        return None
    value = _without_closers(bare[0])
    start, end = at, at + len(value)
    if partial:
        return (start, end) if is_secret(value, certain=True) else None
    return (start, end) if _is_bare_secret(text, at, value, name, strength) else None


def closing(text: str, start: int, quote: str, backslashes: int) -> int:
    """Where the value that an escaped quote has opened ends, at the latest with its line."""
    newline = text.find("\n", start)
    end = len(text) if newline < 0 else newline
    period = 2 * (backslashes + 1)
    at = text.find(quote, start, end)
    while at >= 0:
        own = at
        while own > start and text[own - 1] == "\\":
            own -= 1
        if (at - own) % period == backslashes:
            return at - backslashes
        at = text.find(quote, at + 1, end)
    return end


def secret_start(text: str, start: int, end: int) -> int:
    """Where the secret begins, behind the scheme of a header."""
    scheme = SCHEME.match(text, start, end)
    return start if scheme is None else scheme.end()


def is_secret(value: str, *, certain: bool) -> bool:
    """Whether a value under a name is to be replaced; `certain` where the name alone says so."""
    if MARK.fullmatch(value) or PLACEHOLDER.fullmatch(value):
        return False
    if certain:
        return True
    if not WEAK_LEAST <= len(value) <= WEAK_MOST or re.search(r"\s", value):
        return False
    return len(value) >= WEAK_CERTAIN or any(map(str.isdigit, value))


def _header_span(text: str, at: int, name: str) -> tuple[int, int] | None:
    """The value of a header that is written as such, up to the end of its line or its quotes."""
    start = secret_start(text, at, len(text))
    beginning = HEADER_BEGINNING.match(text, start)
    if beginning is None:
        return None
    if name.lower().endswith("cookie"):
        if not COOKIE.match(text, start):
            return None
    elif start == at or len(beginning[0]) < WEAK_LEAST or not is_mixed(beginning[0]):
        return None
    rest = HEADER.match(text, start)
    value = rest[0] if rest is not None else ""
    return (start, start + len(value.rstrip())) if not MARK.fullmatch(value.rstrip()) else None


def is_mixed(text: str) -> bool:
    """Whether a text looks random: with digits or capitals, where a sentence has small letters."""
    return any(map(str.isdigit, text)) or "=" in text or text[1:].lower() != text[1:]


def _without_closers(value: str) -> str:
    """A value without what ends the sentence or the call around it."""
    value = value.rstrip(".:!?")
    return value if any(map(value.count, "([{")) else value.rstrip(")]}")


def _is_bare_secret(text: str, at: int, value: str, name: str, strength: Strength) -> bool:
    """Whether a value without quotes is a secret: a sentence and a program have such too."""
    tight = text[at - 1 : at] == "="
    if not is_secret(value, certain=strength is Strength.STRONG) or CODE.match(value):
        return False
    if CALL.match(value) and (value.endswith(")") or not (tight and _is_shouted(name))):
        return False
    digits, letters = any(map(str.isdigit, value)), any(map(str.isalpha, value))
    if tight and (_is_queried(text, at, name) or _is_of_connection(text, at, value, name)):
        return True
    if strength is Strength.WEAK:
        return digits and letters and len(value) >= WEAK_CERTAIN
    if tight and (digits or _is_shouted(name)):
        return True
    numeric = digits and not letters and text[at - 1 : at] in {":", " "}
    if numeric:
        return name.lower().endswith(("password", "passwd", "pwd")) and len(value) >= BARE_LEAST
    return digits and letters and len(value) >= BARE_LEAST


def _is_shouted(name: str) -> bool:
    """Whether a name is written as those of an environment are."""
    return name.rstrip("\"'\\]")[-SHOUTED:].isupper()


def _is_queried(text: str, at: int, name: str) -> bool:
    """Whether a name stands in the query of an address, or in a list with semicolons."""
    begin = at - 1 - len(name)
    return begin > 0 and text[begin - 1] in {"?", "&", ";"}


def _is_of_connection(text: str, at: int, value: str, name: str) -> bool:
    """Whether it is `password=...` as a command or a connection has it, and no call's argument."""
    follows = text[at + len(value) : at + len(value) + 1]
    return follows not in {",", ")"} and name.lower().endswith(names.PASSWORDS) and value != name
