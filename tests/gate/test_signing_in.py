"""People sign in with a password, and guessing is slow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from agentlogger.limits import LOGIN_FAILURES
from tests.gate.conftest import PASSWORD, sign_in


def test_who_signs_in_sees_the_stream(signed_in):
    page = signed_in.get("/", headers={"Accept": "text/html"})

    assert page.status_code == 200
    assert "alice@example.org" in page.get_data(as_text=True)


def test_a_signed_in_browser_may_read_the_api_and_send_nothing(signed_in):
    assert signed_in.get("/api/v1/logs").status_code == 200

    answer = signed_in.post("/api/v1/logs", json={"message": "from a browser"})

    assert (answer.status_code, answer.get_json()["code"]) == (403, "key.scope")


def test_who_signs_out_is_out(signed_in):
    page = signed_in.get("/").get_data(as_text=True)
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    signed_in.post("/logout", data={"csrf_token": token})

    assert signed_in.get("/api/v1/logs").status_code == 401


def test_signing_in_leads_to_where_one_wanted_to_go(client, alice):
    page = client.get("/login").get_data(as_text=True)
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    form = {"email": alice, "password": PASSWORD, "csrf_token": token}

    answer = client.post("/login?next=/r/abc?project=x", data=form)

    assert answer.headers["Location"] == "/r/abc?project=x"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"],
)
def test_signing_in_leads_to_no_other_site(client, alice, elsewhere):
    page = client.get("/login").get_data(as_text=True)
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    form = {"email": alice, "password": PASSWORD, "csrf_token": token}

    answer = client.post("/login", query_string={"next": elsewhere}, data=form)

    assert answer.headers["Location"] == "/"


def test_a_form_without_its_token_is_refused(client, alice):
    answer = client.post("/login", data={"email": alice, "password": PASSWORD})

    assert answer.status_code == 400


def test_a_wrong_password_and_an_unknown_email_get_the_same_answer(client, alice):
    wrong = sign_in(client, alice, "not the password")
    unknown = sign_in(client, "nobody@example.org", "not the password")

    assert wrong.status_code == unknown.status_code == 401
    assert "wrong" in wrong.get_data(as_text=True)


def test_after_a_few_failures_even_the_right_password_waits(client, alice):
    for _ in range(LOGIN_FAILURES):
        assert sign_in(client, alice, "a guess that fails").status_code == 401

    answer = sign_in(client, alice, PASSWORD)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 60


def test_guesses_for_one_account_do_not_lock_out_another_place(app, client, alice):
    for _ in range(LOGIN_FAILURES):
        sign_in(client, alice, "a guess that fails")

    elsewhere = sign_in(
        app.test_client(), alice, PASSWORD, environ_overrides={"REMOTE_ADDR": "127.0.0.2"}
    )

    assert elsewhere.status_code == 302


def test_the_session_cookie_is_out_of_reach_of_scripts_and_sites(client, alice):
    answer = sign_in(client, alice, PASSWORD)
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if "agentlogger_session" in c)

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_the_session_cookie_is_secure_where_the_request_is(client, alice):
    page = client.get("/login", base_url="https://localhost").get_data(as_text=True)
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    answer = client.post(
        "/login",
        data={"email": alice, "password": PASSWORD, "csrf_token": token},
        base_url="https://localhost",
        headers={"Referer": "https://localhost/login"},
    )
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if "agentlogger_session" in c)

    assert "Secure" in cookie


def test_guesses_at_once_are_counted_each(app, alice):
    """Counted before the password is checked: else all of them would find the count at zero."""

    def guess(_number: int) -> int:
        return sign_in(app.test_client(), alice, "a guess that fails").status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(guess, range(12)))

    assert answers == [401] * LOGIN_FAILURES + [429] * (12 - LOGIN_FAILURES)


@pytest.mark.parametrize("strange", ["//[", "http://[", "/\x00", "[" * 99])
def test_a_strange_place_to_go_is_no_fault(client, alice, strange):
    page = client.get("/login").get_data(as_text=True)
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    form = {"email": alice, "password": PASSWORD, "csrf_token": token}

    answer = client.post("/login", query_string={"next": strange}, data=form)

    assert answer.status_code == 302


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_a_form_of_any_size_is_not_taken_in(client, path):
    answer = client.post(path, data={"email": "x" * 200_000, "csrf_token": "x"})

    assert answer.status_code in {400, 413}
