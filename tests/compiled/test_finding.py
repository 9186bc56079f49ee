"""Machine code runs in place of exactly the sources that it was made of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agentlogger.compiled import finding, modules


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package, to be edited."""
    copy = tmp_path / "agentlogger"
    shutil.copytree(modules.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "static"))
    return copy


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of builds, which the finder looks into."""
    folder = tmp_path / "builds"
    folder.mkdir()
    monkeypatch.setattr(modules, "BUILDS", folder)
    monkeypatch.delenv(finding.SWITCH, raising=False)
    return folder


def made_for(builds: Path, digest: str, suffix: str = modules.SUFFIX) -> Path:
    folder = builds / digest
    folder.mkdir()
    (folder / f"{modules.GROUP}{suffix}").touch()
    return folder


@pytest.mark.usefixtures("builds")
def test_without_a_build_the_sources_run():
    assert finding.found() == (None, finding.PURE)


def test_a_build_of_these_sources_runs(builds):
    folder = made_for(builds, modules.digest())

    assert finding.found() == (folder, finding.COMPILED)


def test_a_build_of_other_sources_is_left_aside_and_said_to_be_there(builds):
    made_for(builds, "of-yesterday")

    assert finding.found() == (None, finding.OUTDATED)


def test_a_build_for_another_interpreter_is_none(builds):
    made_for(builds, modules.digest(), ".cpython-399-x86_64-linux-gnu.so")

    assert finding.found() == (None, finding.PURE)


def test_the_switch_has_the_sources_run(builds, monkeypatch):
    made_for(builds, modules.digest())
    monkeypatch.setenv(finding.SWITCH, "no")

    assert finding.found() == (None, finding.PURE)


@pytest.mark.parametrize(
    ("edited", "is_other"),
    [
        ("intake/severity.py", True),
        ("intake/exact_json.py", True),
        ("intake/readers/otel.py", True),
        ("limits.py", True),
        ("store/merging.py", False),
    ],
)
def test_a_build_is_of_all_that_is_compiled_and_of_what_that_reads(package, edited, is_other):
    before = modules.digest(package)

    with (package / edited).open("a") as source:
        source.write("# Edited.\n")

    assert (modules.digest(package) != before) is is_other


def test_every_module_that_is_compiled_is_there():
    assert [each for each in modules.compiled() if not (modules.PACKAGE / each).is_file()] == []


def run(root: Path) -> list[str]:
    """What a program says of itself that runs on the package in this folder."""
    asked = (
        "import agentlogger; from agentlogger.intake import severity; "
        "print(agentlogger.RUNS_AS); print(severity.LARGEST); print(severity.__file__)"
    )
    environment = {name: value for name, value in os.environ.items() if name != finding.SWITCH}
    done = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=root, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.usefixtures("compiled_folder")
def test_an_edit_runs_at_once_and_its_undoing_too(package):
    source = package / "intake" / "severity.py"
    written = source.read_text()
    ran = run(package.parent)

    source.write_text(written.replace("LARGEST: Final = 24", "LARGEST: Final = 25"))
    edited = run(package.parent)
    source.write_text(written)

    assert ran[:2] == [finding.COMPILED, "24"]
    assert ran[2].endswith(modules.SUFFIX)
    assert edited[:2] == [finding.OUTDATED, "25"]
    assert run(package.parent) == ran
