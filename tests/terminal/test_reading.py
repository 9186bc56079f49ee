"""`agentlogger search`, `show` and `stats` say the same from a server and from its database."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agentlogger.schemas.numbers import GROUPS
from agentlogger.showing import figures
from agentlogger.store import keys, projects, users
from agentlogger.store.scope import OperatorScope, ProjectScope
from agentlogger.terminal import moments, stats
from agentlogger.terminal.main import main

TESTS = OperatorScope("a test makes accounts and projects")
BEGAN = 1_795_331_040 * 10**9
"""2026-11-22 07:04 in UTC."""

CORPUS = Path(__file__).parents[1] / "corpus" / "hostile" / "native-texts-that-attack-readers.json"


def record(number: int, **others: object) -> dict[str, object]:
    return {"time": str(BEGAN + number * 10**9), "message": f"number {number}", **others}


def rows(outcome) -> list[list[str]]:
    return [line.split() for line in outcome.stdout.splitlines()]


def test_the_newest_records_come_oldest_first_with_their_ids_at_the_end(reader):
    reader.fill(*(record(number) for number in range(4)))

    found = reader.run("search", "-n", "2")

    assert found.exit_code == 0, found.output
    assert [row[-2] for row in rows(found)] == ["2", "3"]
    assert rows(found)[0][:2] == ["2026-11-22T07:04:02.000+0000", "INFO"]
    shown = reader.run("show", rows(found)[1][-1])
    assert shown.exit_code == 0, shown.output
    assert "  number 3\n" in shown.stdout


def test_a_query_and_times_stand_beside_each_other(reader):
    reader.fill(
        record(1, severity="warn", tool="Bash"),
        record(2, severity="error", tool="Bash"),
        record(3, severity="error", tool="Read"),
        record(4, severity="error", tool="Bash", message="a rate limit"),
    )

    def numbers(*words: str) -> list[str]:
        lines = reader.run("search", "--json", *words).stdout.splitlines()
        return [json.loads(line)["body"] for line in lines]

    assert numbers("level:>=error", "tool:Bash") == ["number 2", "a rate limit"]
    assert numbers("-tool:Bash") == ["number 3"]
    assert numbers("tool:Bash", "rate limit") == ["a rate limit"]
    since, until = "2026-11-22T07:04:02Z", "2026-11-22T07:04:04"
    assert numbers("--since", since, "--until", until) == ["number 2", "number 3"]


def test_nothing_found_a_refusal_and_a_mistake_end_with_codes_of_their_own(reader):
    reader.fill(record(1))

    nothing = reader.run("search", "nowhere")
    missing = reader.run("show", "no-such-id")
    refused = reader.run("search", " OR ".join(["a"] * 60))
    mistyped = reader.run("search", "--since", "soon")

    codes = [one.exit_code for one in (nothing, missing, refused, mistyped)]
    assert codes == [3, 3, 1, 2]
    assert nothing.stdout == ""
    assert nothing.stderr.splitlines()[-1].startswith("Nothing was found in ")
    assert "No record has the id 'no-such-id'" in missing.stderr
    assert "more than 50 terms" in refused.stderr
    assert "'soon' is no time" in mistyped.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serch"], "Did you mean search"),
        (["search", "--json", "--csv"], "--json and --csv exclude each other"),
        (["search", "--since", "2h", "--until", "3h"], "--until is not after --since"),
    ],
)
def test_a_command_that_cannot_be_meant_says_what_may_be(words, said):
    outcome = CliRunner().invoke(main, words)

    assert outcome.exit_code == 2
    assert said in outcome.stderr


@pytest.mark.parametrize(
    ("since", "said"),
    [
        ("-1d", "in the last day"),
        ("-15m", "in the last 15 minutes"),
        ("2026-11-22T00:00:00Z", "since 2026-11-22T00:00:00Z"),
    ],
)
def test_a_time_is_said_as_people_say_it(since, said):
    assert moments.since_then(since) == said


def test_a_server_with_accounts_asks_for_a_key_and_whoever_may_read_its_database_needs_none(reader):
    reader.fill(record(1))
    with reader.app.app_context():
        users.create(
            TESTS, email="a@b.example", password="long enough 1", full_name=None, is_admin=True
        )

    outcome = reader.run("search")

    at_a_server = reader.place[0] == "--server"
    assert outcome.exit_code == (1 if at_a_server else 0)
    assert ("This server asks for a key" in outcome.stderr) == at_a_server


def test_another_project_is_read_by_its_name_and_its_records_by_nobody_else(app, database_url):
    with app.app_context():
        shop = projects.create(TESTS, "shop")
        key = keys.create(ProjectScope(shop), name="k", scopes=("ingest",), expires_ns=None)
    app.test_client().post("/api/v1/logs", json=record(1), headers={"X-API-Key": key})
    place = ["--database", database_url.render_as_string(hide_password=False)]

    def found(*words: str) -> Result:
        return CliRunner().invoke(main, ["search", *place, *words])

    assert [found().exit_code, found("--project", "shop").exit_code] == [3, 0]
    assert "No project is named 'nowhere'" in found("--project", "nowhere").stderr


def test_a_hint_on_a_query_is_told_beside_the_answer(at_a_server):
    reader = at_a_server
    reader.fill(record(1, message="levle:warn"))

    found = reader.run("search", "levle:warn")

    assert len(rows(found)) == 1
    assert "did you mean level or event?" in found.stderr


def test_json_is_what_the_api_gives_and_csv_has_its_columns(at_a_server):
    reader = at_a_server
    reader.fill(record(1, tool="Bash", success=False, error_message="=1+1\nand more"))

    as_json = json.loads(reader.run("search", "--json").stdout)
    written = reader.run("search", "--csv").stdout
    row, last = csv.DictReader(io.StringIO(written))

    page = reader.app.test_client().get("/api/v1/logs").get_json()
    assert as_json == page["items"][0]
    assert (row["tool"], row["ok"], row["level"]) == ("Bash", "false", "error")
    assert row["error_message"] == "'=1+1\nand more"
    before = written[: written.index("#trailer")]
    digest = hashlib.sha256(before.encode()).hexdigest()
    assert last["time"] == f"#trailer complete=true records=1 sha256={digest}"
    assert row["id"] == as_json["id"]


def test_calls_are_summed_with_what_is_not_known(at_a_server):
    reader = at_a_server
    called = {"model": "m-1", "input_tokens": 1200, "output_tokens": 310, "cost_usd": 1.25}
    called["duration_ms"] = 2_100
    reader.fill(
        record(1, event="claude_code.api_request", request_id="a", **called),
        record(2, event="claude_code.api_request", request_id="b", model="m-2"),
    )

    summed = reader.run("stats", "--since", "2026-11-22")
    as_json = json.loads(reader.run("stats", "--json", "--since", "2026-11-22").stdout)
    dearest = reader.run("stats", "--csv", "--since", "2026-11-22", "-n", "1").stdout
    nothing = reader.run("stats", "--since", "2027-01-01")

    sums = ["calls", "failed", "in", "cached", "out", "cost", "errors", "p50", "p95", "p99"]
    assert rows(summed)[0] == ["model", *sums]
    table = {row[0]: dict(zip(sums, row[1:], strict=True)) for row in rows(summed)[1:]}
    assert (table["m-1"]["calls"], table["m-1"]["failed"]) == ("1", "0")
    assert (table["m-1"]["cost"], table["m-1"]["p95"]) == ("$1.25", "2.1s")
    assert table["m-2"]["cost"] == table["m-2"]["p50"] == figures.UNKNOWN
    assert table["all"]["cost"] == "≥$1.25"
    narrowed = reader.run("stats", "--since", "2026-11-22", "--agent", 'a "b" \\', "has:model")
    assert narrowed.exit_code == 3
    assert as_json["total"]["calls"] == 2
    assert " calls_left_out=1," in dearest.splitlines()[-1]
    assert nothing.exit_code == 3


def test_stats_groups_by_what_the_api_groups_by():
    assert stats.GROUPS == GROUPS


def test_a_log_text_moves_nothing_on_a_terminal_and_hides_nothing(at_a_server, hostile_texts):
    reader = at_a_server
    reader.fill(*(record(number, **one) for number, one in enumerate(hostile_texts)))
    identifiers = [row[-1] for row in rows(reader.run("search"))]

    outputs = [
        reader.run(command, *words, NO_COLOR="1", FORCE_COLOR="1").stdout
        for command, *words in (
            ("search",),
            ("search", "--json"),
            ("search", "--csv"),
            ("search", "--for-llm"),
            ("show", *identifiers),
            ("show", "--for-llm", *identifiers),
            ("stats", "--since", "2026-11-22", "--by", "session"),
        )
    ]

    for output in outputs:
        assert hostile_characters(output) == set()
    assert r"\x1b" in outputs[0]
    assert r"\u202e" in outputs[0]


def hostile_characters(output: str) -> set[str]:
    """What a terminal would obey, but ends of lines; by a list of its own."""
    return {
        one
        for one in output.replace("\r\n", "\n")
        if one != "\n" and (one < " " or "\x7f" <= one <= "\x9f" or one in BIDI_AND_INVISIBLE)
    }


BIDI_AND_INVISIBLE = {
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2066, 0x206A)),
    *"\u200b\u200c\u200d\u200e\u200f\u061c\ufeff\u00ad\u2028\u2029",
    *map(chr, range(0xE0000, 0xE0080)),
}


@pytest.fixture
def hostile_texts() -> list[dict[str, object]]:
    """Texts for every place of a record."""
    corpus = json.loads(CORPUS.read_text())
    texts = [
        "\x1b[2J\x1b]0;owned\x07\x9b31m",
        "\u202etxt.exe\u2066 \u200b\ufeff\u00ad\u2028 \U000e0041",
        "a\r\x08\x7f\x00b\x0bc",
    ]
    places = (
        "message", "session_id", "event", "model", "agent", "tool", "error_message", "error_type",
        "user_id", "run_id", "terminal",
    )  # fmt: skip
    return [corpus, *(dict.fromkeys(places, f"x{text}y") for text in texts)]
