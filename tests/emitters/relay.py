"""What stands between an emitter and the server: passes all on, and keeps what was sent."""

from __future__ import annotations

import gzip
import http.client
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.conformance.exports import ids_in_base64
from tests.emitters.model import listening

INFLATE = {"gzip": gzip.decompress, "deflate": zlib.decompress, "": bytes}

Ids = tuple[str | None, str | None]
"""A trace's id and a span's, in hex."""


@dataclass
class Relay:
    """The requests of an emitter, with the statuses that it got."""

    address: str = ""
    requests: list[tuple[str, str, bytes, int]] = field(default_factory=list)
    """Path, media type, body as it was before it was compressed, and status."""

    def statuses(self) -> set[int]:
        """What the server answered."""
        return {status for *_, status in self.requests}

    def spans(self) -> list[Any]:
        """Every span that was sent."""
        return [
            span
            for request in self._exports("/v1/traces", ExportTraceServiceRequest)
            for wrapper in request.resource_spans
            for part in wrapper.scope_spans
            for span in part.spans
        ]

    def logs(self) -> list[Any]:
        """Every log record that was sent."""
        return [
            record
            for request in self._exports("/v1/logs", ExportLogsServiceRequest)
            for wrapper in request.resource_logs
            for part in wrapper.scope_logs
            for record in part.log_records
        ]

    def records(self) -> Counter[Ids]:
        """How many records are to be shown under which ids: those of spans, events and logs."""
        found: Counter[Ids] = Counter()
        for span in self.spans():
            found[_ids(span)] += 1 + len(span.events)
        for record in self.logs():
            found[_ids(record)] += 1
        return found

    def _exports(self, path: str, kind: type[Any]) -> Iterator[Any]:
        for sent_to, media_type, body, _ in self.requests:
            if sent_to == path:
                if media_type == "application/json":
                    yield json_format.ParseDict(
                        ids_in_base64(json.loads(body)), kind(), ignore_unknown_fields=True
                    )
                else:
                    yield kind.FromString(body)


def _ids(sent: Any) -> Ids:
    return sent.trace_id.hex() or None, sent.span_id.hex() or None


@contextmanager
def relaying(server: str) -> Iterator[Relay]:
    """Stand before a server for the length of a block."""
    relay = Relay()
    behind = urlsplit(server)

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self._body()
            kept = {"content-type", "content-encoding", "authorization", "user-agent"}
            headers = {name: value for name, value in self.headers.items() if name.lower() in kept}
            connection = http.client.HTTPConnection(str(behind.hostname), behind.port, timeout=60)
            connection.request("POST", self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            encoding = self.headers.get("Content-Encoding", "")
            media_type = self.headers.get("Content-Type", "").partition(";")[0]
            plain = INFLATE[encoding](body)
            relay.requests.append((self.path, media_type, plain, answer.status))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers["Content-Length"]))
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def log_message(self, *_given: object) -> None:
            """Keep the tests' output to themselves."""

    with listening(Door) as relay.address:
        yield relay
