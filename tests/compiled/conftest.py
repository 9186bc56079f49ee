"""The machine code that the tests of this folder are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentlogger.compiled import modules
from tests.journeys.requirements import need


@pytest.fixture(scope="session")
def compiled_folder() -> Path:
    """The machine code of the sources as they are; `make compile` makes it, and it takes minutes.

    It may be there while this run does without it: AGENTLOGGER_COMPILED=no.
    """
    folder = modules.BUILDS / modules.digest()
    need("compiled", folder in modules.builds(modules.BUILDS), "make compile")
    return folder
