"""OTLP exports made by hand, for journeys that are about delivery and not about content."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs

from tests.journeys.talking import JSON, PROTOBUF

UID = "log.record.uid"


def protobuf_export(uids: Sequence[str]) -> bytes:
    """An export of one record for each uid, whose body is the uid too."""
    records = [
        LogRecord(
            time_unix_nano=time.time_ns(),
            body=AnyValue(string_value=uid),
            attributes=[KeyValue(key=UID, value=AnyValue(string_value=uid))],
        )
        for uid in uids
    ]
    scopes = [ScopeLogs(log_records=records)]
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(scope_logs=scopes)]
    ).SerializeToString()


def nameless_export(bodies: Sequence[str]) -> bytes:
    """An export of one record for each body, none of which says which record it is."""
    now = time.time_ns()
    records = [LogRecord(time_unix_nano=now, body=AnyValue(string_value=body)) for body in bodies]
    scopes = [ScopeLogs(log_records=records)]
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(scope_logs=scopes)]
    ).SerializeToString()


def json_export(uids: Sequence[str]) -> bytes:
    """The same as OTLP/JSON."""
    records = [
        {
            "timeUnixNano": str(time.time_ns()),
            "body": {"stringValue": uid},
            "attributes": [{"key": UID, "value": {"stringValue": uid}}],
        }
        for uid in uids
    ]
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()


EXPORTS = {PROTOBUF: protobuf_export, JSON: json_export}
"""How an export is made, by the media type it is sent as."""

SUCCESS = {PROTOBUF: b"", JSON: b"{}"}
"""What full success looks like: anything else reports a refusal or a warning."""
