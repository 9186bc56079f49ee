"""What alerts have to tell is sent by one of all workers: signed, bounded, tried again."""

from __future__ import annotations

import hashlib
import hmac
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import SHUT_RDWR, create_connection, socket
from threading import Event, Timer
from urllib.parse import urlsplit

from agentlogger import __version__
from agentlogger.duties.leased import Turn
from agentlogger.limits import WEBHOOK_SECONDS
from agentlogger.store.alerts import deliveries
from agentlogger.store.alerts.deliveries import Due, Outcome
from agentlogger.store.scope import OperatorScope

EVERY_SECONDS = 2.0
"""How often it is looked what is due: who tests a receiver waits for it."""

AT_ONCE = 50
"""Deliveries that are sent until the next look."""

SIGNATURE = "X-AgentLogger-Signature"
DELIVERY = "X-AgentLogger-Delivery"
ATTEMPT = "X-AgentLogger-Attempt"

SENDS = OperatorScope("one worker sends what alerts of all projects have to tell")

ERROR_CHARACTERS = 200

MayBeTold = Callable[[str], bool]


class Refused(OSError):  # noqa: N818  (it is told as it is)
    """An address to which nothing is sent."""


def send_due(turn: Turn, may_be_told: MayBeTold, now: Callable[[], int] = time.time_ns) -> None:
    """Send what is due, to hosts that may be told. Raises LeaseLost, DatabaseUnavailable."""
    for _ in range(AT_ONCE):
        if turn.stopped.is_set():
            return
        turn.keep()
        due = deliveries.begin(SENDS, turn.lease, now())
        if due is None:
            return
        outcome = post(due, may_be_told, now())
        deliveries.end(SENDS, due, outcome, now())


def post(due: Due, may_be_told: MayBeTold, now_ns: int) -> Outcome:
    """Try a delivery once, for WEBHOOK_SECONDS at most. Never raises.

    Any 2xx has taken it. A redirect has not: it would carry a signed body to where nobody has said
    that it should go. What the receiver answers is not read.
    """
    began = time.monotonic()
    status, error = None, None
    try:
        status = _post(due, may_be_told, now_ns)
        if not 200 <= status < 300:  # noqa: PLR2004  (RFC 9110, 15.3)
            error = f"The receiver answered {status}."
            if 300 <= status < 400:  # noqa: PLR2004
                error += " Redirects are not followed: give the address that it leads to."
    except (OSError, HTTPException, ValueError) as fault:
        error = f"{type(fault).__name__}: {fault}"[:ERROR_CHARACTERS]
    return Outcome(status, error, int((time.monotonic() - began) * 1000))


def signature(secret: str, seconds: int, body: bytes) -> str:
    """The header's value: HMAC-SHA256 over the time, a dot, and the body."""
    signed = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256)
    return f"t={seconds},v1={signed.hexdigest()}"


def _post(due: Due, may_be_told: MayBeTold, now_ns: int) -> int:
    address = urlsplit(due.url)
    if address.hostname is None or address.scheme not in {"http", "https"}:
        raise Refused("Only http and https are sent to.")
    if not may_be_told(address.hostname):
        raise Refused(f"{address.hostname} is none of AGENTLOGGER_WEBHOOK_HOSTS.")
    kind = _Secure if address.scheme == "https" else _Plain
    connection = kind(address.hostname, address.port, timeout=WEBHOOK_SECONDS)
    # A timeout of the socket is for each read: a receiver that sends a byte a second has none.
    is_over = Event()
    ending = Timer(WEBHOOK_SECONDS, lambda: _cut(connection, is_over))
    ending.daemon = True
    ending.start()
    try:
        path = (address.path or "/") + (f"?{address.query}" if address.query else "")
        connection.request(
            "POST",
            path,
            due.body,
            {
                "Content-Type": "application/json",
                "User-Agent": f"agentlogger/{__version__}",
                DELIVERY: str(due.id),
                ATTEMPT: str(due.attempt),
                SIGNATURE: signature(due.secret, now_ns // 10**9, due.body),
            },
        )
        status = connection.getresponse().status
        if is_over.is_set():
            # The beginning of an answer whose end was cut off reads as one.
            raise TimeoutError(f"no answer within {WEBHOOK_SECONDS} s")
        return status
    finally:
        ending.cancel()
        connection.close()


def _cut(connection: HTTPConnection, is_over: Event) -> None:
    is_over.set()
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(SHUT_RDWR)


def _connected(host: str, port: int) -> socket:
    """A connection, before anything is sent on it, to an address that may be sent to.

    It is the address itself that is judged: a name may mean another one each time it is asked for.
    """
    connected = create_connection((host, port), timeout=WEBHOOK_SECONDS)
    address = ip_address(connected.getpeername()[0].partition("%")[0])
    if is_refused(address):
        connected.close()
        raise Refused(f"{address} is a link-local address, to which nothing is sent.")
    return connected


def is_refused(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of a cloud's metadata service and its like, never a receiver's."""
    plain = getattr(address, "ipv4_mapped", None) or address
    return bool(plain.is_link_local or plain.is_multicast)


class _Plain(HTTPConnection):
    """HTTP to an address that was judged."""

    def connect(self) -> None:
        self.sock = _connected(self.host, self.port)


class _Secure(HTTPSConnection):
    """HTTPS likewise, with the certificate checked against the name."""

    def connect(self) -> None:
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(_connected(self.host, self.port), server_hostname=self.host)
