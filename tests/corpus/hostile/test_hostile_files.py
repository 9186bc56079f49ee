"""Every file of this folder gets the answer that `index.json` wants, alike on both databases.

A failing input becomes a file here, with its verdict in the index: `door` is where it is sent,
`stored` and `rejected` count records, `adjusted` counts rules, and `reads` are fields of the
records that must then be read back, one object for each. `why` says what is hostile about it.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from agentlogger.intake.redaction.rules import WORDS
from agentlogger.intake.storable import RULES
from tests.otlp.exchange import partial_success, stored

FOLDER = Path(__file__).parent
INDEX: list[dict[str, Any]] = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
DOORS = {"native": "/api/v1/logs", "otlp": "/v1/logs", "traces": "/v1/traces"}


def send(client: FlaskClient, case: dict[str, Any]) -> TestResponse:
    encoding = {"Content-Encoding": case["encoding"]} if "encoding" in case else {}
    return client.post(
        DOORS[case["door"]],
        data=(FOLDER / case["file"]).read_bytes(),
        content_type=case["content_type"],
        headers=encoding,
    )


def exactly(value: Any) -> str:
    """A JSON value with its types: 1, 1.0 and true are not the same."""
    return json.dumps(value, sort_keys=True)


def told(case: dict[str, Any], response: TestResponse) -> dict[str, Any]:
    """What an answer says of the records that it was given."""
    if response.status_code != 200:
        return {"stored": 0, "rejected": case["rejected"], "adjusted": {}}
    if case["door"] == "native":
        receipt = response.get_json()
        return {
            "stored": receipt["accepted"],
            "rejected": receipt["rejected_count"],
            "adjusted": receipt["adjusted"],
        }
    rejected, message = partial_success(response) or (0, "")
    adjusted = {
        rule: int(message.split(f"{words} (")[1].split(" ")[0])
        for rule, words in RULES.items()
        if f"{words} (" in message
    }
    return {"stored": case["stored"], "rejected": rejected, "adjusted": adjusted}


@pytest.mark.parametrize("case", INDEX, ids=[case["file"] for case in INDEX])
def test_a_hostile_file_gets_its_verdict_and_breaks_no_reading(
    client: FlaskClient, case: dict[str, Any]
) -> None:
    response = send(client, case)
    assert response.status_code == case["status"], response.data
    expected = {name: case[name] for name in ("stored", "rejected", "adjusted")}
    assert told(case, response) == expected
    items = stored(client)
    assert len(items) == case["stored"]
    for wanted in case.get("reads", []):
        found = [{name: item[name] for name in wanted} for item in items]
        assert exactly(wanted) in map(exactly, found), found
    marks: Counter[str] = Counter()
    for item in items:
        marks.update({rule: mark["count"] for rule, mark in (item["adjustments"] or {}).items()})
    assert marks == case["adjusted"]
    for item in items:
        alone = client.get(f"/api/v1/logs/{item['id']}")
        assert alone.status_code == 200
        assert exactly({**alone.get_json(), **item}) == exactly(alone.get_json())
        assert client.get(f"/r/{item['id']}").status_code == 200
    # Without a record it is the page of any empty database.
    if items:
        assert client.get("/", headers={"Accept": "text/html"}).status_code == 200


@pytest.mark.parametrize(
    "case",
    [case for case in INDEX if case["content_type"] == "application/x-ndjson"],
    ids=lambda case: case["file"],
)
def test_what_is_hostile_in_lines_harms_no_line_beside_it(
    client: FlaskClient, case: dict[str, Any]
) -> None:
    beside = b'\n{"message":"beside","session_id":"beside"}\n'
    body = beside + (FOLDER / case["file"]).read_bytes().removeprefix(b"\xef\xbb\xbf") + beside
    response = client.post("/api/v1/logs", data=body, content_type="application/x-ndjson")
    assert response.get_json()["accepted"] == case["stored"] + 2
    items = client.get("/api/v1/logs?session=beside").get_json()["items"]
    assert [item["body"] for item in items] == ["beside", "beside"]


def test_the_index_and_the_folder_are_the_same() -> None:
    files = {file.name for file in FOLDER.iterdir() if file.is_file() and file.suffix != ".py"}
    listed = [case["file"] for case in INDEX]
    assert files - {"index.json"} == set(listed)
    assert len(listed) == len(set(listed))


def test_the_corpus_shows_every_rule_that_a_small_file_can() -> None:
    shown = {rule for case in INDEX for rule in case["adjusted"]}
    # No file may look as if it held a secret: those are made by tests/redaction.
    generated = {"text.cut", "depth.cut", "attributes.cut", *WORDS}
    assert shown | generated == set(RULES)
    assert not shown & generated
