"""What the migration doors are compared with: bare Alembic with our models, and Django."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

from sqlalchemy.engine import make_url

from bench.commands import Project

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
DJANGO = ROOT / ".venv" / "bench-django"
"""Kept between runs; `make clean` removes it."""
DJANGO_NEEDS = ("Django==5.2.*", "psycopg2-binary")

INI = """\
[alembic]
script_location = %(here)s/migrations
"""
ENV = """\
import os

from alembic import context
from sqlalchemy import create_engine, pool

from agentlogger.models import tables
from agentlogger.models.database import db

engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=db.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""
SETTINGS = """\
INSTALLED_APPS = ["records"]
DATABASES = {{"default": {database!r}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
FIRST = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [migrations.CreateModel("Record", [("id", models.BigAutoField(primary_key=True))])]
"""
NEXT = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", {before!r})]
    operations = [migrations.AddField("record", "field_{number}", models.TextField(null=True))]
"""


def alembic(folder: Path, address: str) -> Project:
    """Alembic as its documentation begins, with the models and the revisions of this tree."""
    migrations = folder / "migrations"
    shutil.copytree(ROOT / "migrations" / "versions", migrations / "versions")
    (folder / "alembic.ini").write_text(INI)
    (migrations / "env.py").write_text(ENV)
    url = make_url(address)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg2")
    told = {"DATABASE_URL": url.render_as_string(hide_password=False), "PYTHONPATH": str(ROOT)}
    return Project(folder, BIN, told)


def django(folder: Path, address: str) -> Project:
    """A Django project with as many migrations as this tree has, all of them applied."""
    count = len(list((ROOT / "migrations" / "versions").glob("*_*.py")))
    _install_django()
    migrations = folder / "records" / "migrations"
    migrations.mkdir(parents=True)
    for package in (migrations.parent, migrations):
        (package / "__init__.py").touch()
    fields = "".join(
        f"    field_{number} = models.TextField(null=True)\n" for number in range(1, count)
    )
    (migrations.parent / "models.py").write_text(
        f"from django.db import models\n\n\nclass Record(models.Model):\n{fields or '    pass'}"
    )
    (migrations / "0001_change.py").write_text(FIRST)
    for number in range(1, count):
        before = f"{number:04}_change"
        text = NEXT.format(before=before, number=number)
        (migrations / f"{number + 1:04}_change.py").write_text(text)
    (folder / "settings.py").write_text(SETTINGS.format(database=_django_database(address, folder)))
    told = {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(folder)}
    made = Project(folder, DJANGO / "bin", told)
    subprocess.run(
        [made.programs / "django-admin", "migrate"],
        cwd=folder, env=dict(told), check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return made


def _django_database(address: str, folder: Path) -> dict[str, str]:
    url = make_url(address)
    if url.get_backend_name() == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "django.db")}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.database or "",
        "USER": url.username or "",
        "PASSWORD": url.password or "",
        "HOST": url.host or "",
        "PORT": str(url.port or ""),
    }


def _install_django() -> None:
    if (DJANGO / "bin" / "django-admin").exists():
        return
    print(f"Installing {', '.join(DJANGO_NEEDS)} into {DJANGO} ...", flush=True)
    shutil.rmtree(DJANGO, ignore_errors=True)
    venv.create(DJANGO, with_pip=True)
    python = DJANGO / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *DJANGO_NEEDS],
        check=True,
    )
