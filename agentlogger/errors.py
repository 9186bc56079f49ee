"""What can go wrong: a stable code, a status, one sentence, and whether to try again.

No web framework and no database is named here; the doors turn a refusal into an answer
(`blueprints/problems.py`), and the stores turn a database's fault into a refusal.
`docs/reference.md` lists every code, and a test compares the two.
"""

from __future__ import annotations

from typing import ClassVar

from click import ClickException


class Refusal(Exception):  # noqa: N818  (it is refused; nothing is in error)
    """A request that is not served, with the reason.

    `str()` is the sentence for people: what, why, and what to do next. `retry_after` is in
    seconds and set only where trying again unchanged can help. `errors` says what is wrong with
    each part, where there are several.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "Refused"

    def __init__(
        self, sentence: str, *, retry_after: int | None = None, errors: object | None = None
    ) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
        self.errors = errors


class BodyTooLarge(Refusal):
    """The body is over the limit, on the wire or after inflating."""

    code = "body.too_large"
    status = 413
    title = "Body too large"


class BodyUndecodable(Refusal):
    """The body is not what its headers say, so nothing in it can be read."""

    code = "body.undecodable"
    status = 400
    title = "Body cannot be decoded"


class BodySlow(Refusal):
    """The client kept the server waiting for its body; nothing of it was stored."""

    code = "body.slow"
    status = 408
    title = "Body too slow"


class MediaTypeUnsupported(Refusal):
    """The Content-Type is none that this door reads."""

    code = "body.media_type"
    status = 415
    title = "Unsupported media type"


class EncodingUnsupported(Refusal):
    """The Content-Encoding is none that this door inflates."""

    code = "body.encoding"
    status = 415
    title = "Unsupported content encoding"


class NothingAccepted(Refusal):
    """Every record of a request was refused."""

    code = "records.none_accepted"
    status = 422
    title = "No record was accepted"


class IdempotencyKeyInvalid(Refusal):
    """The Idempotency-Key header is empty, too long or no text."""

    code = "idempotency_key.invalid"
    status = 400
    title = "Invalid Idempotency-Key"


class IdempotencyKeyReused(Refusal):
    """An Idempotency-Key came again with another request."""

    code = "idempotency_key.reused"
    status = 422
    title = "The Idempotency-Key belongs to another request"


class QueryInvalid(Refusal):
    """A parameter of a read has a value that means nothing."""

    code = "query.invalid"
    status = 422
    title = "Invalid parameter"


class QueryTooLarge(Refusal):
    """A query is longer, deeper or has more terms than may be asked for at once."""

    code = "query.too_large"
    status = 422
    title = "Query too large"


class QueryTooSlow(Refusal):
    """Counting what a query finds takes longer than anybody waits for."""

    code = "query.too_slow"
    status = 422
    title = "Query too slow"


class CursorInvalid(Refusal):
    """A cursor that this server did not make, or made for another query."""

    code = "query.cursor"
    status = 400
    title = "Invalid cursor"


class RecordMissing(Refusal):
    """No record with this id in the caller's project."""

    code = "record.missing"
    status = 404
    title = "No such record"


class MediaTypeNotGiven(Refusal):
    """The Accept header names nothing that this address gives."""

    code = "accept.media_type"
    status = 406
    title = "Not given as that"


class TailsTaken(Refusal):
    """As many tails are open as are served at once."""

    code = "tail.busy"
    status = 503
    title = "All tails are taken"


class KeyMissing(Refusal):
    """The server asks for a key and the request carries none."""

    code = "key.missing"
    status = 401
    title = "A key is needed"


class KeyInvalid(Refusal):
    """The key is unknown, mistyped, expired or revoked."""

    code = "key.invalid"
    status = 401
    title = "The key is not valid"


class ScopeMissing(Refusal):
    """The key is valid and may not do this."""

    code = "key.scope"
    status = 403
    title = "That is not allowed"


class HostRefused(Refusal):
    """Without accounts only loopback is served, and this request did not come over it."""

    code = "gate.host"
    status = 403
    title = "Only loopback is served without accounts"


class ForwardingRefused(Refusal):
    """Without accounts nothing is served through a proxy."""

    code = "gate.forwarded"
    status = 403
    title = "No proxy is served without accounts"


class CrossSiteRefused(Refusal):
    """A browser sent this on behalf of another site."""

    code = "gate.cross_site"
    status = 403
    title = "Another site asked for this"


class TooManyAttempts(Refusal):
    """Too many failed sign-ins from one place."""

    code = "login.throttled"
    status = 429
    title = "Too many attempts"


class RateExceeded(Refusal):
    """A key or project sends more than its rate allows; nothing was stored."""

    code = "ingest.rate"
    status = 429
    title = "Too many requests"


class IngestBusy(Refusal):
    """The server has as much in hand as it can; nothing was stored."""

    code = "ingest.busy"
    status = 503
    title = "The server is busy"


class ExportBusy(Refusal):
    """The worker writes as many streams as it can."""

    code = "export.busy"
    status = 503
    title = "Too many streams"


class DatabaseUnavailable(Refusal):
    """The database is away, locked, full or busy; nothing was stored."""

    code = "database.unavailable"
    status = 503
    title = "The database is unavailable"


class DatabaseBehind(Refusal):
    """The database's revision is not one that this program can work with."""

    code = "database.revision"
    status = 503
    title = "The database must be migrated"


class NameTaken(Refusal):
    """An account, project, key, saved search or alert of that name exists."""

    code = "name.taken"
    status = 409
    title = "The name is taken"


class NameUnknown(Refusal):
    """No account, project or key of that name exists."""

    code = "name.unknown"
    status = 404
    title = "The name is unknown"


class RunMissing(Refusal):
    """No record of this session or trace in the caller's project."""

    code = "run.missing"
    status = 404
    title = "No such session or trace"


class SearchMissing(Refusal):
    """No saved search with this id in the caller's project."""

    code = "search.missing"
    status = 404
    title = "No such saved search"


class SearchesFull(Refusal):
    """The project has as many saved searches as it may have."""

    code = "search.full"
    status = 409
    title = "No room for another saved search"


class AlertMissing(Refusal):
    """No alert with this id in the caller's project."""

    code = "alert.missing"
    status = 404
    title = "No such alert"


class AlertsFull(Refusal):
    """The project has as many alerts as it may have."""

    code = "alert.full"
    status = 409
    title = "No room for another alert"


class SettingInvalid(ClickException):
    """A setting, file or address that the program cannot start with; `str()` is the sentence.

    It is click's exception, so that every `flask` and `agentlogger` command prints the sentence
    and ends with 1, wherever in the start it was raised.
    """
