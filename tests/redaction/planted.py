"""Secrets made up by chance, in the shapes that real ones have, and ids that are none.

They are made here and stand in no file: a scanner of this repository finds none.
"""

from __future__ import annotations

import base64
import random
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass

LETTERS = string.ascii_letters
WORD = LETTERS + string.digits
HEX = "0123456789abcdef"

CANARIES = ("Zq7Xw9KdR4", "dec0dedecade5", "QZ7XW9KDR4VB", "x7qwk9dz2v", "qzxwvkjqzx")
"""What stands in the middle of each secret, by its characters: one search finds them all."""

Make = Callable[[random.Random], str]


def some(chance: random.Random, count: int, characters: str = WORD) -> str:
    """So many characters by chance, with a canary in their middle where there is room."""
    made = "".join(chance.choices(characters, k=count))
    canary = next(each for each in CANARIES if set(each) <= set(characters))
    middle = (count - len(canary)) // 2
    return made if middle < 1 else made[:middle] + canary + made[middle + len(canary) :]


def plain(chance: random.Random, count: int, characters: str = WORD) -> str:
    return "".join(chance.choices(characters, k=count))


def long(beginning: str, count: int, characters: str = WORD) -> Make:
    return lambda chance: beginning + some(chance, count, characters)


def pem(chance: random.Random) -> str:
    lines = "\n".join(some(chance, 64, WORD + "+/") for _ in range(4))
    return f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----"


def jwt(chance: random.Random) -> str:
    return f"eyJ{some(chance, 17)}.eyJ{some(chance, 60)}.{some(chance, 43, WORD + '-_')}"


@dataclass(frozen=True)
class Shape:
    """One kind of secret: its rule, how one is made, and a text that has one."""

    rule: str
    make: Make
    around: str = "{}"


SHAPES = (
    Shape("anthropic", long("sk-ant-api03-", 95, WORD + "_-")),
    Shape("openai", long("sk-", 48)),
    Shape("openai", long("sk-", 20)),
    Shape("openai", long("sk-proj-", 60, WORD + "_-")),
    Shape("openai", long("sk-or-v1-", 64, HEX)),
    Shape("github", long("ghp_", 36)),
    Shape("github", long("gho_", 36)),
    Shape("github", long("ghu_", 36)),
    Shape("github", long("ghs_", 36)),
    Shape("github", long("ghr_", 36)),
    Shape("github", long("github_pat_", 82, WORD + "_")),
    Shape("gitlab", long("glpat-", 20, WORD + "_-")),
    Shape("gitlab", long("gldt-", 20, WORD + "_-")),
    Shape("aws", long("AKIA", 16, string.ascii_uppercase + string.digits)),
    Shape("aws", long("ASIA", 16, string.ascii_uppercase + string.digits)),
    Shape("key", long("", 40, WORD + "/+"), "aws_secret_access_key = {}"),
    Shape("slack", lambda chance: f"xoxb-{some(chance, 12, HEX)}-{some(chance, 24)}"),
    Shape("slack", lambda chance: f"xapp-1-{some(chance, 11)}-{some(chance, 64, HEX)}"),
    Shape("google", long("AIza", 35, WORD + "_-")),
    Shape("google", long("ya29.", 60, WORD + "_-")),
    Shape("google", long("GOCSPX-", 28, WORD + "_-")),
    Shape("jwt", jwt),
    Shape("pem", pem),
    Shape("url", long("", 14), "postgresql://bob:{}@db.example.org:5432/x"),
    Shape("url", long("p@", 14), "redis://:{}@cache/0"),
    Shape("bearer", long("1", 32, WORD + "._-"), "it said Bearer {} and went on"),
    Shape("key", long("1", 32, WORD + "._-"), "Authorization: Bearer {}"),
    Shape("key", long("d", 23), "curl -H 'authorization: Basic {}' https://example.org"),
    Shape("key", long("", 16), "Set-Cookie: sid={}; Path=/"),
    Shape("npm", long("npm_", 36)),
    Shape("huggingface", long("hf_", 34)),
    Shape("agentlogger", long("alog_", 36)),
    Shape("stripe", long("sk_live_", 24)),
    Shape("stripe", long("rk_test_", 24)),
    Shape("stripe", long("whsec_", 32)),
    Shape("webhook", lambda chance: f"T{some(chance, 8)}/B{some(chance, 8)}/{some(chance, 24)}",
          "https://hooks.slack.com/services/{}"),
    Shape("webhook", long("", 68, WORD + "_-"),
          "https://discord.com/api/webhooks/123456789012345678/{}"),
    Shape("service", long("gsk_", 52)),
    Shape("service", long("xai-", 80)),
    Shape("service", long("r8_", 37)),
    Shape("service", long("hvs.", 90, WORD + "_-")),
    Shape("service", long("dckr_pat_", 27, WORD + "_-")),
    Shape("service", long("lin_api_", 40)),
    Shape("service", long("pypi-AgE", 120, WORD + "_-")),
    Shape("service", lambda chance: f"SG.{some(chance, 22)}.{some(chance, 43, WORD + '_-')}"),
    Shape("key", long("x", 15), '{{"password": "{}"}}'),
    Shape("key", long("x", 15), r'{{\"api_key\": \"{}\", \"n\": 1}}'),
    Shape("key", long("x", 15), r'{{\\\"client_secret\\\":\\\"{}\\\"}}'),
    Shape("key", long("x1", 15), "export DB_PASSWORD={}"),
    Shape("key", long("x1", 15), "https://example.org/?access_token={}&page=2"),
    Shape("key", long("x1", 15), "mysql --password {} -u root"),
    Shape("key", long("x", 15), "Client(api_key='{}')"),
    Shape("key", long("a(1", 15), "DB_PASSWORD={}"),
    Shape("key", long("1x", 15), "login(password={})"),
    Shape("key", long("", 16, string.ascii_lowercase), "host=db user=bob password={} port=5432"),
    Shape("key", long("", 16, string.ascii_lowercase), "Server=db;Password={};Port=5432"),
)  # fmt: skip
"""Every shape, and of some the text that tells what they are."""


