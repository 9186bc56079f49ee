"""OTLP protobuf whose values lie deeper than the protobuf library goes.

The library refuses a message of more than 100 levels, which a map in a map in a map reaches at 33;
one such value would cost the whole batch. Here AnyValue's lists and maps are declared as the bytes
that they are on the wire, and are opened level by level, as far down as the reader wants to go.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.resource.v1 import resource_pb2

from agentlogger.errors import BodyUndecodable

NESTED = {
    "array_value": "opentelemetry.proto.common.v1.ArrayValue",
    "kvlist_value": "opentelemetry.proto.common.v1.KeyValueList",
}


def parse(body: bytes) -> Any | None:
    """The export request with its nested values still closed, or None where it is none."""
    request = _classes()["opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest"]
    try:
        return request.FromString(body)
    except DecodeError:
        return None


def opened(nested: Any, kind: str) -> Any:
    """The list or map of an AnyValue, which is closed only in a request that `parse` made.

    Raises BodyUndecodable where it turns out to be none.
    """
    if nested.__class__ is not bytes:
        return nested
    try:
        return _classes()[NESTED[kind]].FromString(nested)
    except DecodeError:
        raise BodyUndecodable(
            "A nested value of the body is not protobuf, so nothing of it was read: send it again."
        ) from None


@cache
def _classes() -> dict[str, type[Message]]:
    """OTLP's messages, with AnyValue's lists and maps declared as bytes."""
    pool = descriptor_pool.DescriptorPool()
    for module in (common_pb2, resource_pb2, logs_pb2, logs_service_pb2):
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        for message in file.message_type:
            if message.name == "AnyValue":
                for field in message.field:
                    if field.name in NESTED:
                        field.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
                        field.ClearField("type_name")
        pool.Add(file)
    names = (*NESTED.values(), "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest")
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names
    }
