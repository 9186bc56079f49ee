"""Texts become trees; what does not read as a query is searched for as it stands, and told."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlogger.errors import QueryTooLarge
from agentlogger.limits import QUERY_CHARACTERS, QUERY_DEPTH, QUERY_TERMS
from agentlogger.models.logs import LogRecord
from agentlogger.query import keys
from agentlogger.query.parsing import read
from agentlogger.query.tree import (
    EVERYTHING,
    NOTHING,
    And,
    AttributeCompares,
    AttributeMatches,
    Compares,
    Contains,
    Flagged,
    Has,
    Matches,
    Not,
    Or,
    Pattern,
)

X = keys.Attribute("x")


def word(*parts: str) -> Contains:
    return Contains(Pattern(parts))


def named(key: str, *parts: str) -> Matches:
    return Matches(keys.known(key), Pattern(parts))


def compared(key: str, operator: str, bound: int) -> Compares:
    return Compares(keys.known(key), operator, bound)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", EVERYTHING),
        (" \n ", EVERYTHING),
        ("* **", And((EVERYTHING, EVERYTHING))),
        ("rate limit", And((word("rate"), word("limit")))),
        ('"rate limit"', word("rate limit")),
        (r'"a \"quote\" and C:\dir \\"', word('a "quote" and C:\\dir \\')),
        ("a OR b AND c", Or((word("a"), And((word("b"), word("c")))))),
        ("(a OR b) c", And((Or((word("a"), word("b"))), word("c")))),
        ("NOT a -(b c)", And((Not(word("a")), Not(And((word("b"), word("c"))))))),
        ("a or ORDER not", And((word("a"), word("or"), word("ORDER"), word("not")))),
        ("--force a-b - -", And((word("--force"), word("a-b"), word("-"), word("-")))),
        ("12:30:00 bob@x.org:25", And((word("12:30:00"), word("bob@x.org:25")))),
        ("time*out", word("time", "out")),
        ("tool:Bash", named("tool", "Bash")),
        ("TOOL:=Bash", named("tool", "Bash")),
        ('tool:"a * b"', named("tool", "a * b")),
        ("model:claude-*", named("model", "claude-", "")),
        ("session_id:a:b,c", named("session", "a:b,c")),
        ("tool:*", Has(keys.known("tool"))),
        ("has:tool has:@x", And((Has(keys.known("tool")), Has(X)))),
        ('-has:@"odd \\"name\\":"', Not(Has(keys.Attribute('odd "name":')))),
        (
            'tool:(Bash, "a b" OR c*)',
            Or((named("tool", "Bash"), named("tool", "a b"), named("tool", "c", ""))),
        ),
        ("level:>=warn", compared("level", ">=", 13)),
        ("level:>warn", compared("level", ">", 16)),
        ("level:<=WARNING", compared("level", "<=", 16)),
        ("severity:<warn", compared("level", "<", 13)),
        ("level:notice", And((compared("level", ">=", 9), compared("level", "<=", 12)))),
        ("level:17", And((compared("level", ">=", 17), compared("level", "<=", 17)))),
        ("duration:>2s", compared("duration", ">", 2 * 10**9)),
        ("duration:<= 1.5us", compared("duration", "<=", 1_500)),
        ("duration:>0.5ns", compared("duration", ">", 0)),
        ("duration:<0.5ns", compared("duration", "<", 1)),
        ("duration:0.5ns", NOTHING),
        ("tokens.in:>10k", compared("tokens.in", ">", 10_000)),
        ("tokens_out:1.5M", compared("tokens.out", "=", 1_500_000)),
        ("cost:>0.50", compared("cost", ">", 500_000)),
        ("cost:>=$.5", compared("cost", ">=", 500_000)),
        ("ok:false", Flagged(keys.known("ok"), False)),
        ("success:YES", Flagged(keys.known("ok"), True)),
        ("@x:200", AttributeMatches(X, Pattern(("200",)), Decimal(200))),
        ("@x:-1.50", AttributeMatches(X, Pattern(("-1.50",)), Decimal("-1.5"))),
        ("@x:2*", AttributeMatches(X, Pattern(("2", "")), None)),
        ("@x:>=1e3", AttributeCompares(X, ">=", Decimal(1000))),
        ('@"odd name":<5', AttributeCompares(keys.Attribute("odd name"), "<", Decimal(5))),
    ],
)  # fmt: skip
def test_a_text_says_this(text, tree):
    query = read(text)

    assert query.tree == tree
    assert query.hints == ()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('say "hello', "the quote at character 5 is not closed"),
        ('has:"odd name"', '"odd was not expected at character 5'),
        ("main()", ") was not expected at character 6"),
        ("(a OR b", "something is missing at its end"),
        ("a AND", "something is missing at its end"),
        ("OR a", "OR was not expected at character 1"),
        ("tool:(a b)", "b) was not expected at character 9"),
    ],
)
def test_a_text_that_does_not_read_as_a_query_is_a_phrase_and_told(text, hint):
    query = read(f" {text} ".rstrip()[1:])

    assert query.tree == word(text)
    assert query.hints == (
        f"This does not read as a query, since {hint}; it was searched for as it stands.",
    )


@pytest.mark.parametrize(
    ("term", "hint"),
    [
        ("lvel:error", "lvel is no key: did you mean level? An attribute is written @lvel:..."),
        ("has:sesion", "sesion is no key: did you mean session"),
        ("https://example.org/a", "https is no key: an attribute is written @https:..."),
        ("time:>5", "time is no part of a query, and chosen beside it."),
        ("level:loud", "level takes a level such as warn, or 1 to 24."),
        ("level:25", "level takes a level"),
        ("duration:>2", "duration takes a number with a unit, such as 2s, 150ms or 5m."),
        ("duration:(1s, soon)", "duration takes a number with a unit"),
        ("cost:>1e300", "cost takes US dollars"),
        ("tokens.in:>5s", "tokens.in takes a number such as 500, 10k or 2M."),
        ("ok:maybe", "ok takes true or false."),
        ("tool:>Bash", "tool takes no comparison, since it has no order."),
        ("@x:>soon", "@x takes a number behind a comparison."),
    ],
)
def test_a_term_that_means_nothing_is_searched_for_as_text_and_told(term, hint):
    query = read(f"a -{term}")

    assert query.tree == And((word("a"), Not(word(term))))
    (told,) = query.hints
    assert told.startswith(f"{term} was searched for as text")
    assert hint in told


def test_a_space_behind_the_colon_of_a_key_is_told():
    assert read("tool: Bash").hints == (
        "tool: was searched for as text: a value stands right behind the colon.",
    )
    assert read("Traceback: error").hints == ()


@pytest.mark.parametrize("cut", ["duration:", "level:", "@size:"])
def test_a_comparison_that_a_shell_has_cut_is_told_in_one_sentence_more(cut):
    (told,) = read(cut).hints

    assert told.endswith(f"In a shell a comparison stands in quotes: '{cut}>...'.")


@pytest.mark.parametrize(
    "text",
    [
        "a" * (QUERY_CHARACTERS + 1),
        "a " * (QUERY_TERMS + 1),
        f"tool:({', '.join('a' * (QUERY_TERMS + 1))})",
        "-(" * 600 + "a" + ")" * 600,
    ],
    ids=["long", "words", "members", "deep"],
)
def test_what_is_too_large_is_refused(text):
    with pytest.raises(QueryTooLarge, match="ask for less at once"):
        read(text)


def test_parentheses_alone_are_no_depth():
    assert read("(" * 500 + "a" + ")" * 500).tree == word("a")
    assert read("-(" * (QUERY_DEPTH - 2) + "a" + ")" * (QUERY_DEPTH - 2)).hints == ()


PIECES = st.sampled_from(
    [
        "a", "*", " ", "(", ")", '"', "\\", "-", ":", ",", "@", "has:", "tool:", "level:", "@x:",
        "nope:", ">", ">=", "AND", "OR", "NOT", "1", "5s", "1e400", "\n", "é", "'", "has:@",
    ]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join)))
def test_every_text_is_a_query(text):
    query = read(text)

    assert isinstance(query.hints, tuple)


def test_every_key_has_a_column_and_no_name_is_given_twice():
    names = [name for key in keys.KEYS for name in (key.name, *key.aliases)]

    assert len(names) == len(set(names))
    assert {key.column for key in keys.KEYS} <= set(LogRecord.__table__.columns.keys())
    assert not set(names) & keys.TIMES


def test_every_example_of_a_key_reads_as_what_it_shows():
    for key in keys.KEYS:
        assert read(key.example).hints == (), key
