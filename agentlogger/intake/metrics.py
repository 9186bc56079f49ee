"""Metrics are taken and not kept: what counts is how many there were.

An agent whose metrics are answered with 404 logs an error each minute.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from agentlogger.errors import BodyUndecodable
from agentlogger.intake import otlp_fields, otlp_json, signals, values
from agentlogger.intake.storable import Adjustments

DATA = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
"""What a metric's points may stand in, by its name in OTLP/JSON."""


def points_in_protobuf(body: bytes) -> int:
    """How many data points an ExportMetricsServiceRequest holds.

    Raises BodyUndecodable or BodyTooLarge.
    """
    values.bound_protobuf(body)
    try:
        request = ExportMetricsServiceRequest.FromString(body)
    except DecodeError:
        raise signals.refusal(body, "metrics") or BodyUndecodable(
            "The body is not an ExportMetricsServiceRequest in protobuf: check that the exporter "
            "is one for metrics and that the Content-Type is right."
        ) from None
    if not signals.holds_metrics(request):
        another = signals.refusal(body, "metrics")
        if another is not None:
            raise another
    found = 0
    for wrapper in request.resource_metrics:
        for part in wrapper.scope_metrics:
            for metric in part.metrics:
                kind = metric.WhichOneof("data")
                found += len(getattr(metric, kind).data_points) if kind else 0
    return found


def points_in_json(body: bytes) -> int:
    """How many data points an OTLP/JSON export of metrics holds. Raises BodyUndecodable."""
    names = ("resourceMetrics", "scopeMetrics", "metrics")
    request = otlp_json.export(body, "metrics")
    return sum(_points(metric) for _, _, metric in otlp_json.items(request, names))


def _points(metric: Any) -> int:
    if not isinstance(metric, dict):
        return 0
    notes = Adjustments()
    found = [
        otlp_fields.field(data, "dataPoints", notes)
        for name in DATA
        if isinstance(data := otlp_fields.field(metric, name, notes), dict)
    ]
    return sum(len(points) for points in found if isinstance(points, list))
