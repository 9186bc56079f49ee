"""Names under which secrets stand, however they are written: API_KEY, apiKey, x-api-key.

A name is strong where whatever it holds is a secret, and weak where it may be another thing: a
`token` is a word of a model's output as often as it lets somebody in.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import IntEnum

SEPARATORS = re.compile(r"[^a-z0-9]+")
LONGEST = 200
"""Characters of a name's end that are looked at."""


class Strength(IntEnum):
    """What a name says of its value."""

    NONE = 0
    WEAK = 1
    """A secret where it looks like one."""
    STRONG = 2
    """A secret, whatever it is."""


PASSWORDS = ("password", "passwd", "passphrase", "passwort", "pwd")
"""Ends of names that hold a secret even where it is a number."""

STRONG = (
    *PASSWORDS,
    "secret",
    "secrets",
    "apikey",
    "apikeys",
    "secretkey",
    "accesskey",
    "privatekey",
    "accountkey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "authkey",
    "servicekey",
    "subscriptionkey",
    "storagekey",
    "licensekey",
    "authorization",
    "cookie",
    "cookies",
    "connectionstring",
    *(
        f"{whose}token"
        for whose in (
            "access", "auth", "authentication", "refresh", "id", "api", "bearer", "session",
            "security", "csrf", "xsrf", "bot", "private", "deploy", "secret", "client", "user",
            "admin", "service", "vault", "oauth", "oidc", "jwt", "github", "gh", "gitlab", "slack",
            "npm", "hf", "hub", "pypi", "telegram", "discord", "anthropic", "openai", "personal",
            "registry", "webhook", "device", "identity", "login", "sas", "aws",
        )
    ),
)  # fmt: skip
"""Ends of names, without their separators."""

WEAK = ("token", "credential", "credentials")

SPARED = frozenset(
    {
        # The working directory of a shell.
        "pwd",
        "oldpwd",
        # What telemetry itself counts and names; listed so that no end above ever takes them.
        "sessionid",
        "promptid",
        "inputtokens",
        "outputtokens",
        "totaltokens",
        "maxtokens",
        "tokentype",
        "timetofirsttoken",
        "timeperoutputtoken",
        "apikeysource",
    }
)
"""Whole names that hold no secret, whatever their end looks like."""


def normalised(name: str) -> str:
    """A name without case and separators: `x-api-key`, `X_API_KEY` and `xApiKey` are one."""
    return SEPARATORS.sub("", name[-LONGEST:].lower())


def strength(name: str, *, more: Collection[str] = (), spared: Collection[str] = ()) -> Strength:
    """What a name says of its value; `more` and `spared` are normalised names of a project's."""
    plain = normalised(name)
    last = normalised(re.split(r"[.\s/:]", name[-LONGEST:])[-1])
    if not {plain, last}.isdisjoint(spared) or not {plain, last}.isdisjoint(SPARED):
        return Strength.NONE
    if not {plain, last}.isdisjoint(more) or plain.endswith(STRONG):
        return Strength.STRONG
    return Strength.WEAK if plain.endswith(WEAK) else Strength.NONE


def holds_numbers(name: str) -> bool:
    """Whether a number under this name is a secret too."""
    return normalised(name).endswith((*PASSWORDS, "secret"))
