"""The rules by which secrets are known: their codes, their words, and what they look like.

Each shape is made so that it is found in time that grows with the text and no faster: what may
repeat is possessive or bounded, and what may follow it is none of it.
"""

from __future__ import annotations

from dataclasses import dataclass

KEY = "key"
BEARER = "bearer"
CARD = "card"

DEFAULT = {
    KEY: "a value under a name such as password, api_key or Authorization is replaced by its mark",
    "agentlogger": "a key of this server (alog_) is replaced by its mark",
    "anthropic": "a key of Anthropic (sk-ant-) is replaced by its mark",
    "aws": "an access key of AWS (AKIA, ASIA), and the secret beside it, is replaced by its mark",
    BEARER: "a token that follows the word Bearer is replaced by its mark",
    "github": "a token of GitHub (ghp_, gho_, ghu_, ghs_, ghr_, github_pat_) is replaced by its "
    "mark",
    "gitlab": "a token of GitLab (glpat- and its kin) is replaced by its mark",
    "google": "a key or token of Google (AIza, ya29., GOCSPX-) is replaced by its mark",
    "huggingface": "a token of Hugging Face (hf_) is replaced by its mark",
    "jwt": "a JSON Web Token (eyJ) is replaced by its mark",
    "npm": "a token of npm (npm_) is replaced by its mark",
    "openai": "a key that begins with sk-, as OpenAI and many others make, is replaced by its mark",
    "pem": "a private key in PEM is replaced by its mark",
    "service": "a key or token of another service, known by its beginning, is replaced by its mark",
    "slack": "a token of Slack (xoxb- and its kin, xapp-) is replaced by its mark",
    "stripe": "a key of Stripe (sk_live_, rk_live_, whsec_) is replaced by its mark",
    "url": "the password of an address (scheme://user:password@host) is replaced by its mark",
    "webhook": "the secret part of a webhook's address (Slack, Discord) is replaced by its mark",
}
"""Rules that hold unless a project switches them off."""

OPTIONAL = {
    CARD: "the number of a payment card is replaced by its mark",
    "email": "an e-mail address is replaced by its mark",
    "phone": "a telephone number that begins with + is replaced by its mark",
}
"""Rules that a project may switch on: innocent texts have such shapes too."""

PREFIX = "redacted."

WORDS = {f"{PREFIX}{rule}": words for rule, words in sorted((DEFAULT | OPTIONAL).items())}
"""Every rule by the code that marks a record; `storable.RULES` holds them beside the others."""


@dataclass(frozen=True)
class Shape:
    """What one kind of secret looks like, and what is quick to look for in its place."""

    rule: str
    anchor: str
    """A pattern that begins with a character which stands in each such secret."""
    pattern: str
    """A group named `secret` is the part to replace, where that is not the whole."""
    before: str = ""
    """What each begins with, up to its anchor: a pattern of fixed width, of letters and classes."""
    after: str = ""
    """What follows the anchor, where that tells it from other texts."""
    partial: str = ""
    """What the beginning of one looks like, where the text was cut; by default the pattern without
    its least lengths."""


EDGE = (
    r"(?:(?<![A-Za-z0-9_-])"
    r"|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2})|(?<=[0-9;\[]m))"
)
"""Where a token begins: behind no other letter, unless that is the end of an escape, as of a line
in JSON (`\\n`), of a blank in an address (`%20`) or of a colour on a terminal."""

_RANDOM = r"(?=[a-z_-]{0,64}[A-Z0-9])"
"""A digit or a capital is not far: `sk-` begins names of style sheets too."""

_MIXED = r"(?=[A-Za-z._~+/=-]{0,128}[0-9])"