def innocent(chance: random.Random, count: int) -> list[str]:
    """Ids, digests and other texts that look as random as a secret, and are none."""

    def word(length: int, characters: str = WORD) -> str:
        return plain(chance, length, characters)

    def hexes(length: int) -> str:
        return plain(chance, length, HEX)

    def identifier() -> str:
        return str(uuid.UUID(int=chance.getrandbits(128)))

    kinds: tuple[Callable[[], str], ...] = (
        identifier,
        lambda: hexes(32),
        lambda: hexes(40),
        lambda: hexes(64),
        lambda: f"00-{hexes(32)}-{hexes(16)}-01",
        lambda: base64.b64encode(chance.randbytes(48)).decode(),
        lambda: base64.urlsafe_b64encode(chance.randbytes(33)).decode(),
        lambda: f"session-{identifier()}",
        lambda: f"toolu_01{word(22)}",
        lambda: f"call_{word(24)}",
        lambda: f"resp_{hexes(48)}",
        lambda: f"chatcmpl-{word(29)}",
        lambda: f"msg_01{word(22)}",
        lambda: f"req_011{word(21)}",
        lambda: f"fc_{hexes(40)}",
        lambda: f"/home/{word(6)}/src/{word(12)}/{word(8)}.py",
        lambda: f"https://example.org:8443/{word(20)}?page={word(3)}",
        lambda: f"sha256:{hexes(64)}",
        lambda: f"claude-sonnet-4-5-2025{word(4, string.digits)}",
        lambda: f"user-{hexes(8)}@example.org",
        lambda: f"arn:aws:iam::{word(12, string.digits)}:role/agent",
        lambda: f"{chance.getrandbits(63)}",
        lambda: f"2026-11-26T17:00:{chance.randrange(60):02d}.{word(9, string.digits)}Z",
        lambda: f"input_tokens: {chance.randrange(10**5)}, max_tokens={word(4, '1')}",
        lambda: f"docker run --name task-{word(10)} image:{hexes(12)}",
    )
    return [kinds[number % len(kinds)]() for number in range(count)]
