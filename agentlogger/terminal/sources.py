"""What a command reads from, as one small interface; and a server, which answers over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

import click

from agentlogger import __version__
from agentlogger.config import is_loopback_host
from agentlogger.errors import SettingInvalid
from agentlogger.showing.characters import one_line

TIMEOUT_SECONDS = 60
"""No answer takes longer, and no stream is silent for longer."""

NOTHING, INTERRUPTED = 3, 130
"""Exit codes beside 1 for what failed and 2 for what is mistyped: nothing was found; Ctrl-C."""

SENTENCE_CHARACTERS = 500
"""So much of what is no sentence of ours is repeated."""

AGAIN = {429, 502, 503, 504}
"""Answers after which the same may succeed."""

PAUSES_SECONDS = (0.5, 1, 2, 4, 8, 15, 15, 15)
"""Between tries while the server or the database is away: a minute in all, a restart's length."""


class Refused(click.ClickException):
    """What was asked is not answered; `str()` is the sentence, and `code` the server's."""

    def __init__(self, sentence: str, *, status: int = 0, code: str = "") -> None:
        super().__init__(one_line(sentence[:SENTENCE_CHARACTERS]))
        self.status = status
        self.code = code

    @property
    def is_passing(self) -> bool:
        """Whether the same may be answered later: nothing is there now, or it is busy."""
        return self.status == 0 or self.status in AGAIN


class Missing(Refused):
    """What was asked for by its name is not there."""

    exit_code = NOTHING


class Source(Protocol):
    """A server or a database, asked as the API is."""

    name: str
    """What it is called, without secrets."""

    def get(self, path: str, asked: Mapping[str, Any]) -> Any:
        """The JSON at an address of the API; parameters of None are left out. Raises Refused."""

    def lines(
        self, path: str, asked: Mapping[str, Any], accept: str
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The lines of a streamed answer, as they come. Raises Refused."""

    def send(self, method: str, path: str, fields: Mapping[str, Any] | None = None) -> Any:
        """What an address of the API answers to some fields, None for nothing. Raises Refused."""

    def close(self) -> None:
        """Let go of it."""


def query_string(asked: Mapping[str, Any]) -> str:
    """Parameters as they stand in an address."""
    return urlencode({name: value for name, value in asked.items() if value is not None})


def refusal(status: int, body: bytes, of: str) -> Refused:
    """What an answer that is none says."""
    try:
        told = json.loads(body)
        sentence, code = str(told["detail"]), str(told.get("code", ""))
        errors = told.get("errors")
    except (ValueError, KeyError, TypeError, AttributeError):
        text = body[:SENTENCE_CHARACTERS].decode(errors="replace")
        return Refused(f"{of} answers {status}: {text}", status=status)
    # What is wrong with a parameter is in the sentence already.
    if isinstance(errors, dict) and "query" not in errors:
        sentence = f"{sentence} {json.dumps(errors, ensure_ascii=False)}"
    kind = Missing if code.endswith(".missing") and status == HTTPStatus.NOT_FOUND else Refused
    return kind(sentence, status=status, code=code)


class _NoRedirect(HTTPRedirectHandler):
    """A server that sends elsewhere is told by its status: no key follows to another place."""

    def redirect_request(self, *_: Any) -> None:
        return None


class ServerSource:
    """A server, over HTTP."""

    def __init__(self, url: str, key: str) -> None:
        address = urlsplit(url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise SettingInvalid(
                f"The server {url[:100]!r} is no address: write it as http://127.0.0.1:4318."
            )
        if address.username or address.password:
            raise SettingInvalid("A server's address takes no password: give a key with --key.")
        self.name = f"{address.scheme}://{address.netloc}{address.path}".rstrip("/")
        self._key = key
        self._opener = _opener(address.hostname)

    def get(self, path: str, asked: Mapping[str, Any]) -> Any:
        """The JSON at an address of the API."""
        return self._read(self._request(path, asked, "application/json"), path)

    def send(self, method: str, path: str, fields: Mapping[str, Any] | None = None) -> Any:
        """What an address of the API answers to some fields; None for nothing."""
        asking = self._request(path, {}, "application/json")
        asking.method = method
        if fields is not None:
            asking.add_header("Content-Type", "application/json")
            asking.data = json.dumps(fields).encode()
        return self._read(asking, path)

    @contextmanager
    def lines(self, path: str, asked: Mapping[str, Any], accept: str) -> Iterator[Iterator[bytes]]:
        """The lines of a streamed answer, as they come."""
        with closing(self._open(self._request(path, asked, accept))) as answer:
            yield self._lines(answer)

    def close(self) -> None:
        """Nothing is kept open."""

    def _lines(self, answer: HTTPResponse) -> Iterator[bytes]:
        try:
            yield from answer
        except (OSError, HTTPException) as fault:
            raise self._away(fault) from None

    def _read(self, request: Request, path: str) -> Any:
        with closing(self._open(request)) as answer:
            try:
                text = answer.read()
                return None if answer.status == HTTPStatus.NO_CONTENT else json.loads(text)
            except (OSError, HTTPException) as fault:
                raise self._away(fault) from None
            except ValueError:
                raise Refused(
                    f"{self.name} answers {path} with no JSON: is it AgentLogger?",
                    status=answer.status,
                ) from None

    def _request(self, path: str, asked: Mapping[str, Any], accept: str) -> Request:
        headers = {"Accept": accept, "User-Agent": f"agentlogger/{__version__}"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        given = query_string(asked)
        return Request(f"{self.name}{path}{'?' if given else ''}{given}", headers=headers)  # noqa: S310  (http or https, as checked)

    def _open(self, request: Request) -> HTTPResponse:
        try:
            answer: HTTPResponse = self._opener.open(request, timeout=TIMEOUT_SECONDS)
        except HTTPError as refused:
            with closing(refused):
                raise refusal(refused.code, refused.read(1 << 20), self.name) from None
        except (OSError, HTTPException, ValueError) as fault:
            raise self._away(fault) from None
        return answer

    def _away(self, fault: Exception) -> Refused:
        why = str(getattr(fault, "reason", "") or fault) or type(fault).__name__
        return Refused(
            f"{self.name} is not reached ({why}): start it, or name another with --server."
        )


def _opener(host: str) -> OpenerDirector:
    """What opens addresses of a server: this machine is never asked for by way of a proxy."""
    handlers: list[Any] = [_NoRedirect()]
    if is_loopback_host(host):
        handlers.append(ProxyHandler({}))
    return build_opener(*handlers)
