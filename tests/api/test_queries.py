"""Finding by a query, in the API and on the page."""

from __future__ import annotations

from urllib.parse import quote

from agentlogger.limits import QUERY_CHARACTERS


def send(client, *records):
    assert client.post("/api/v1/logs", json=list(records)).get_json()["accepted"] == len(records)


def found(client, query: str, **others: str) -> tuple[list, list[str]]:
    answer = client.get("/api/v1/logs", query_string={"q": query} | others)
    assert answer.status_code == 200, answer.get_json()
    page = answer.get_json()
    return sorted(record["body"] for record in page["items"]), page["hints"]


def test_a_query_narrows_the_list_beside_the_other_parameters(client):
    send(
        client,
        {"body": "a", "tool": "Bash", "level": "error"},
        {"body": "b", "tool": "Bash", "level": "info", "cwd": "/srv"},
        {"body": "c"},
    )

    assert found(client, "tool:bash level:>=warn") == (["a"], [])
    assert found(client, "-tool:Bash") == (["c"], [])
    assert found(client, '@cwd:/srv OR "c"') == (["b", "c"], [])
    assert found(client, "has:tool", severity="info") == (["b"], [])
    assert found(client, "") == (["a", "b", "c"], [])


def test_what_is_no_query_is_searched_for_and_told(client):
    send(client, {"body": 'say "hello'}, {"body": "lvel:error"}, {"body": "other"})

    bodies, (hint,) = found(client, '"hello')
    assert bodies == ['say "hello']
    assert "the quote at character 1 is not closed; it was searched for as it stands" in hint
    bodies, (hint,) = found(client, "lvel:error")
    assert bodies == ["lvel:error"]
    assert "did you mean level?" in hint


def test_what_json_writes_in_another_way_is_found(client):
    bodies = ['say "hi" there', "C:\\new\\Äpfel", "one\ntwo"]
    send(client, *({"body": body} for body in bodies))
    send(client, {"body": "deep", "attributes": {"list": [{"key": bodies[0]}]}})

    assert found(client, r'"Say \"HI\" th"') == (["deep", bodies[0]], [])
    assert found(client, r'"c:\\new"') == ([bodies[1]], [])
    assert found(client, "new*Äpf") == ([bodies[1]], [])
    assert found(client, '"one\ntwo"') == ([bodies[2]], [])
    # What stands between texts is in none of them.
    assert found(client, "list*key") == ([], [])


def test_a_query_stays_the_same_from_page_to_page(client):
    send(client, *({"body": number, "tool": "Bash"} for number in range(3)), {"body": 3})

    first = client.get("/api/v1/logs?q=tool:Bash&limit=2")
    page = first.get_json()
    second = client.get(first.headers["Link"].partition(">")[0].removeprefix("<")).get_json()
    other = client.get(f"/api/v1/logs?q=tool:Read&cursor={page['next_cursor']}").get_json()

    assert [record["body"] for record in page["items"] + second["items"]] == [2, 1, 0]
    assert other["code"] == "query.cursor"


def test_a_query_that_is_too_large_is_refused(client):
    answer = client.get(f"/api/v1/logs?q={'a' * (QUERY_CHARACTERS + 1)}")

    assert answer.status_code == 422
    assert answer.get_json()["code"] == "query.too_large"


def test_a_query_with_what_no_database_holds_is_answered(client):
    send(client, {"body": "a\0b"})

    assert found(client, "a\0b") == (["a\ufffdb"], [])


def test_the_page_has_the_query_and_shows_its_hints_as_text(client):
    send(client, {"body": "needle <b>", "tool": "Bash"}, {"body": "hay"})

    page = client.get("/?q=needle").get_data(as_text=True)
    assert 'name="q" value="needle"' in page
    assert "needle &lt;b&gt;" in page
    assert "hay" not in page
    hinted = client.get(f"/?q={quote('tol:<i>')}").get_data(as_text=True)
    assert "did you mean tool?" in hinted
    assert "<i>" not in hinted
