"""`agentlogger import`: each record of a file is stored once; what is not is told by its line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from flask import Flask

from agentlogger.terminal import parcels, targets
from tests.intake.exports import one, protobuf
from tests.intake.span_exports import Span
from tests.intake.span_exports import protobuf as protobuf_spans
from tests.terminal.imports import TRANSCRIPTS, Importer, served, written


@pytest.fixture
def importer(app: Flask, database_url, tmp_path: Path) -> Importer:
    """An installation that was migrated, and has no records."""
    own = tmp_path / "none.env"
    own.touch()
    return Importer(
        app,
        {
            "DATABASE_URL": database_url.render_as_string(hide_password=False),
            "AGENTLOGGER_INSTANCE": str(tmp_path),
            "AGENTLOGGER_ENV_FILE": str(own),
            "SECRET_KEY": "a key of the tests",
        },
    )


def said(outcome) -> str:
    return outcome.stdout.strip()


def test_json_lines_are_stored_once_however_often_they_are_imported(importer, tmp_path):
    file = written(tmp_path / "a.jsonl", {"message": "a"}, {"message": "b"}, {"message": "a"})

    first = importer.run(file)
    assert (first.exit_code, said(first)) == (
        0, "1 files: 3 records sent, 3 stored, 0 known already, 0 refused."
    )  # fmt: skip
    again = importer.run(file)
    assert (again.exit_code, said(again)) == (
        0, "1 files: 3 records sent, 0 stored, 3 known already, 0 refused."
    )  # fmt: skip
    assert sorted(record["body"] for record in importer.stored()) == ["a", "a", "b"]


def test_a_file_that_has_grown_and_moved_adds_only_what_is_new(importer, tmp_path):
    importer.run(written(tmp_path / "a.jsonl", {"n": 1}, {"n": 1}))
    file = written(tmp_path / "b.jsonl", {"n": 1}, {"n": 1}, {"n": 1}, {"n": 2})

    assert "4 records sent, 2 stored, 2 known already" in said(importer.run(file))


@pytest.mark.parametrize("squeeze", [bytes, gzip.compress, zstandard.compress])
def test_standard_input_and_compressed_files_are_read(
    importer, tmp_path, squeeze: Callable[[bytes], bytes]
):
    content = b'{"message": "a"}\n{"message": "b"}'
    (tmp_path / "a.bin").write_bytes(squeeze(content))

    assert "2 stored" in said(importer.run("-", given=squeeze(content)))
    assert "0 stored, 2 known already" in said(importer.run(str(tmp_path / "a.bin")))


def test_what_is_refused_is_told_by_its_line_and_ends_with_3(importer, tmp_path):
    file = written(tmp_path / "a.jsonl", {"n": 1}, "{oh no", "", "[1]", {"n": 2})
    outcome = importer.run(file)

    assert outcome.exit_code == 3
    assert said(outcome).endswith("2 records sent, 2 stored, 0 known already, 2 refused.")
    assert f"{file}:2: the line is not JSON" in outcome.stderr
    assert f"{file}:4: the line is no JSON object" in outcome.stderr


def test_a_compressed_file_that_breaks_off_gives_what_is_there_and_says_so(importer, tmp_path):
    content = b"".join(b'{"n": %d}\n' % number for number in range(1_000))
    (tmp_path / "a.gz").write_bytes(gzip.compress(content)[:-500])
    outcome = importer.run(str(tmp_path / "a.gz"))

    assert outcome.exit_code == 3
    assert "the file breaks off here" in outcome.stderr
    assert len(importer.stored()) > 100


def test_numbers_and_keys_of_a_line_come_through_as_they_are(importer, tmp_path):
    line = '{"n": 12345678901234567890123, "x": 1e400, "x": NaN, "id": null}'
    importer.run(written(tmp_path / "a.jsonl", line))

    (record,) = importer.stored()
    assert record["attributes"]["n"] == "12345678901234567890123"
    assert record["attributes"]["x"] == "NaN"


def otlp_json(*bodies: str) -> dict:
    records = [{"timeUnixNano": "1700000000000000000", "body": {"stringValue": b}} for b in bodies]
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}


def test_an_otlp_dump_is_stored_once(importer, tmp_path):
    file = written(tmp_path / "a.json", otlp_json("a", "b"), otlp_json("a", "b"), otlp_json("c"))

    assert "5 records sent, 5 stored" in said(importer.run(file))
    assert "0 stored, 5 known already" in said(importer.run(file))
    assert sorted(record["body"] for record in importer.stored()) == ["a", "a", "b", "b", "c"]


@pytest.mark.parametrize("squeeze", [bytes, zstandard.compress])
def test_otlp_messages_with_their_length_are_stored_once(importer, tmp_path, squeeze):
    exports = [
        protobuf(one(body="a", time=1_700_000_000_000_000_000)),
        protobuf_spans([Span(trace_id=bytes(range(16)), span_id=b"spanspan", name="s")]),
        json.dumps(otlp_json("b")).encode(),
    ]
    messages = [squeeze(export) for export in exports]
    framed = b"".join(len(message).to_bytes(4, "big") + message for message in messages)
    (tmp_path / "a.bin").write_bytes(framed)

    first, again = (importer.run(str(tmp_path / "a.bin")) for _ in range(2))
    assert first.exit_code == 0, first.output
    assert "3 records sent, 3 stored" in said(first)
    assert " 0 stored" in said(again)
    assert {"a", "b"} <= {record["body"] for record in importer.stored()}


def test_metrics_in_a_dump_are_refused_with_the_reason(importer, tmp_path):
    outcome = importer.run(written(tmp_path / "a.json", {"resourceMetrics": [{}]}))

    assert outcome.exit_code == 3
    assert "a.json:1: it is an export of metrics, which are not kept" in outcome.stderr


KINDS = ["prompt", "tool", "response", "llm"]


@pytest.mark.parametrize("name", [file.name for file in sorted(TRANSCRIPTS.iterdir())])
def test_a_transcript_becomes_prompts_tools_answers_and_calls(importer, name):
    file = str(TRANSCRIPTS / name)
    first, again = importer.run(file), importer.run(file)

    assert first.exit_code == 0, first.output
    assert " 0 stored" in said(again)
    records = importer.stored()
    assert len({record["session_id"] for record in records if record["session_id"]}) == 1
    found = {kind: [r for r in records if r["kind"] == kind] for kind in KINDS}
    assert found["prompt"][0]["body"] == "How many files are there?"
    assert found["response"][-1]["body"] == "There are 12."
    assert {r["tool_call_id"] for r in found["tool"]} <= {"toolu_01", "call_1", "ls-1"}
    assert {r["tool"] for r in found["tool"]} & {"Bash", "shell", "list_directory"}
    assert all(record["time"].startswith("2026-11-20T10:00:0") for record in found["llm"])
    assert all(record["model"] for record in found["llm"])


def tokens(importer, *names: str) -> list[tuple]:
    calls = [record["attributes"] for record in importer.stored() if record["kind"] == "llm"]
    return [tuple(call.get(name) for name in names) for call in calls]


def test_a_call_of_a_model_is_one_record_with_its_last_counts(importer):
    importer.run(str(TRANSCRIPTS / "claude-code.jsonl"))
    names = ("request_id", "input_tokens", "output_tokens", "cache_read_tokens")

    assert tokens(importer, *names) == [("req_01", 17, 42, 4000), ("req_02", 17, 9, 4000)]


def test_a_count_that_codex_tells_twice_is_counted_once(importer):
    importer.run(str(TRANSCRIPTS / "codex.jsonl"))

    found = tokens(importer, "input_token_count", "output_token_count", "cached_token_count")
    assert found == [(1000, 20, 400), (1100, 9, 400)]


def test_both_forms_of_a_gemini_chat_are_the_same_records(importer):
    first = importer.run(str(TRANSCRIPTS / "session-gemini-cli.json"))
    second = importer.run(str(TRANSCRIPTS / "gemini-cli.jsonl"))

    assert "5 stored" in said(first)
    assert "0 stored, 5 known already" in said(second)


def test_a_folder_stands_for_its_transcripts(importer):
    assert "4 files" in said(importer.run(str(TRANSCRIPTS)))


def test_a_server_takes_the_same_and_knows_it_again(importer, tmp_path):
    files = [
        written(tmp_path / "a.jsonl", {"n": 1}, {"n": 1}, "{oh no"),
        written(tmp_path / "b.jsonl", otlp_json("a", "b"), otlp_json("c")),
        str(TRANSCRIPTS / "claude-code.jsonl"),
    ]
    with served(importer.app) as address:
        first = importer.run("--to", address, *files)
        again = importer.run("--to", address, *files)

    assert first.exit_code == 3
    assert "a.jsonl:3: the line is not JSON" in first.stderr
    assert " 0 known already, 1 refused" in said(first)
    assert " 0 stored" in said(again)
    assert "0 stored" in said(importer.run(*files))


def test_one_bad_record_of_a_dump_is_refused_alone_with_its_line(importer, tmp_path):
    bad = {"resourceLogs": [{"scopeLogs": [{"logRecords": [5]}]}]}
    worse = {"resourceLogs": [5]}
    file = written(tmp_path / "a.json", otlp_json("a", "b"), bad, worse, otlp_json("c"))
    with served(importer.app) as address:
        outcome = importer.run("--to", address, file)

    assert "3 stored" in said(outcome)
    assert "a.json:2: a log record must be an object" in outcome.stderr


def test_a_server_that_is_away_ends_it_with_1_and_a_sentence(importer, tmp_path, monkeypatch):
    monkeypatch.setattr(targets, "PAUSES_SECONDS", (0, 0))
    file = written(tmp_path / "a.jsonl", {"n": 1})
    outcome = importer.run("--to", "http://127.0.0.1:1", file)

    assert outcome.exit_code == 1
    assert "http://127.0.0.1:1 is not reached" in outcome.stderr
    assert "the same command goes on from there" in outcome.stderr
    assert "Traceback" not in outcome.output


def test_an_import_that_was_interrupted_goes_on_by_being_repeated(importer, tmp_path, monkeypatch):
    file = written(tmp_path / "a.jsonl", *({"n": number} for number in range(30)))
    send, sent = targets.DatabaseTarget.send, []

    def interrupted(self, parcel):
        sent.append(parcel)
        if len(sent) == 3:
            raise KeyboardInterrupt
        return send(self, parcel)

    monkeypatch.setattr(parcels, "RECORDS", 10)
    with monkeypatch.context() as patch:
        patch.setattr(targets.DatabaseTarget, "send", interrupted)
        outcome = importer.run(file)
    assert outcome.exit_code == 130
    assert "20 stored" in said(outcome)
    assert "the same command goes on from there" in outcome.stderr

    assert "30 records sent, 10 stored, 20 known already" in said(importer.run(file))


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["nowhere.jsonl"], 1, "nowhere.jsonl does not exist"),
        (["--to", "127.0.0.1:4318", "-"], 1, "is no address"),
        (["--project", "nobody", "-"], 1, "No project is named 'nobody'"),
        (["--format", "csv", "-"], 2, "'csv' is not one of"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(importer, words, code, reason):
    outcome = importer.run(*words, given=b"")

    assert outcome.exit_code == code, outcome.output
    assert reason in outcome.output


@pytest.mark.parametrize("text", ["plain words\n", "[1,\n2]", "a,b\n1,2\n"])
def test_a_file_in_no_format_is_refused_by_its_beginning(importer, tmp_path, text):
    (tmp_path / "a.txt").write_text(text)
    outcome = importer.run(str(tmp_path / "a.txt"))

    assert outcome.exit_code == 3
    assert "which none of the formats does" in outcome.stderr


def test_a_database_that_was_not_migrated_says_what_to_do(empty_database_url, tmp_path):
    environment = {
        "DATABASE_URL": empty_database_url.render_as_string(hide_password=False),
        "AGENTLOGGER_INSTANCE": str(tmp_path),
        "SECRET_KEY": "a key of the tests",
    }
    outcome = Importer(None, environment).run("-", given=b'{"n": 1}')

    assert outcome.exit_code == 1
    assert "flask db upgrade" in outcome.stderr
