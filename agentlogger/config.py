"""Settings: from the environment or one `.env`, checked at start, secrets masked.

The `.env` is the one beside `wsgi.py`, or the one that `AGENTLOGGER_ENV_FILE` names; never the
current folder's, since the same command would then mean another database in another folder.
`docs/reference.md` lists every setting, and a test compares the two.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path

import dotenv

from agentlogger.database_urls import database_url
from agentlogger.errors import SettingInvalid
from agentlogger.limits import BODY_SECONDS
from agentlogger.surroundings import checkout_root, given_environment, user_data_folder

PORT = 4318
"""The default port of OTLP/HTTP: an SDK without any configuration sends here."""

THREADS = 32
"""Threads a worker: each open request holds one, and an idle one costs about 0.1 MB."""

POSTGRESQL_WORKERS_MAX = 4
"""Workers where nobody has said how many: Python is what is short, and each takes about 80 MB."""

SQLITE_WORKERS_MAX = 2
"""The same on SQLite. One decodes while another writes: 11,400 records a second instead of 6,900 on
two processors (`bench/ingest.py`), for about 55 MB; a third one brought nothing there."""

TAILS = 128
"""Tails that a worker keeps open: each holds a thread that is mostly asleep, about 0.1 MB."""

SECRET_BYTES = 32

RATE_MOST = 999_999_999
"""No rate is larger; who needs more sets 0, which is any."""


@dataclass(frozen=True)
class Rates:
    """What may be sent in a second, over all workers; 0 is any."""

    key_requests: int
    project_requests: int
    key_bytes: int
    project_bytes: int


NO_RATES = Rates(0, 0, 0, 0)


@dataclass(frozen=True)
class Settings:
    """Everything the program was told, checked. `repr()` shows no secret."""

    database_url: str = field(repr=False)
    host: str
    port: int
    instance_path: Path
    secret_key: str = field(repr=False)
    workers: int
    threads: int
    redaction_key: bytes = field(repr=False)
    """What makes the digits of the marks that stand for secrets."""
    secret_key_fallbacks: tuple[str, ...] = field(default=(), repr=False)
    migrations: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the migration room is told, by the names it asks Flask's configuration for."""
    tails: int = TAILS
    """Tails that each process keeps open at once, on threads beside those for requests."""
    backfills: bool = True
    """Whether the workers work off backfills by themselves."""
    webhook_hosts: tuple[str, ...] = ()
    """The hosts that alerts may be sent to, a leading dot for all below a name; empty for any."""
    prices: Path | None = None
    """A table of the user's own prices, which `intake/prices.py` reads at start."""
    rates: Rates = NO_RATES
    body_seconds: int = BODY_SECONDS
    """How long a request's body may be waited for in all."""
    testing: bool = False

    @property
    def is_loopback(self) -> bool:
        """Whether the server is asked to listen on this machine only."""
        return is_loopback_host(self.host)

    @property
    def is_sqlite(self) -> bool:
        """Whether records go to a SQLite file, which takes one writer at a time."""
        return self.database_url.startswith("sqlite:")

    @property
    def processes(self) -> int:
        """How many processes serve: fewer for SQLite, which takes one writer at a time."""
        if self.workers:
            return self.workers
        processors = os.cpu_count() or 1
        if self.is_sqlite:
            return min(SQLITE_WORKERS_MAX, processors)
        return min(POSTGRESQL_WORKERS_MAX, max(2, processors))

    def may_be_told(self, host: str) -> bool:
        """Whether alerts may be sent to a host, by its name or address as it stands in a URL."""
        name = host.lower().rstrip(".")
        return not self.webhook_hosts or any(
            name == one or (one.startswith(".") and name.endswith(one))
            for one in self.webhook_hosts
        )

    @property
    def page_address(self) -> str:
        """The page's address as a person on this machine types it."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


@lru_cache(maxsize=256)  # Asked three times of each request without accounts.
def is_loopback_host(host: str) -> bool:
    """Whether a name or address means this machine: localhost, 127.0.0.0/8 or ::1."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read, check and freeze the settings.

    `environment` stands in for the process's own in tests; the `.env` is then not read.
    Raises SettingInvalid with one sentence for a value that cannot work.
    """
    values = _with_env_file(given_environment()) if environment is None else dict(environment)
    instance = _instance_path(values)
    url = database_url(values.get("DATABASE_URL", ""), instance)
    if not values.get("SECRET_KEY", "").strip() or url.startswith(f"sqlite:///{instance}/"):
        _make_folder(instance)
    secret_key = values.get("SECRET_KEY", "").strip() or _kept_secret(instance)
    return Settings(
        database_url=url,
        host=_host(values),
        port=_integer(values, "AGENTLOGGER_PORT", PORT, least=1, most=65_535),
        instance_path=instance,
        secret_key=secret_key,
        redaction_key=_redaction_key(values, secret_key),
        workers=_integer(values, "AGENTLOGGER_WORKERS", 0, least=0, most=256),
        threads=_integer(values, "AGENTLOGGER_THREADS", THREADS, least=1, most=1_024),
        secret_key_fallbacks=tuple(
            key.strip() for key in values.get("SECRET_KEY_FALLBACKS", "").split(",") if key.strip()
        ),
        migrations=_migration_settings(values, instance),
        webhook_hosts=_hosts(values, "AGENTLOGGER_WEBHOOK_HOSTS"),
        prices=_file(values, "AGENTLOGGER_PRICES"),
        rates=Rates(
            key_requests=_integer(
                values, "AGENTLOGGER_RATE_KEY_REQUESTS", 5_000, least=0, most=RATE_MOST
            ),
            project_requests=_integer(
                values, "AGENTLOGGER_RATE_PROJECT_REQUESTS", 10_000, least=0, most=RATE_MOST
            ),
            key_bytes=_integer(values, "AGENTLOGGER_RATE_KEY_BYTES", 0, least=0, most=RATE_MOST),
            project_bytes=_integer(
                values, "AGENTLOGGER_RATE_PROJECT_BYTES", 0, least=0, most=RATE_MOST
            ),
        ),
        body_seconds=_integer(
            values, "AGENTLOGGER_BODY_SECONDS", BODY_SECONDS, least=1, most=86_400
        ),
        tails=_integer(values, "AGENTLOGGER_TAILS", TAILS, least=0, most=1_024),
        backfills=_switch(values, "AGENTLOGGER_BACKFILLS", default=True),
    )


def installed_database() -> str:
    """The database that the settings name; nothing is made, neither a folder nor a secret.

    Raises SettingInvalid.
    """
    values = _with_env_file(given_environment())
    return database_url(values.get("DATABASE_URL", ""), _instance_path(values))


def _hosts(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    hosts = tuple(one.strip().lower() for one in values.get(name, "").split(",") if one.strip())
    for host in hosts:
        if "/" in host or " " in host or "*" in host:
            raise SettingInvalid(
                f"{name} names {host[:100]!r}, which is no host: write names or addresses alone, "
                "with commas between, and .example.org for all below example.org."
            )
    return hosts


def _redaction_key(values: Mapping[str, str], secret_key: str) -> bytes:
    """The key of the marks: one of its own, else one that is made of the installation's secret."""
    own = values.get("AGENTLOGGER_REDACTION_KEY", "").strip()
    return hmac.new((own or secret_key).encode(), b"agentlogger.redaction", hashlib.sha256).digest()


