"""Each shape of a secret is found wherever it stands, and innocent texts are left alone."""

from __future__ import annotations

import json
import random

import pytest

from agentlogger.intake.redaction import finders, rules
from agentlogger.intake.redaction.marks import MARK
from agentlogger.intake.redaction.policy import Policy
from agentlogger.intake.redaction.redactor import Redactor
from agentlogger.intake.redaction.snippets import without_secrets
from agentlogger.intake.storable import Adjustments
from tests.redaction.planted import SHAPES, Shape, innocent

KEY = b"a key of the tests"
REDACTOR = Redactor(Policy(), KEY)


def redacted(text: str, redactor: Redactor = REDACTOR) -> tuple[str, dict[str, int]]:
    notes = Adjustments()
    return redactor.text(text, notes), notes.counts


def named(shape: Shape) -> str:
    return f"{shape.rule} {shape.around} {shape.make(random.Random(1))[:9]}"


@pytest.mark.parametrize("shape", SHAPES, ids=named)
@pytest.mark.parametrize(
    "around",
    ["{}", "so it is: {}\nand then", '{{"said": {}}}', "\u001b[32m{}\u001b[0m", "(see {}), <{}>"],
)
def test_a_secret_is_replaced_wherever_it_stands_in_a_text(shape, around):
    chance = random.Random(around)
    for _ in range(5):
        secret = shape.make(chance)
        text = shape.around.format(secret)
        text = around.format(*[json.dumps(text) if "said" in around else text] * 2)

        found, counts = redacted(text)

        assert secret not in found
        assert json.dumps(secret)[1:-1] not in found
        assert MARK.search(found)
        assert set(counts) <= {f"redacted.{shape.rule}", "redacted.key", "redacted.bearer"}
        assert redacted(found) == (found, {}), "a mark is no secret"


def test_ten_thousand_innocent_texts_stay_as_they_are():
    texts = innocent(random.Random(7), 10_000)

    assert [text for text in texts if redacted(text) != (text, {})] == []
    assert REDACTOR.value(texts, Adjustments()) == texts


@pytest.mark.parametrize(
    "text",
    [
        "the password: it is asked for twice, and the token: the key of it",
        "token = parser.next()",
        "connect(api_key=api_key, password=settings.password)",
        "def login(password: str, token: Optional[str] = None) -> None:",
        '{"token": " international", "logprob": -0.1, "top_logprobs": [{"token": "inter"}]}',
        '{"input_tokens": 5321, "max_tokens": 4096, "token_type": "Bearer"}',
        "Authorization: required for each request",
        '"Authorization": "Bearer $TOKEN"',
        "password=${DB_PASSWORD}",
        "login(user, password=given)",
        "login(user, password=ask(1), api_key=keys[0]) or {token} or $(pass show 1)",
        "postgresql://bob:***@db/x",
        "https://example.org:8443/a@b?x=1 and git@github.com:org/repo.git",
        "a bearer of good news that goes on",
        ".sk-toggleable__content .sk-estimator-doc-link-fallback",
        "task-force sk-learn disk-encryption-with-a-long-name",
        '{"credentials": "include", "apiKeySource": "none", "cookies": []}',
        "if (token === 'eof') { key = names[token]; }",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    ],
)
def test_what_only_talks_of_secrets_stays_as_it_is(text):
    assert redacted(text) == (text, {})


def test_equal_secrets_have_equal_digits_whichever_rule_found_them():
    secret = "x1" + "q7" * 12
    texts = [f"https://bob:{secret}@host/", f"PASSWORD={secret}", f"Authorization: Token {secret}"]

    digits = {MARK.search(redacted(text)[0])[0][-9:-1] for text in texts}

    assert len(digits) == 1
    assert digits != {
        MARK.search(Redactor(Policy(), b"other").text(texts[0], Adjustments()))[0][-9:-1]
    }


def test_what_stands_around_a_secret_stays():
    assert MARK.sub("*", redacted("a postgresql://bob:pa55@db:5432/x b")[0]) == (
        "a postgresql://bob:*@db:5432/x b"
    )
    inner = json.dumps({"password": 'a "quoted" \\ one', "user": "bob"})
    outer = json.dumps({"body": json.dumps({"text": inner}), "n": 1})
    found = json.loads(redacted(outer)[0])
    found = json.loads(json.loads(found["body"])["text"])
    assert MARK.fullmatch(found.pop("password"))
    assert found == {"user": "bob"}


def test_a_text_that_was_cut_within_a_secret_keeps_none_of_it_in_a_reason():
    for shape in SHAPES:
        secret = shape.make(random.Random(3))
        text = shape.around.format(secret)
        cut = text[: text.index(secret) + max(12, len(secret) // 2)]

        found = without_secrets(cut)

        assert secret[8 : len(secret) // 2] not in found or len(secret) < 20, (shape, found)


@pytest.mark.parametrize(
    ("rule", "text", "innocent_text"),
    [
        ("email", "write to bob.b@example.org soon", "git@ or @decorator"),
        ("card", "paid with 4111 1111 1111 1111.", "4111 1111 1111 1112"),
        ("phone", "call +49 30 1234567 today", "1 + 2345 and +12"),
    ],
)
def test_an_optional_rule_holds_only_where_it_was_switched_on(rule, text, innocent_text):
    on = Redactor(Policy(also=frozenset({rule})), KEY)

    assert redacted(text) == (text, {})
    assert redacted(text, on)[1] == {f"redacted.{rule}": 1}
    assert redacted(innocent_text, on) == (innocent_text, {})


def test_a_rule_can_be_switched_off_and_all_of_them():
    secret = SHAPES[5].make(random.Random(1))

    assert redacted(secret, Redactor(Policy(without=frozenset({"github"})), KEY))[0] == secret
    assert Redactor(Policy(off=True), KEY).value({"password": secret}, Adjustments()) == {
        "password": secret
    }


def test_every_shape_of_the_table_is_planted_here():
    planted = {shape.rule for shape in SHAPES}

    assert planted == set(rules.DEFAULT)


def test_a_card_passes_luhn():
    assert finders.is_card("5555 5555 5555 4444")
    assert not finders.is_card("5555 5555 5555 4445")
