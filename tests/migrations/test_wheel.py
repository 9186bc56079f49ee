"""An installed wheel migrates from any folder: the history travels inside the package."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.migrations.checkout import ROOT
from tests.newest_revision import BEFORE_HEAD, NEWEST

COPIED = ("agentlogger", "migrations", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The Python of an environment that holds the wheel; its dependencies come from the tests'."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in COPIED:
        # Links would do for reading, but a build writes beside what it reads.
        subprocess.run(["cp", "-R", str(ROOT / name), str(source / name)], check=True)
    subprocess.run(
        [
            sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source),
        ],
        check=True,
    )  # fmt: skip
    (wheel,) = folder.glob("agentlogger-*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(
        subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True)
        .stdout.strip()
    )  # fmt: skip
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--no-index", "--target", str(site), str(wheel)],
        check=True,
    )  # fmt: skip
    # A plain path: the tests' own editable copy of the package is not found by way of it.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def run(python: Path, folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess:
    clean = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("AGENTLOGGER_", "DATABASE_URL", "SECRET_KEY", "FLASK_", "PYTHON"))
    }
    return subprocess.run(
        [python, *words],
        cwd=folder,
        env=clean | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.long_on("sqlite")
def test_the_installed_copy_migrates_from_another_folder(installed, empty_database_url, tmp_path):
    settings = {
        "DATABASE_URL": empty_database_url.render_as_string(hide_password=False),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    flask = ("-m", "flask", "--app", "agentlogger.app", "db")

    where = run(installed, tmp_path, "-c", "import agentlogger; print(agentlogger.__file__)")
    assert str(ROOT) not in where.stdout
    upgraded = run(installed, tmp_path, *flask, "upgrade", **settings)
    assert upgraded.returncode == 0, upgraded.stderr
    stepped = run(installed, tmp_path, *flask, "downgrade", "-1", **settings)
    assert stepped.returncode == 0, stepped.stderr
    current = run(installed, tmp_path, *flask, "current", **settings)

    assert current.stdout.strip() == BEFORE_HEAD
    assert (tmp_path / "data" / "agentlogger" / "secret_key").exists()


def test_the_installed_copy_holds_its_templates_and_its_history(installed):
    asked = (
        "from agentlogger.surroundings import PACKAGE, checkout_root, migrations_folder as m;"
        "print(checkout_root(), (PACKAGE / 'templates' / 'stream.html').exists(),"
        " (PACKAGE / 'static' / 'page.css').exists(), len(list(m().glob('versions/*.py'))))"
    )

    told = run(installed, Path("/"), "-c", asked)

    assert told.stdout.split() == ["None", "True", "True", str(len(NEWEST))], told.stderr


def test_the_installed_copy_has_its_command(installed, tmp_path):
    told = run(installed, tmp_path, "-m", "agentlogger", "--version")

    assert told.stdout.startswith("agentlogger, version ")