def _migration_settings(values: Mapping[str, str], instance: Path) -> dict[str, str]:
    """What the migration room is told; it checks its own numbers."""
    told = {
        "PROTECT_DATA": values.get("PROTECT_DATA", ""),
        "MIGRATE_LOCK_WAIT": values.get("MIGRATE_LOCK_WAIT", ""),
        "MIGRATE_LOCK_TIMEOUT": values.get("MIGRATE_LOCK_TIMEOUT", ""),
        "MIGRATE_LOCK_RETRY": values.get("MIGRATE_LOCK_RETRY", ""),
        "MIGRATE_STATEMENT_TIMEOUT": values.get("MIGRATE_STATEMENT_TIMEOUT", ""),
        "MIGRATE_BLOCK_MAX": values.get("MIGRATE_BLOCK_MAX", ""),
        "MIGRATE_SNAPSHOTS": values.get("MIGRATE_SNAPSHOTS", ""),
        "MIGRATE_BACKFILL_INLINE": values.get("MIGRATE_BACKFILL_INLINE", ""),
        "MIGRATE_BACKFILL_BATCH": values.get("MIGRATE_BACKFILL_BATCH", ""),
        "MIGRATE_BACKFILL_PAUSE": values.get("MIGRATE_BACKFILL_PAUSE", ""),
        "MIGRATE_BACKFILL_LOCK_TIMEOUT": values.get("MIGRATE_BACKFILL_LOCK_TIMEOUT", ""),
        "MIGRATE_BACKFILL_LAG": values.get("MIGRATE_BACKFILL_LAG", ""),
        "MIGRATE_BACKFILL_LONG": values.get("MIGRATE_BACKFILL_LONG", ""),
        "MIGRATE_BACKFILL_P99": values.get("MIGRATE_BACKFILL_P99", ""),
        "MIGRATE_POSTGRESQL_CLIENT": values.get("MIGRATE_POSTGRESQL_CLIENT", ""),
    }
    for name, text in (
        ("MIGRATE_DATABASE_URL", values.get("MIGRATE_DATABASE_URL", "")),
        ("MIGRATE_SCRATCH_URL", values.get("MIGRATE_SCRATCH_URL", "")),
    ):
        told[name] = database_url(text, instance, name=name) if text.strip() else ""
    return told