WITH_A_DASH = (
    Shape(
        "pem",
        "-",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[A-Za-z0-9+/=\s\\:,]|-(?!----))*+(?:-----END[A-Z0-9 ]{0,60}(?:-----)?)?",
        "----",
        "BEGIN",
    ),
    Shape("anthropic", "-", r"sk-ant-[A-Za-z0-9_-]{16,}+", "sk"),
    Shape(
        "openai",
        "-",
        rf"(?:{EDGE}sk-{_RANDOM}|sk-(?:proj|svcacct|admin)-)[A-Za-z0-9_-]{{20,}}+",
        "sk",
        partial=rf"{EDGE}sk-[A-Za-z0-9_-]{{4,}}+",
    ),
    Shape("gitlab", "-", r"gl(?:pat|ptt|cbt|oas|imt)-[A-Za-z0-9_-]{16,}+", "gl[pcoi][atbm][ts]"),
    Shape("gitlab", "-", r"gl(?:dt|rt|ft)-[A-Za-z0-9_-]{16,}+", "gl[drf]t"),
    Shape("slack", "-", rf"{EDGE}xapp-[A-Za-z0-9-]{{10,}}+", "xapp"),
    Shape("google", "-", r"GOCSPX-[A-Za-z0-9_-]{20,}+", "GOCSPX"),
    Shape("service", "-", rf"{EDGE}xai-[A-Za-z0-9]{{30,}}+", "xai"),
    Shape("service", "-", rf"{EDGE}pplx-[A-Za-z0-9]{{30,}}+", "pplx"),
    Shape("service", "-", r"pypi-AgE[A-Za-z0-9_-]{30,}+", "pypi"),
    Shape("service", "-", r"PMAK-[a-f0-9]{20,}+-[a-f0-9]{20,}+", "PMAK"),
    Shape("service", "-", r"AGE-SECRET-KEY-1[0-9A-Z]{50,}+", "AGE"),
    Shape(
        KEY,
        "-",
        r"(?i:(?<![\w-])--(?:[a-z0-9]{1,20}-){0,3}"
        r"(?:password|passwd|passphrase|token|secret|api-?key|access-key|secret-key))"
        r"[ \t]{1,4}[\"']?(?P<secret>[^\s\"'\\$<-][^\s\"'\\]{3,}+)",
        "-",
        r"[a-z0-9-]{0,40}(?:passw|passphrase|token|secret|key)",
    ),
)
WITH_A_LINE = (
    Shape("github", "_", r"gh[pousr]_[A-Za-z0-9]{20,}+", "gh[pousr]"),
    Shape("github", "_", r"github_pat_[A-Za-z0-9_]{20,}+", "github", "pat"),
    Shape("npm", "_", r"npm_[A-Za-z0-9]{30,}+", "npm"),
    Shape("huggingface", "_", rf"{EDGE}hf_[A-Za-z0-9]{{30,}}+", "hf"),
    Shape("agentlogger", "_", r"alog_[A-Za-z0-9]{30,}+", "alog"),
    Shape("stripe", "_", r"[srp]k_(?:live|test)_[A-Za-z0-9]{10,}+", "[srp]k", "(?:live|test)_"),
    Shape("stripe", "_", r"whsec_[A-Za-z0-9+/=]{20,}+", "whsec"),
    Shape("service", "_", rf"{EDGE}gsk_[A-Za-z0-9]{{30,}}+", "gsk"),
    Shape("service", "_", rf"{EDGE}r8_[A-Za-z0-9]{{30,}}+", "r8"),
    Shape("service", "_", r"lsv2_(?:pt|sk)_[a-f0-9]{20,}+(?:_[a-f0-9]{8,}+)?", "lsv2"),
    Shape("service", "_", r"lin_api_[A-Za-z0-9]{30,}+", "lin"),
    Shape("service", "_", r"dckr_pat_[A-Za-z0-9_-]{20,}+", "dckr"),
    Shape("service", "_", r"do[opr]_v1_[a-f0-9]{40,}+", "do[opr]"),
    Shape("service", "_", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{30,}+", "shp[acps][ats]"),
    Shape("service", "_", r"figd_[A-Za-z0-9_-]{30,}+", "figd"),
)
WITH_A_DOT = (
    Shape("google", r"\.", rf"{EDGE}ya29\.[A-Za-z0-9_.-]{{20,}}+", "ya29"),
    Shape(
        "webhook",
        r"\.",
        r"hooks\.slack\.com/[a-z]{1,12}/(?P<secret>[A-Za-z0-9/_-]{16,}+)",
        "hooks",
    ),
    Shape(
        "webhook",
        r"\.",
        r"discord\.com/api/webhooks/[0-9]{1,20}/(?P<secret>[A-Za-z0-9_-]{20,}+)",
        "discord",
    ),
    Shape("service", r"\.", r"hvs\.[A-Za-z0-9_-]{20,}+", "hvs"),
    Shape("service", r"\.", rf"{EDGE}SG\.[A-Za-z0-9_-]{{16,}}+\.[A-Za-z0-9_-]{{16,}}+", "SG"),
)
OTHERS = (
    Shape(
        "aws",
        "A",
        rf"{EDGE}(?:AKIA|ASIA)[A-Z0-9]{{16}}(?![A-Za-z0-9])"
        r"(?:[\s,:;|\"'\\]{1,5}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=]))?",
        after="[KS]IA",
        partial=r"(?:AKIA|ASIA)[A-Z0-9]{0,16}",
    ),
    Shape(
        "google",
        "A",
        rf"{EDGE}AIza[A-Za-z0-9_-]{{35}}(?![A-Za-z0-9_-])",
        after="Iza",
        partial=r"AIza[A-Za-z0-9_-]{0,40}",
    ),
    Shape("slack", "x", rf"{EDGE}xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{{10,}}+", after="ox"),
    Shape(
        "jwt",
        "J",
        rf"{EDGE}eyJ[A-Za-z0-9_-]{{8,}}+(?:\.[A-Za-z0-9_-]{{8,}}+){{1,4}}",
        "ey",
        partial=r"eyJ[A-Za-z0-9_.-]{4,}+",
    ),
    Shape(
        "url",
        ":",
        r"://[^\s/:@\"'<>?#\\]{0,128}+:(?P<secret>(?!\*+@)[^\s/\"'<>?#\\]{1,512})@",
        after=r"//[^\s/:@\"'<>?#\\]{0,128}+:[^\s/\"'<>?#\\]{1,512}@",
        partial=r"://[^\s/:@\"'<>?#\\]{0,128}+:(?P<secret>[^\s/\"'<>?#\\]{1,512})",
    ),
    Shape(
        BEARER,
        "B",
        rf"(?i:bearer)\s{{1,4}}(?P<secret>{_MIXED}[A-Za-z0-9._~+/=-]{{16,}}+)",
        after=r"(?:earer|EARER)\s",
        partial=r"(?i:bearer)\s{1,4}(?P<secret>[A-Za-z0-9._~+/=-]{4,}+)",
    ),
    Shape(
        "email",
        r"(?<![\w.+-])(?=[\w.+-]{1,64}+@)",
        r"[\w.+-]{1,64}+@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{2,63}){1,8}",
    ),
    Shape(CARD, r"(?<![\w.-])(?=[2-6])", r"[2-6](?:[ -]?[0-9]){12,18}(?![\w-])"),
    Shape("phone", r"\+", r"(?<![\w+])\+[1-9](?:[ ()./-]{0,2}[0-9]){7,14}(?!\w)"),
)

SHAPES = (*WITH_A_DASH, *WITH_A_LINE, *WITH_A_DOT, *OTHERS)
"""What is looked for, in this order; shapes with the same anchor stand together."""
