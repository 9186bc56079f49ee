"""Settings are read once, checked, and say in one sentence what cannot work."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from agentlogger.app import create_app
from agentlogger.config import is_loopback_host, read_settings
from agentlogger.errors import SettingInvalid


def settings(tmp_path: Path, **given: str):
    return read_settings({"AGENTLOGGER_INSTANCE": str(tmp_path), **given})


def test_without_settings_records_go_to_a_sqlite_file_on_loopback(tmp_path):
    read = settings(tmp_path)

    assert read.database_url == f"sqlite:///{tmp_path}/agentlogger.db"
    assert (read.host, read.port, read.is_loopback, read.is_sqlite) == (
        "127.0.0.1",
        4318,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("postgres://me:pw@db:5433/logs", "postgresql+psycopg2://me:pw@db:5433/logs"),
        ("postgresql://me@db/logs", "postgresql+psycopg2://me@db/logs"),
        ("postgresql+psycopg2://me@db/logs", "postgresql+psycopg2://me@db/logs"),
        ("postgresql:///logs?host=/run/pg", "postgresql+psycopg2:///logs?host=/run/pg"),
        ("sqlite:////var/lib/logs.db", "sqlite:////var/lib/logs.db"),
    ],
)
def test_a_database_is_named_as_everybody_writes_it(tmp_path, given, read):
    assert settings(tmp_path, DATABASE_URL=given).database_url == read


@pytest.mark.parametrize(
    ("database", "processors", "processes"),
    [
        ("", 1, 1), ("", 2, 2), ("", 16, 2),
        ("postgresql://me@db/logs", 1, 2), ("postgresql://me@db/logs", 16, 4),
    ],
)  # fmt: skip
def test_so_many_processes_serve_where_nobody_says_how_many(
    tmp_path, monkeypatch, database, processors, processes
):
    monkeypatch.setattr("os.cpu_count", lambda: processors)

    assert settings(tmp_path, DATABASE_URL=database).processes == processes
    assert settings(tmp_path, DATABASE_URL=database, AGENTLOGGER_WORKERS="3").processes == 3


def test_a_relative_sqlite_path_lies_in_the_instance_folder(tmp_path):
    read = settings(tmp_path, DATABASE_URL="sqlite:///logs.db")

    assert read.database_url == f"sqlite:///{tmp_path}/logs.db"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABASE_URL", "postgresql+psycopg://me@db/logs", "psycopg2"),
        ("DATABASE_URL", "postgresql://me@db:port/logs", "not an address of PostgreSQL"),
        ("DATABASE_URL", "mysql://me@db/logs", "PostgreSQL or SQLite"),
        ("DATABASE_URL", "sqlite://", "no SQLite file"),
        ("DATABASE_URL", "sqlite:///:memory:", "no SQLite file"),
        ("DATABASE_URL", "logs.db", "not a database URL"),
        ("AGENTLOGGER_PORT", "0", "from 1 to 65535"),
        ("AGENTLOGGER_PORT", "65536", "from 1 to 65535"),
        ("AGENTLOGGER_PORT", "٤", "whole number"),
        ("AGENTLOGGER_THREADS", "many", "whole number"),
        ("AGENTLOGGER_WORKERS", "-1", "whole number"),
        ("AGENTLOGGER_HOST", "http://here", "address or a name alone"),
        ("AGENTLOGGER_HOST", "127.0.0.1:80", "address or a name alone"),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(tmp_path, name, value, said):
    with pytest.raises(SettingInvalid, match=said) as mistake:
        settings(tmp_path, **{name: value})

    assert name in mistake.value.message


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(SettingInvalid, match="AGENTLOGGER_INSTANCE"):
        settings(tmp_path / "file" / "folder")


def test_the_secret_key_is_made_once_and_for_its_owner_alone(tmp_path):
    first, second = settings(tmp_path).secret_key, settings(tmp_path).secret_key

    assert first == second
    assert len(first) >= 40
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_given_secret_key_is_used_and_none_is_made(tmp_path):
    assert settings(tmp_path, SECRET_KEY="given").secret_key == "given"
    assert list(tmp_path.iterdir()) == []


def test_the_key_of_redaction_is_made_of_the_secret_unless_it_is_given(tmp_path):
    def key(**given):
        return read_settings({"AGENTLOGGER_INSTANCE": str(tmp_path), **given}).redaction_key

    assert key(SECRET_KEY="a") == key(SECRET_KEY="a") != key(SECRET_KEY="b")
    assert key(SECRET_KEY="a", AGENTLOGGER_REDACTION_KEY="c") == key(
        SECRET_KEY="b", AGENTLOGGER_REDACTION_KEY="c"
    )
    assert key() == key()


def test_no_secret_is_in_the_settings_own_words(tmp_path):
    read = settings(tmp_path, SECRET_KEY="hush", DATABASE_URL="postgresql://me:hush@db/logs")

    assert "hush" not in repr(read)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LocalHost.", "::1", "[::1]", "127.1.2.3"]
)
def test_these_mean_this_machine(host):
    assert is_loopback_host(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "", "127.0.0.1.nip.io"]
)
def test_these_mean_others_too(host):
    assert not is_loopback_host(host)


def test_the_folder_of_the_records_is_its_owners_alone(tmp_path):
    settings(tmp_path / "instance", SECRET_KEY="given")

    assert stat.S_IMODE((tmp_path / "instance").stat().st_mode) == 0o700


def test_prices_that_cannot_be_used_are_told_at_start(tmp_path):
    prices = tmp_path / "prices.json"
    prices.write_text('{"models": "gpt-5"}')

    with pytest.raises(SettingInvalid, match=r"AGENTLOGGER_PRICES names .*prices\.json"):
        create_app(settings(tmp_path, AGENTLOGGER_PRICES=str(prices)))
