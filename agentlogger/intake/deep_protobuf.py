"""OTLP protobuf whose values lie deeper than the protobuf library goes.

The library refuses a message of more than 100 levels, which a map in a map in a map reaches at 33;
one such value would cost the whole batch. Here AnyValue's lists and maps are declared LEVELS deep,
and what lies below is declared as the bytes that it is on the wire, to be opened when the reader
comes there. Each opening copies those bytes once, so the fewer there are the better.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from agentlogger.errors import BodyUndecodable

LEVELS = 24
"""Levels of lists and maps in one reading. A map takes three of the library's levels, a record's
attributes stand at the fifth and those of a span's event at the sixth."""

PACKAGE = "opentelemetry.proto.common.v1"
CONTAINERS = {"array_value": "ArrayValue", "kvlist_value": "KeyValueList"}
"""AnyValue's fields of lists and maps, and their messages."""
RECURSIVE = {"AnyValue", "KeyValue", *CONTAINERS.values()}


def parse(body: bytes, request: type[Message]) -> Any | None:
    """An export request or a record with its deepest values still closed; None where it is none."""
    try:
        return _classes()[request.DESCRIPTOR.name].FromString(body)
    except DecodeError:
        return None


def opened(nested: Any, kind: str) -> Any:
    """The list or map of an AnyValue, which may be closed in a request that `parse` made.

    Raises BodyUndecodable where it turns out to be none.
    """
    if nested.__class__ is not bytes:
        return nested
    try:
        return _classes()[kind].FromString(nested)
    except DecodeError:
        raise BodyUndecodable(
            "A nested value of the body is not protobuf, so nothing of it was read: send it again."
        ) from None


@cache
def _classes() -> dict[str, type[Message]]:
    """OTLP's messages, with AnyValue's lists and maps declared LEVELS deep."""
    pool = descriptor_pool.DescriptorPool()
    for module in (
        common_pb2, resource_pb2, logs_pb2, logs_service_pb2, trace_pb2, trace_service_pb2,
    ):  # fmt: skip
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        if file.package == PACKAGE:
            _unroll(file)
        pool.Add(file)
    requests = (
        logs_service_pb2.ExportLogsServiceRequest.DESCRIPTOR,
        trace_service_pb2.ExportTraceServiceRequest.DESCRIPTOR,
        logs_pb2.LogRecord.DESCRIPTOR,
    )
    names = {each.name: each.full_name for each in requests}
    names |= {kind: f"{PACKAGE}.{message}" for kind, message in CONTAINERS.items()}
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(full_name))
        for name, full_name in names.items()
    }


def _unroll(file: descriptor_pb2.FileDescriptorProto) -> None:
    """Declare each message that can hold itself once for each level.

    `AnyValue` then holds `ArrayValue`, which holds `AnyValue_1`, and so on; the last one holds
    bytes.
    """
    originals = []
    for message in file.message_type:
        if message.name in RECURSIVE:
            original = descriptor_pb2.DescriptorProto()
            original.CopyFrom(message)
            originals.append(original)
            _point_down(message, 0)
    for level in range(1, LEVELS + 1):
        for original in originals:
            if level < LEVELS or original.name not in CONTAINERS.values():
                message = file.message_type.add()
                message.CopyFrom(original)
                _point_down(message, level)


def _point_down(message: descriptor_pb2.DescriptorProto, level: int) -> None:
    """Make a message the one of its level, its fields those of the level that they belong to."""
    below = level + 1 if message.name in CONTAINERS.values() else level
    for field in message.field:
        inner = field.type_name.rpartition(".")[2]
        if inner in CONTAINERS.values() and level == LEVELS:
            field.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")
        elif inner in RECURSIVE:
            field.type_name = f".{PACKAGE}.{_at(inner, below)}"
    message.name = _at(message.name, level)


def _at(name: str, level: int) -> str:
    return f"{name}_{level}" if level else name
