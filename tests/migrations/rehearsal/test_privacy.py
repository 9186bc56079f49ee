"""Nothing of anybody's rows leaves: neither a value nor a digest that values could be tried on."""

from __future__ import annotations

import json
import re

import pytest

from agentlogger.migrate.rehearsal.redacting import without_literals
from tests.migrations.rehearsal.stage import ADD_NOTE, DROP_NOTE, rehearsed

NAMED = "UPDATE parts SET name = 'ada@example.com'"

STEPS = """
op.execute("UPDATE parts SET note = 'ada@example.com' WHERE name = 'ada@example.com'")
change = sa.text("UPDATE parts SET note = :note WHERE id = 4711")
op.execute(change.bindparams(note="ada@example.com"))
for row in op.get_bind().execute(sa.text("SELECT name FROM parts")).all():
    op.execute(sa.text(f"UPDATE parts SET note = '{row.name}' WHERE name = '{row.name}'"))
"""
FAULTS = {
    "a cast": 'op.execute("SELECT CAST(name AS integer) / 0 FROM parts")',
    "a key": 'op.create_unique_constraint("u", "parts", ["name"])',
    "its own code": 'raise ValueError("ada@example.com")',
    "a constraint": "op.execute(\"INSERT INTO parts (id, name) VALUES (1, 'ada@example.com')\")",
    "a name": "op.execute('SELECT \"ada@example.com\" FROM nowhere')",
}


def everything(project, outcome) -> str:
    """What a rehearsal has printed and written."""
    proofs = [path.read_text() for path in (project.folder / "migrations").rglob("*.json")]
    report = (project.folder / "report.html").read_text()
    return "\n".join([outcome.out, outcome.err, report, *proofs])


def test_no_value_of_a_row_or_of_a_data_step_is_in_proof_report_or_answer(project):
    project.run(NAMED)
    project.add("bbb222", "aaa111", ADD_NOTE + STEPS, DROP_NOTE)

    for words in ((), ("--json",)):
        outcome = project.door(
            "flask db", "rehearse", "--prove", "--report", "report.html", *words
        )  # fmt: skip
        assert outcome.code == 0, outcome.err
        said = everything(project, outcome)
        assert "UPDATE parts SET note = '?' WHERE name = '?'" in said
        assert "ada" not in said.lower()
        assert "4711" not in said


@pytest.mark.promise
@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_fault_quotes_is_not_told(project, fault):
    project.run(NAMED)
    project.add("bbb222", "aaa111", FAULTS[fault], "pass")

    outcome = project.door("flask db", "rehearse", "--prove", "--report", "report.html")

    assert outcome.code in {0, 37}
    assert "ada" not in everything(project, outcome).lower()


@pytest.mark.promise
def test_a_proof_has_no_digest_of_rows(project):
    project.add("bbb222", "aaa111", ADD_NOTE, DROP_NOTE)
    path = project.folder / "migrations" / "proofs" / "bbb222.json"
    seen = []
    for _ in range(2):
        rehearsed(project, "--prove")
        (proof,) = json.loads(path.read_text())["proofs"].values()
        prints = set(proof["fingerprints"].values()) | {proof["sha256"]}
        digests = set(re.findall(r"\b[0-9a-f]{16,}\b|\b\d{8,}\b", path.read_text()))
        seen.append(digests - prints)
        project.run("UPDATE parts SET size = size + 1")

    assert seen == [set(), set()]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE a SET b = 'it''s' WHERE c = 5", "UPDATE a SET b = '?' WHERE c = ?"),
        (r"UPDATE a SET b = E'it\'s secret' -- why", "UPDATE a SET b = '?'"),
        ("DO $x$ BEGIN 'secret'; END $x$", "DO '?'"),
        ('UPDATE a SET b = "secret", "c d" = 1.5e3', 'UPDATE a SET b = "?", "c d" = ?'),
        ("SELECT 'open and secret", "SELECT '?'"),
        ("SELECT /* secret */ x'AB', N'secret', 0xFF FROM t2", "SELECT '?', '?', ? FROM t2"),
        ("INSERT INTO a VALUES (%(x)s, :y, ?)", "INSERT INTO a VALUES (%(x)s, :y, ?)"),
    ],
)
def test_a_statement_is_told_without_its_literals(sql, told):
    assert without_literals(sql, frozenset({"c d"})) == told
