"""What a script of the stream's page asks for: the rows of records that it was told of."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields

from agentlogger.limits import SCREEN_RECORDS
from agentlogger.schemas.logs import LogFilterSchema


class Identifiers(fields.Field[list[str]]):
    """Ids of records with commas between, as many as a screen has."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[str]:
        named = [one for one in str(value).split(",") if one]
        if len(named) > SCREEN_RECORDS:
            raise ValidationError(f"At most {SCREEN_RECORDS} ids: ask for the others after these.")
        return named


class LiveRowsQuerySchema(LogFilterSchema):
    """Which of these records are meant; without ids the newest of all that are."""

    ids = Identifiers()
    project = fields.String()
