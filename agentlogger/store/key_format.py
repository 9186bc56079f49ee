"""What a key looks like: recognisable, checkable without a database, impossible to guess."""

from __future__ import annotations

import secrets
import string
import zlib

PREFIX = "alog_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_CHARACTERS = 30
"""30 characters of 62 are 178 random bits: guessing is hopeless, so a fast hash suffices."""
CHECKSUM_CHARACTERS = 6
"""CRC32 in base 62: a mistyped key, or a secret scanner's false match, is known without a look
into the database."""
SHOWN_CHARACTERS = len(PREFIX) + 6
"""By these people recognise a key in a list."""


def new_key() -> str:
    """A key: prefix, random characters, checksum."""
    random = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return f"{PREFIX}{random}{_checksum(random)}"


def is_well_formed(key: str) -> bool:
    """Whether the checksum fits: false for a key that was cut, mistyped or never ours."""
    random, checksum = key[len(PREFIX) : -CHECKSUM_CHARACTERS], key[-CHECKSUM_CHARACTERS:]
    return (
        key.startswith(PREFIX)
        and len(random) == RANDOM_CHARACTERS
        and key.isascii()
        and secrets.compare_digest(_checksum(random), checksum)
    )


def _checksum(text: str) -> str:
    number, characters = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(ALPHABET))
        characters = ALPHABET[digit] + characters
    return characters
