"""Whether two defaults of a column are one value: PostgreSQL keeps `0` and `'0'::bigint` apart."""

from __future__ import annotations

import re

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

CONSTANT = re.compile(
    r"\(?(?:'(?:[^']|'')*'|[-+]?\d+(?:\.\d+)?|true|false|NULL)\)?(?:::[\w\s.\"\[\](),]+)?"
)
"""What calls nothing, so that it may be evaluated: a value, and maybe the type that it is made."""


def is_one_value(connection: Connection, type_: str, one: str, other: str) -> bool:
    """Whether two defaults of a column of this type are constants of one value."""
    if CONSTANT.fullmatch(one) is None or CONSTANT.fullmatch(other) is None:
        return False
    asked = f"SELECT (({one})::{type_})::text = (({other})::{type_})::text"
    try:
        with connection.begin_nested():
            return bool(connection.exec_driver_sql(asked.replace("%", "%%")).scalar())
    except DBAPIError:
        # One of them is no value of the type that the column still has.
        return False
