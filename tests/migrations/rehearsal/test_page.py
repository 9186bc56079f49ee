"""The report: whole in itself, with a line for each table that is locked, and no script."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import make_url

from agentlogger.migrate.postgresql.observing import stops
from agentlogger.migrate.rehearsal.copies import Copy
from agentlogger.migrate.rehearsal.holding import held, longest
from agentlogger.migrate.rehearsal.page import page
from agentlogger.migrate.rehearsal.results import Rehearsal, Rehearsed, Statement, Step, Verdict

EXCLUSIVE = {"parts": "ACCESS EXCLUSIVE"}
LONG = " ".join(
    ["ALTER TABLE parts", *(f"ADD COLUMN column_{number} TEXT," for number in range(40))]
)


def statement(sql: str, seconds: float, locks: dict[str, str], **others: Any) -> Statement:
    told: dict[str, Any] = {"transaction": 0, "is_autocommit": False, "read": 0, "written": 0}
    told |= {"rewrites": (), "indexes": (), "touched": (), **others}
    return Statement(
        sql, "versions/a.py", 7, executions=1, seconds=seconds, locks=locks, **told
    )  # fmt: skip


def rehearsal(*revisions: tuple[str, tuple[Statement, ...]]) -> Rehearsal:
    found = []
    for name, statements in revisions:
        declared: Any = SimpleNamespace(
            revision=name, message="a <b> change", phase="expand", reversible="yes",
            path=Path("versions/a.py"),
        )  # fmt: skip
        one = Rehearsed(declared, is_applied=False)
        one.steps = [Step("up", statements, 0.01, 0.02), Step("down", (), 0.0, 0.001)]
        one.verdict = Verdict("reversible", "all came back", as_declared=True)
        found.append(one)
    copy = Copy(make_url("sqlite:///x.db"), "a copy", 0.5, 10**6)
    return Rehearsal(
        "the.db", "sqlite", "SQLite 3", "1.0", copy, datetime.now(UTC), 1.5, tuple(found), (), 3
    )


class Tags(HTMLParser):
    """Every tag with its attributes, and whether each that was opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "rect"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self.open.pop() == tag


def test_the_page_is_whole_in_itself_and_runs_nothing():
    text = page(rehearsal(("aaa111", (statement(LONG, 1.0, EXCLUSIVE),))), stops)

    tags = Tags(text)
    assert tags.open == []
    names = {name for name, _ in tags.found}
    assert not names & {"script", "link", "img", "iframe", "form"}
    assert not [one for one in tags.found if {"src", "onclick", "style"} & set(one[1])]
    links = {given["href"] for name, given in tags.found if name == "a"}
    assert links == {"#raaa111"}
    assert not re.search(r"https?://|url\(|@import", text)
    assert "default-src 'none'" in text


def test_what_stands_in_a_revision_is_text_and_no_markup():
    text = page(rehearsal(("aaa111", (statement("SELECT a < b", 1.0, {}),))), stops)

    assert "a &lt;b&gt; change" in text
    assert "SELECT a &lt; b" in text
    assert "<b>" not in text


def test_a_long_statement_is_there_whole_behind_its_beginning():
    text = page(rehearsal(("aaa111", (statement(LONG, 1.0, EXCLUSIVE),))), stops)

    assert f"<code>{LONG}</code>" in text
    assert text.count("<details>") == 1


def test_many_revisions_cost_little_each():
    one = ("ALTER TABLE parts ADD COLUMN size INTEGER", 0.01, EXCLUSIVE)
    few = len(page(rehearsal(("aaa111", (statement(*one),))), stops))
    many = len(page(rehearsal(*[(f"r{n}", (statement(*one),)) for n in range(20)]), stops))

    assert many - few < 20 * 4_000


def test_a_lock_is_held_until_its_transaction_ends():
    step = Step(
        "up",
        (
            statement("ALTER TABLE parts ADD COLUMN a TEXT", 1.0, EXCLUSIVE),
            statement("UPDATE parts SET a = ?", 5.0, EXCLUSIVE | {"others": "ROW EXCLUSIVE"}),
        ),
        code_seconds=0.5,
        commit_seconds=0.25,
    )

    parts, others = held(step, stops)

    assert (parts.table, parts.seconds("reads and writes")) == ("parts", 6.75)
    assert (others.table, others.seconds("writes"), others.stops) == ("others", 0.0, "")
    most = longest(step, stops)
    assert most is not None
    assert (most[0].table, most[1], most[2]) == ("parts", "reads and writes", 6.75)


def test_a_statement_in_autocommit_gives_its_locks_back_at_once():
    step = Step(
        "up",
        (
            statement("CREATE INDEX ...", 1.0, {"parts": "SHARE"}, is_autocommit=True),
            statement("SELECT", 3.0, {}, is_autocommit=True, transaction=1),
        ),
        code_seconds=0.5,
        commit_seconds=0.0,
    )

    (parts,) = held(step, stops)

    assert (parts.seconds("writes"), parts.seconds("reads and writes")) == (1.0, 0.0)


def test_a_step_without_statements_says_so():
    text = page(rehearsal(("aaa111", ())), stops)

    assert "It executes no statement of its own." in text
    assert "no client waits for a lock" in text
