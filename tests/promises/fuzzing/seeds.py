"""Where fuzzing starts from: the bodies of tests/corpus, each for the targets that read such."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.intake.readers import corpus

HOSTILE = Path(__file__).parents[2] / "corpus" / "hostile"
TRANSCRIPTS = Path(__file__).parents[2] / "corpus" / "transcripts"

BY_DOOR = {
    ("native", "application/json"): "plain-json",
    ("native", "application/x-ndjson"): "ndjson",
    ("otlp", "application/json"): "otlp-json-logs",
    ("otlp", "application/x-protobuf"): "otlp-protobuf-logs",
    ("traces", "application/json"): "otlp-json-spans",
}
BY_PATH = {
    "/v1/logs": ("otlp-json-logs", "otlp-protobuf-logs", ExportLogsServiceRequest),
    "/v1/traces": ("otlp-json-spans", "otlp-protobuf-spans", ExportTraceServiceRequest),
}
IDS = {"traceId", "spanId", "parentSpanId"}
SQUEEZED_BYTES = 4_096
"""Bodies up to this are compressed for seeds: what stands in them matters to no inflating."""


def write(target: str, folder: Path) -> None:
    """Write the seeds of a target into a folder, each under its digest."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in _all():
        if name == target:
            (folder / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)


def _all() -> Iterator[tuple[str, bytes]]:
    plain = [*_hostile(), *_emitters(), *_transcripts()]
    yield from plain
    for name, content in plain:
        if name == "plain-json" and len(content) <= SQUEEZED_BYTES:
            yield "gzip", gzip.compress(content, mtime=0)
            yield "gzip", gzip.compress(content, mtime=0) * 2
            yield "deflate", zlib.compress(content)
            yield "deflate", zlib.compress(content, wbits=-zlib.MAX_WBITS)
            yield "zstd", zstandard.compress(content)
            yield "zstd", zstandard.compress(content) * 2


def _hostile() -> Iterator[tuple[str, bytes]]:
    for case in json.loads((HOSTILE / "index.json").read_text(encoding="utf-8")):
        target = BY_DOOR.get((case["door"], case["content_type"]))
        if name := case.get("encoding", target):
            yield name, (HOSTILE / case["file"]).read_bytes()


def _emitters() -> Iterator[tuple[str, bytes]]:
    for scenario in corpus.scenarios():
        for path, content in scenario.requests:
            if path not in BY_PATH:
                yield "agents-json", content
                continue
            as_json, as_protobuf, message = BY_PATH[path]
            yield as_json, content
            given = _with_base64(json.loads(content))
            parsed = json_format.ParseDict(given, message(), ignore_unknown_fields=True)
            yield as_protobuf, parsed.SerializeToString()


def _with_base64(given: Any) -> Any:
    """OTLP/JSON as protobuf's own mapping has it: ids in base64, where OTLP writes hex."""
    if isinstance(given, list):
        return [_with_base64(item) for item in given]
    if not isinstance(given, dict):
        return given
    return {
        key: base64.b64encode(bytes.fromhex(item)).decode() if key in IDS else _with_base64(item)
        for key, item in given.items()
    }


def _transcripts() -> Iterator[tuple[str, bytes]]:
    for file in sorted(TRANSCRIPTS.glob("*.jsonl")):
        yield "ndjson", file.read_bytes()
