"""What builds the addresses of a route, made once for all applications of the tests.

Werkzeug writes and compiles two functions for each route of each application. That was two thirds
of the 20 ms that an application takes, and the tests make thousands of it, with the same routes.
`tests/house/test_shared_routes.py` shows that a shared one is what each would have made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing.rules import Rule

Builder = Callable[..., tuple[str, str]]

NAME = "_compile_builder"
"""Werkzeug's own name, which is private: where it has another, each application makes its own."""

own: Callable[[Rule, bool], Builder] | None = getattr(Rule, NAME, None)

_made: dict[tuple[Any, ...], Builder] = {}


def shared(rule: Rule, append_unknown: bool = True) -> Builder:
    """The function for a route, which reads converters from the rule that it is called with."""
    assert own is not None
    if rule.defaults:
        # Their values would be part of it.
        return own(rule, append_unknown)
    read = (rule.rule, append_unknown, *rule._trace)
    if read not in _made:
        _made[read] = own(rule, append_unknown)
    return _made[read]
