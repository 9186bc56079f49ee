"""The stream: records newest first, by a query, a span of time and filters in the address."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.logs import page_of
from agentlogger.blueprints.pages import asked
from agentlogger.blueprints.pages.connecting import lines_for
from agentlogger.blueprints.pages.facets import facets_of
from agentlogger.blueprints.pages.histogram import histogram_of
from agentlogger.blueprints.pages.layout import address, own_project
from agentlogger.blueprints.pages.live import live_of
from agentlogger.blueprints.pages.rows import row_of
from agentlogger.blueprints.users import who
from agentlogger.errors import QueryInvalid
from agentlogger.limits import QUERY_CHARACTERS, SCREEN_RECORDS, SEARCH_NAME_CHARACTERS
from agentlogger.schemas.arguments import read_arguments
from agentlogger.schemas.logs import LogQuerySchema
from agentlogger.schemas.searches import read_new_search
from agentlogger.showing.programs import PLACEHOLDER, Sending
from agentlogger.store import searches

stream = Blueprint("stream", __name__)

HERE = "stream.show"
CHIPS = ("event", "session", "model", "trace", "severity")
"""Filters that a link sets and that are not in the form: each can be taken away by a click."""

COUNTS = "counts"
"""Asks for the histogram and the facets within the page, where no script loads them after it."""

IGNORED = frozenset({"limit", "format"})
"""Parameters of the API that mean nothing on a page."""

EXAMPLES = (
    ("level:>=warn", "warnings and what is worse"),
    ("tool:Bash ok:false", "commands that failed"),
    ('"rate limit"', "these words just so"),
    ("model:claude-* cost:>0.05", "calls that cost more than five cents"),
    ("duration:>10s -kind:llm", "slow, but no calls of models"),
    ("@host:orders-2", "an attribute of this name"),
    ("has:error_type kind:(tool, llm)", "of two kinds, with a type of error"),
)
"""Queries that show what the language can, each with what it finds."""


class SaveForm(FlaskForm):
    """A query, and what to call it."""

    name = StringField(validators=[InputRequired(), Length(max=SEARCH_NAME_CHARACTERS)])
    query = StringField(validators=[InputRequired(), Length(max=QUERY_CHARACTERS)])


@stream.get("/")
@needs("read")
def show() -> str:
    """The newest records, with filters; an empty project says how to fill it."""
    given = _given()
    listed = {name: text for name, text in given.items() if name != COUNTS}
    page = page_of(read_arguments(LogQuerySchema, listed) | {"limit": SCREEN_RECORDS})
    counts = bool(page.items) and COUNTS in given
    is_empty = not page.items and not asked.is_filtered(given) and "cursor" not in given
    return render_template(
        "stream.html",
        rows=[row_of(row) for row in page.items],
        hints=[*page.hints, *_notes(page.text_index)],
        histogram=histogram_of(given) if counts else None,
        facets=facets_of(given) if counts else None,
        with_counts=asked.changed(HERE, given, {COUNTS: "1"}),
        filters=asked.filters(given),
        given=given,
        filtered=asked.is_filtered(given),
        ranges=asked.ranges(HERE, given),
        levels=asked.levels(HERE, given),
        chips=asked.chips(HERE, given, CHIPS),
        older=None if page.next_cursor is None else given | {"cursor": page.next_cursor},
        newest=asked.changed(HERE, given, {}),
        saved=[] if is_empty else searches.all_of(caller().scope),
        examples=EXAMPLES,
        programs=lines_for(_sending()) if is_empty else [],
        needs_key=_sending().key,
        live=live_of(given),
    )


@stream.get("/histogram")
@needs("read")
def histogram() -> str:
    """The histogram of what the stream has with the same parameters, as a part of its page."""
    return render_template("histogram.html", histogram=histogram_of(_given()))


@stream.get("/facets")
@needs("read")
def facets() -> str:
    """The same of its facets."""
    return render_template("facets.html", facets=facets_of(_given()))


def _notes(text_index: dict[str, Any] | None) -> list[str]:
    """What the index of words does not have yet, where that makes a search slower."""
    note = (text_index or {}).get("note")
    return [note] if note else []


def _given() -> dict[str, str]:
    return {name: text for name, text in request.args.items() if text and name not in IGNORED}


def _sending() -> Sending:
    """Where what is pasted sends to, with the place of a key where one is needed."""
    return Sending(address(), "" if caller().by == "open" else PLACEHOLDER, content=False)


@stream.post("/saved")
@needs("read")
def save() -> ResponseReturnValue:
    """Keep a query under a name, and show it. Raises what the API raises."""
    form = SaveForm()
    if not form.validate_on_submit():
        raise QueryInvalid("A saved search needs a query and a name of at most 100 characters.")
    fields = read_new_search({"name": form.name.data, "query": form.query.data})
    row = searches.create(caller().scope, created_by=who(), **fields)
    return redirect(url_for(HERE, q=row["query"], **own_project()))
