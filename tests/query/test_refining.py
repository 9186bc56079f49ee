"""A query with one term more or one less, whatever the query is, and whatever the value."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agentlogger.limits import QUERY_CHARACTERS
from agentlogger.query.parsing import read
from agentlogger.query.refining import Refining, negated, term, without_any
from agentlogger.query.tree import And, Matches, Not

QUERIES = st.one_of(
    st.sampled_from(
        [
            "",
            "a OR b",
            "(a OR b)",
            "a AND tool:x AND (b)",
            "foo (",
            '"open',
            "-(x) y",
            "tool:(a, b)",
        ]
    ),
    st.text('ab:() "*-@\\>ORAND\n', max_size=30),
    st.text(max_size=30),
)
VALUES = st.one_of(st.text('ab"*\\() :-><=,\n', min_size=1, max_size=9), st.text(min_size=1))


@settings(deadline=None)
@given(QUERIES, VALUES, st.sampled_from(["agent", "tool", "session", "event"]))
def test_a_term_goes_in_and_out_again(query, value, key):
    asks = term(key, value)

    narrowed = Refining(query).with_terms(asks)

    assert narrowed is not None
    assert Refining(narrowed).has(asks)
    meant = read(asks).tree
    assert isinstance(meant, Matches)
    assert meant.pattern.parts == (value,)
    assert meant.key.name == key
    before, both = read(query).tree, read(narrowed).tree
    operands = before.operands if isinstance(before, And) else (before,)
    assert both in {meant, And((*operands, meant)), And((before, meant)), before}
    widened = Refining(narrowed).without(asks)
    assert not Refining(widened).has(asks)
    assert Refining(widened).with_terms(asks) is not None


def test_terms_stand_for_levels_for_what_is_not_there_and_for_all_others():
    assert term("level", "error") == "level:error"
    assert term("level", "unset") == "-level:>=trace"
    assert negated(term("level", "unset")) == "level:>=trace"
    for asks in (without_any("model"), negated("tool:x"), negated(without_any("model"))):
        assert not read(asks).hints
        assert Refining(f"a {asks} b").without(asks) == "a b"
    assert isinstance(read(negated('tool:"x y"')).tree, Not)


def test_a_query_that_would_be_too_long_is_none():
    long = "x" * (QUERY_CHARACTERS - 10)

    assert Refining(long).with_terms("tool:a") is not None
    assert Refining(long).with_terms("tool:abcdefgh") is None
    assert Refining("tool:a b").with_terms("tool:a") == "tool:a b"
