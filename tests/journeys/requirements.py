"""What a journey needs beyond Python: present, or the test is skipped and says how to get it.

`AGENTLOGGER_REQUIRE` (words with commas between, such as `node,chromium`) names what must be
there: on a machine that promises it, such as the one that guards the main branch, an absence is a
failure and no journey drops out unseen.
"""

from __future__ import annotations

import os

import pytest

REQUIRE = "AGENTLOGGER_REQUIRE"


def need(word: str, present: bool, install: str) -> None:
    """Return if `present`; else skip the test, or fail it where `word` is required.

    `install` is the line that a person types to get what is missing.
    """
    if present:
        return
    if word in {name.strip() for name in os.environ.get(REQUIRE, "").split(",")}:
        pytest.fail(f"{REQUIRE} asks for {word}, and it is missing: {install}", pytrace=False)
    pytest.skip(f"{word} is missing: {install}")