def _with_env_file(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment over the `.env`'s values: what was exported wins."""
    named = environment.get("AGENTLOGGER_ENV_FILE")
    root = checkout_root()
    path = Path(named) if named else root / ".env" if root else None
    if named and not Path(named).is_file():
        raise SettingInvalid(
            f"AGENTLOGGER_ENV_FILE names {named}, which is not a file: correct it or unset it."
        )
    if path is None or not path.is_file():
        return dict(environment)
    try:
        from_file = dotenv.dotenv_values(path, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingInvalid(
            f"{path} cannot be read ({fault}): correct it or move it away."
        ) from None
    return {key: value for key, value in from_file.items() if value is not None} | dict(environment)


def _instance_path(values: Mapping[str, str]) -> Path:
    """Where the SQLite file and the secret are kept: in no environment that pip may replace."""
    named = values.get("AGENTLOGGER_INSTANCE")
    if named:
        try:
            return Path(named).expanduser().absolute()
        except RuntimeError:
            raise SettingInvalid(
                f"AGENTLOGGER_INSTANCE is {named!r}, and there is no such home: name a folder."
            ) from None
    root = checkout_root()
    return root / "instance" if root else user_data_folder()


def _host(values: Mapping[str, str]) -> str:
    host = values.get("AGENTLOGGER_HOST", "").strip() or "127.0.0.1"
    if "/" in host or host.count(":") == 1 or " " in host:
        raise SettingInvalid(
            f"AGENTLOGGER_HOST is {host!r}, and must be an address or a name alone, such as "
            "127.0.0.1 or 0.0.0.0; the port is AGENTLOGGER_PORT."
        )
    return host.strip("[]")


def _integer(values: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    text = values.get(name, "").strip()
    if not text:
        return default
    digits = text.isascii() and text.isdigit() and len(text) <= 9  # noqa: PLR2004
    if not digits or not least <= int(text) <= most:
        raise SettingInvalid(
            f"{name} is {text!r}, and must be a whole number from {least} to {most}."
        )
    return int(text)


def _switch(values: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = values.get(name, "").strip().lower()
    if text and text not in {"on", "off"}:
        raise SettingInvalid(f"{name} is {text!r}, and must be on or off.")
    return text == "on" if text else default


def _file(values: Mapping[str, str], name: str) -> Path | None:
    text = values.get(name, "").strip()
    try:
        return Path(text).expanduser().absolute() if text else None
    except RuntimeError:
        raise SettingInvalid(
            f"{name} is {text!r}, and there is no such home: name a file."
        ) from None


def _make_folder(instance: Path) -> None:
    """Make the folder, for its owner only: prompts and the key that signs sessions lie in it."""
    try:
        instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise _unwritable(instance, fault) from None


def _unwritable(instance: Path, fault: OSError) -> SettingInvalid:
    return SettingInvalid(
        f"The folder {instance} cannot be written ({fault.strerror}): make it writable, name "
        "another in AGENTLOGGER_INSTANCE, or set SECRET_KEY and DATABASE_URL."
    )


def _kept_secret(instance: Path) -> str:
    """The key that signs sessions: made once in the instance folder, readable by its owner only.

    Two workers that start at once settle on one: each writes its own file and links it into
    place, which only the first can do.
    """
    path = instance / "secret_key"
    try:
        if not path.exists():
            own = instance / f".secret_key-{secrets.token_hex(8)}"
            descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(SECRET_BYTES))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(own, path)
            except FileExistsError:
                pass
            finally:
                own.unlink()
        secret = path.read_text().strip()
    except OSError as fault:
        raise _unwritable(instance, fault) from None
    except UnicodeDecodeError:
        secret = ""
    if not secret:
        raise SettingInvalid(
            f"{path} holds no key: delete it, and a new one is made at the next start."
        )
    return secret
