"""SQLite's statements read as tokens: the catalogue keeps each object as the text that made it.

Two texts that make the same object must be told the same: spaces, comments, the case of keywords
and needless quotes do not count. No pragma tells the names of constraints, CHECK, COLLATE or what a
column is computed from, so these are read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.dialects.sqlite.base import SQLiteIdentifierPreparer

TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<literal>[xX]?'(?:[^']|'')*'|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    |(?P<word>[^\W\d][\w$]*)
    |(?P<mark>->>|->|\|\||<<|>>|<=|>=|<>|!=|==|.)""",
    re.VERBOSE | re.DOTALL,
)
PLAIN = re.compile(r"[^\W\d][\w$]*")

KEYWORDS = SQLiteIdentifierPreparer.reserved_words
"""Words that are written in capitals, and as a name in quotes, as SQLAlchemy writes them."""


@dataclass(frozen=True)
class Token:
    """A part of a statement, as it is written in every text that means the same."""

    kind: str
    text: str

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords, given in capitals."""
        return self.kind == "word" and self.text.upper() in words


def tokens(statement: str) -> list[Token]:
    """The parts of a statement, without spaces and comments."""
    found = []
    for match in TOKEN.finditer(statement):
        kind, text = str(match.lastgroup), match[0]
        if kind == "quoted":
            found.append(_name(text))
        elif kind == "word" and text.lower() in KEYWORDS:
            found.append(Token("word", text.upper()))
        elif kind != "space":
            found.append(Token(kind, text))
    return found


def _name(quoted: str) -> Token:
    """A quoted name, without the quotes where it needs none."""
    end = {"[": "]"}.get(quoted[0], quoted[0])
    bare = quoted[1:-1].replace(end * 2, end)
    if PLAIN.fullmatch(bare) and bare.lower() not in KEYWORDS:
        return Token("word", bare)
    return Token("quoted", '"' + bare.replace('"', '""') + '"')


def written(parts: Sequence[Token]) -> str:
    """The tokens as a statement again."""
    line = ""
    for place, token in enumerate(parts):
        before = parts[place - 1].text if place else "("
        close = before in {"(", "."} or token.text in {")", ",", ".", ";"}
        line += token.text if close or _calls(parts, place) else f" {token.text}"
    return line


def _calls(parts: Sequence[Token], place: int) -> bool:
    """Whether a parenthesis opens the arguments of a function or of a type."""
    if parts[place].text != "(" or place < 1 or parts[place - 1].kind != "word":
        return False
    named = place > 1 and parts[place - 2].is_word("ON", "TABLE", "INTO", "REFERENCES", "VIEW")
    return not named and parts[place - 1].text.lower() not in KEYWORDS


def canonical(statement: str) -> str:
    """A statement as it is written in every text that means the same."""
    found = tokens(statement)
    return written(found[:-1] if found and found[-1].text == ";" else found)


def unwrapped(parts: Sequence[Token]) -> list[Token]:
    """An expression without the parentheses that stand around the whole of it."""
    inner = list(parts)
    while len(inner) > 1 and inner[0].text == "(" and closes(inner, 0) == len(inner) - 1:
        inner = inner[1:-1]
    return inner


def closes(parts: Sequence[Token], opening: int) -> int:
    """Where the parenthesis is closed that is opened here."""
    depth = 0
    for place in range(opening, len(parts)):
        depth += {"(": 1, ")": -1}.get(parts[place].text, 0)
        if depth == 0:
            return place
    return len(parts) - 1


@dataclass
class ColumnText:
    """What the text of a table says of a column and no pragma does."""

    collation: str = ""
    computed: str = ""


@dataclass
class TableText:
    """What the text of a table says and no pragma does.

    `constraints` are (name or None, definition), those of columns as if they were the table's.
    """

    columns: dict[str, ColumnText] = field(default_factory=dict)
    constraints: list[tuple[str | None, str]] = field(default_factory=list)
    options: str = ""


def read_table(statement: str) -> TableText:
    """The text of a CREATE TABLE, taken apart."""
    parts = tokens(statement)
    opening = next(place for place, token in enumerate(parts) if token.text == "(")
    closing = closes(parts, opening)
    table = TableText(options=written(parts[closing + 1 :]).upper())
    for item in split(parts[opening + 1 : closing]):
        _Item(item, table).read()
    return table


def split(parts: Iterable[Token]) -> list[list[Token]]:
    """The items between the commas that stand in no parentheses."""
    items: list[list[Token]] = [[]]
    depth = 0
    for token in parts:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "," and depth == 0:
            items.append([])
        else:
            items[-1].append(token)
    return items


def _as_name(token: Token) -> str:
    """A token that stands where only a name can."""
    is_keyword = token.kind == "word" and token.text.lower() in KEYWORDS
    return f'"{token.text.lower()}"' if is_keyword else token.text


def _names(parts: Sequence[Token]) -> str:
    """The columns of a key; a name that is also a keyword is in quotes."""
    return written(
        [
            token if token.is_word("ASC", "DESC", "COLLATE") else Token(token.kind, _as_name(token))
            for token in parts
        ]
    )


class _Item:
    """A column or a constraint between two commas of a CREATE TABLE."""

    def __init__(self, parts: list[Token], table: TableText) -> None:
        self._parts = parts
        self._at = 0
        self._table = table
        self._column: str | None = None
        self._text = ColumnText()

    def read(self) -> None:
        """Add what it says to the table."""
        if not self._parts[0].is_word("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"):
            self._column = _as_name(self._next())
            self._table.columns[self._column] = self._text
        name = None
        while self._at < len(self._parts):
            token = self._next()
            if token.is_word("CONSTRAINT"):
                name = _as_name(self._next())
                continue
            definition = self._constraint(token)
            if definition:
                self._table.constraints.append((name, definition))
                name = None

    def _next(self) -> Token:
        self._at += 1
        return self._parts[self._at - 1]

    def _takes(self, *words: str) -> bool:
        """Whether these words come next; they are passed over."""
        coming = self._parts[self._at : self._at + len(words)]
        found = len(coming) == len(words) and all(
            token.is_word(word) for token, word in zip(coming, words, strict=True)
        )
        self._at += len(words) if found else 0
        return found

    def _group(self) -> list[Token]:
        """What stands in the parentheses that come next, or nothing."""
        if self._at >= len(self._parts) or self._parts[self._at].text != "(":
            return []
        closing = closes(self._parts, self._at)
        inner = self._parts[self._at + 1 : closing]
        self._at = closing + 1
        return inner

    def _constraint(self, token: Token) -> str | None:
        """What begins with this token, as a constraint of the table; None for what is none."""
        if token.is_word("PRIMARY"):
            self._takes("KEY")
            return f"PRIMARY KEY ({self._columns()}){self._key_tail()}"
        if token.is_word("UNIQUE"):
            return f"UNIQUE ({self._columns()}){self._key_tail()}"
        if token.is_word("CHECK"):
            return f"CHECK ({written(unwrapped(self._group()))})"
        if token.is_word("FOREIGN"):
            self._takes("KEY")
            columns = _names(self._group())
            self._takes("REFERENCES")
            return f"FOREIGN KEY ({columns}) {self._references()}"
        if token.is_word("REFERENCES"):
            return f"FOREIGN KEY ({self._column}) {self._references()}"
        if token.is_word("COLLATE"):
            self._text.collation = self._next().text.upper()
        elif token.is_word("AS"):
            self._text.computed = written(unwrapped(self._group()))
        elif token.is_word("DEFAULT"):
            # A default is read from the pragma; here it must not be taken for something else.
            is_signed = not self._group() and self._next().text in {"+", "-"}
            self._at += is_signed
        return None

    def _columns(self) -> str:
        group = self._group()
        if group:
            return _names(group)
        # A column's own key: its direction stands behind it.
        direction = " DESC" if self._takes("DESC") else ""
        self._takes("ASC")
        return f"{self._column}{direction}"

    def _key_tail(self) -> str:
        tail = ""
        if self._takes("ON", "CONFLICT"):
            action = self._next().text.upper()
            tail = "" if action == "ABORT" else f" ON CONFLICT {action}"
        return tail + (" AUTOINCREMENT" if self._takes("AUTOINCREMENT") else "")

    def _references(self) -> str:
        """A foreign key from REFERENCES on, without what is so by itself."""
        table = _as_name(self._next())
        group = self._group()
        said = f"REFERENCES {table}" + (f" ({_names(group)})" if group else "")
        actions = {}
        while self._takes("ON"):
            event, action = self._next().text, self._next().text.upper()
            action += f" {self._next().text.upper()}" if action in {"SET", "NO"} else ""
            actions[event] = action
        for event in ("DELETE", "UPDATE"):
            if actions.get(event, "NO ACTION") != "NO ACTION":
                said += f" ON {event} {actions[event]}"
        if self._takes("NOT", "DEFERRABLE") or not self._takes("DEFERRABLE"):
            self._takes("INITIALLY", "IMMEDIATE")
            return said
        deferred = self._takes("INITIALLY", "DEFERRED")
        self._takes("INITIALLY", "IMMEDIATE")
        return said + (" DEFERRABLE INITIALLY DEFERRED" if deferred else "")
