"""What people asked agents in these three days, and what the agents did: the texts of the demo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """A tool that an agent used: which, how asked, what it gave, and why it failed if it did."""

    tool: str
    arguments: dict[str, object]
    result: str
    failure: str | None = None
    seconds: float = 0.4


@dataclass(frozen=True)
class Task:
    """One prompt, the steps to its answer, and the answer."""

    prompt: str
    steps: tuple[Step, ...]
    answer: str


def _bash(command: str, result: str, failure: str | None = None, seconds: float = 0.4) -> Step:
    return Step("Bash", {"command": command}, result, failure, seconds)


def _read(path: str, result: str) -> Step:
    return Step("Read", {"file_path": path}, result, seconds=0.05)


def _edit(path: str, old: str, new: str) -> Step:
    arguments: dict[str, object] = {"file_path": path, "old_string": old, "new_string": new}
    return Step("Edit", arguments, f"{path} has been updated.", seconds=0.08)


FAILED_TEST = """\
FAILED tests/test_invoice.py::test_rounding - AssertionError: assert Decimal('10.005') == \
Decimal('10.01')
1 failed, 41 passed in 3.12s"""

CODING: tuple[tuple[Task, ...], ...] = (
    (
        Task(
            "The invoice total is off by a cent for some customers. Find out why.",
            (
                Step("Grep", {"pattern": "round\\(", "path": "billing/"}, "billing/invoice.py:88"),
                _read("billing/invoice.py", "def total(lines):\n    return round(sum(lines), 2)"),
                _bash("pytest -q tests/test_invoice.py", FAILED_TEST, "Exit code 1", 3.4),
            ),
            "`round()` rounds half to even, and the tax rules ask for half up. "
            "`billing/invoice.py:88` should quantize with `ROUND_HALF_UP`.",
        ),
        Task(
            "Fix it, and add a test for 10.005.",
            (
                _edit(
                    "billing/invoice.py",
                    "return round(sum(lines), 2)",
                    'return sum(lines).quantize(Decimal("0.01"), ROUND_HALF_UP)',
                ),
                _edit("tests/test_invoice.py", "", "def test_rounding(): ..."),
                _bash("pytest -q", "42 passed in 3.08s", seconds=3.2),
            ),
            "Done: totals are quantized with ROUND_HALF_UP, and the new test covers 10.005. "
            "All 42 tests pass.",
        ),
    ),
    (
        Task(
            "Upgrade the web service to Python 3.13 and tell me what breaks.",
            (
                _bash(
                    "grep -rn python_requires setup.cfg", "setup.cfg:14:python_requires = >=3.11"
                ),
                _bash(
                    "python3.13 -m venv .venv13 && .venv13/bin/pip install -e .[test]",
                    "ERROR: Failed building wheel for lxml",
                    "Exit code 1",
                    41.0,
                ),
                Step(
                    "WebFetch", {"url": "https://lxml.de/changes.html"}, "6.0 has wheels for 3.13"
                ),
                _edit("setup.cfg", "lxml>=4.9,<5", "lxml>=6,<7"),
                _bash(".venv13/bin/pytest -q -n 4", "611 passed, 3 skipped in 58.20s", seconds=61),
            ),
            "Only `lxml` was in the way: version 4.9 has no wheel for 3.13. With `lxml>=6` "
            "everything installs, and 611 tests pass (3 skipped, as before).",
        ),
    ),
    (
        Task(
            "Why does the nightly export take four hours now? It used to take 20 minutes.",
            (
                _bash(
                    'psql -c "select query, mean_exec_time from pg_stat_statements"', "…", None, 2.1
                ),
                _read(
                    "export/nightly.py",
                    "for order in orders:\n    customer = load(order.customer_id)",
                ),
                _bash("git log --oneline -5 export/", "9f1c2d0 export: Ask for each customer anew"),
                Step(
                    "Task",
                    {"subagent_type": "explore", "prompt": "Find every caller of load()"},
                    "14 callers, 2 of them in loops",
                    seconds=74,
                ),
            ),
            "Commit 9f1c2d0 asks for each order's customer with a query of its own: 240,000 "
            "queries instead of one join. Shall I bring the join back?",
        ),
        Task(
            "Yes, bring it back.",
            (
                _edit("export/nightly.py", "for order in orders:", "for order, customer in rows:"),
                _bash(
                    "make export-sample",
                    "psycopg2.errors.UndefinedColumn: column c.tier does not exist\n"
                    "LINE 1: select o.id, c.tier from orders o join customers c\n"
                    "                     ^",
                    "Exit code 2",
                    6.2,
                ),
                _bash("make export-sample", "exported 1000 orders in 0.9 s", seconds=2.4),
            ),
            "The join is back. The sample of 1,000 orders takes 0.9 s; before it took 61 s.",
        ),
        Task("Write the commit message.", (), "export: Read orders with their customers at once."),
    ),
    (
        Task(
            "Delete the staging database and restore it from last night's backup.",
            (
                _bash(
                    "pg_restore --list /backups/staging-latest.dump | wc -l", "1204", seconds=1.1
                ),
                _bash(
                    "dropdb staging",
                    "",
                    "The user rejected this command.",
                    0.0,
                ),
            ),
            "I have stopped, since you rejected the command. The backup is readable (1,204 "
            "entries); nothing was dropped.",
        ),
    ),
    (
        Task(
            "Make the header of the settings page stick to the top on phones.",
            (
                _read("web/settings.css", ".header { display: flex; }"),
                _edit("web/settings.css", ".header {", ".header { position: sticky; top: 0;"),
                _bash("npm test -- settings", "Tests: 18 passed, 18 total", seconds=9.7),
            ),
            "The header now sticks; it needed `position: sticky` and a background, or rows would "
            "show through it.",
        ),
    ),
)
"""Sessions with a coding agent: each is the prompts of one session, in order."""


@dataclass(frozen=True)
class Case:
    """A customer's question, what the agent looked up, and its answer."""

    question: str
    lookups: tuple[Step, ...]
    answer: str


