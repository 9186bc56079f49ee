"""The server's own log, without secrets: a traceback may hold what a client sent."""

from __future__ import annotations

import logging

from agentlogger.intake.redaction.redactor import Redactor
from agentlogger.intake.storable import Adjustments


class WithoutSecrets(logging.Filter):
    """Redacts what a handler is about to write, with every default rule."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor
        self._formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record pass, its message and its traceback redacted."""
        try:
            record.msg, record.args = self._redactor.text(record.getMessage(), Adjustments()), None
        except (TypeError, ValueError, KeyError):
            # A message that does not fit its arguments is the handler's to complain about.
            return True
        if record.exc_info and not record.exc_text:
            record.exc_text = self._formatter.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self._redactor.text(record.exc_text, Adjustments())
        if record.stack_info:
            record.stack_info = self._redactor.text(record.stack_info, Adjustments())
        return True


def redact(loggers: list[logging.Logger], redactor: Redactor) -> None:
    """Have every handler of these loggers, and the one of last resort, write without secrets."""
    handlers = [handler for logger in loggers for handler in logger.handlers]
    if logging.lastResort is not None:
        handlers.append(logging.lastResort)
    for handler in handlers:
        for former in [each for each in handler.filters if isinstance(each, WithoutSecrets)]:
            handler.removeFilter(former)
        handler.addFilter(WithoutSecrets(redactor))
