"""Which PostgreSQL is taken: the first one that is new enough, in an order people can rely on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgresql import binaries
from tests.postgresql.binaries import Binaries, NoPostgreSQL, find_binaries


def install(folder: Path, version: str) -> Path:
    """Make binaries that can do nothing but tell their version."""
    folder.mkdir(parents=True)
    for program in ("postgres", "initdb"):
        script = folder / program
        script.write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n")
        script.chmod(0o755)
    return folder


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a machine that has only what a test installs on it."""
    (tmp_path / "path").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv(binaries.CHOICE, raising=False)
    monkeypatch.setattr(binaries, "SYSTEM_FOLDERS", (f"{tmp_path}/system/*/bin",))
    package = tmp_path / "packages" / binaries.WHEEL
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('the package was imported')")
    monkeypatch.syspath_prepend(package.parent)
    return tmp_path


def test_path_comes_before_the_system_and_the_system_before_the_wheel(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = install(machine / "packages" / binaries.WHEEL / "pginstall18" / "bin", "18.4")
    assert find_binaries() == Binaries(wheel, "wheel")
    system = install(machine / "system" / "17" / "bin", "17.1")
    assert find_binaries() == Binaries(system, "system")
    on_path = install(machine / "mine" / "bin", "16.2")
    monkeypatch.setenv("PATH", f"{machine / 'path'}:{on_path}")
    assert find_binaries() == Binaries(on_path, "PATH")


def test_a_link_on_path_leads_to_the_folder_with_all_programs(machine: Path) -> None:
    behind = install(machine / "elsewhere" / "bin", "16.2")
    (machine / "path" / "postgres").symlink_to(behind / "postgres")
    assert find_binaries() == Binaries(behind, "PATH")


def test_the_newest_of_the_systems_versions_is_taken_by_number_not_by_letter(machine: Path) -> None:
    for version in ("9.6", "15", "100", "16"):
        install(machine / "system" / version / "bin", f"{version}.1")
    assert find_binaries().folder == machine / "system" / "100" / "bin"


def test_a_version_older_than_14_is_not_taken(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = install(machine / "mine" / "bin", "13.22 (Debian 13.22-1)")
    monkeypatch.setenv("PATH", str(old))
    install(machine / "system" / "9.6" / "bin", "9.6.24")
    with pytest.raises(NoPostgreSQL, match="apt install postgresql"):
        find_binaries()
    beta = install(machine / "system" / "14" / "bin", "14beta1")
    assert find_binaries() == Binaries(beta, "system")


def test_a_client_without_a_server_is_not_taken(machine: Path) -> None:
    folder = install(machine / "system" / "16" / "bin", "16.2")
    (folder / "initdb").unlink()
    with pytest.raises(NoPostgreSQL):
        find_binaries()


def test_the_environment_forces_one_origin_and_the_argument_goes_over_it(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(machine / "system" / "17" / "bin", "17.1")
    install(machine / "packages" / binaries.WHEEL / "pginstall" / "bin", "16.14")
    monkeypatch.setenv(binaries.CHOICE, "wheel")
    assert find_binaries().origin == "wheel"
    assert find_binaries("system").origin == "system"


def test_a_misspelt_origin_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(binaries.CHOICE, "wheels")
    with pytest.raises(ValueError, match="'wheels'"):
        find_binaries()