SUPPORT: tuple[Case, ...] = (
    Case(
        "My order 84120 has not arrived, it should have been here on Monday.",
        (
            Step("lookup_order", {"order_id": 84120}, '{"status": "in transit", "carrier": "PL"}'),
            Step("track_parcel", {"carrier": "PL"}, '{"last_seen": "Leipzig", "eta": "Thursday"}'),
        ),
        "Your parcel was last seen in Leipzig and should arrive on Thursday. I am sorry for the "
        "delay.",
    ),
    Case(
        "Ich möchte die Schuhe zurückgeben, sie sind zu klein.",
        (Step("start_return", {"reason": "size"}, '{"label": "sent by mail"}', seconds=0.9),),
        "Das Etikett für die Rücksendung ist unterwegs zu Ihnen. Sie haben 30 Tage Zeit.",
    ),
    Case(
        "Why was I charged twice for invoice 2291?",
        (
            Step(
                "lookup_payments",
                {"invoice": 2291},
                "",
                "TimeoutError: payments.internal did not answer within 10 s",
                10.0,
            ),
            Step("lookup_payments", {"invoice": 2291}, '{"charges": [49.0, 49.0]}', seconds=1.3),
            Step("refund", {"invoice": 2291, "amount": 49.0}, '{"ok": true}', seconds=0.7),
        ),
        "You were charged twice, and I have refunded 49.00. It shows on your account within "
        "three days.",
    ),
    Case(
        "هل يمكنني تغيير عنوان التسليم؟",
        (Step("change_address", {"order_id": 84177}, '{"ok": true}'),),
        "نعم، تم تغيير عنوان التسليم.",
    ),
)
"""Questions to a customer service's agent."""

RESEARCH = (
    ("embed documents", 0.9),
    ("search index", 0.2),
    ("rerank candidates", 0.6),
    ("write summary", 6.5),
    ("check citations", 2.2),
)
"""The steps of a nightly pipeline, in seconds."""

CHATTER = (
    ("info", "GET /orders/{n} 200 in {ms} ms", 70),
    ("debug", "cache hit for customer {n}", 60),
    ("info", "POST /orders 201 in {ms} ms", 18),
    ("warn", "slow query: select * from orders where customer_id = {n} took {ms}0 ms", 5),
    ("warn", "retrying payment provider, attempt 2 of 3: connection reset by peer", 3),
    ("error", "payment provider did not answer for order {n}: giving up after 3 attempts", 1),
)
"""What a service says all day: how severe, the words, and how often."""
