import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from laban_collector.batch.namespaces import with_kubernetes_namespaces
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode


@pytest.mark.parametrize(
    ("sent", "namespace"),
    [
        ({"k8s.namespace.name": "prod"}, "prod"),
        ({"k8s.namespace.name": "prod", "service.namespace": "shop"}, "shop"),
        ({"k8s.namespace.name": ""}, None),
        ({}, None),
    ],
)
def test_a_service_without_a_namespace_has_that_of_kubernetes(
    sent: dict[str, str], namespace: str | None
) -> None:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.extend(
        KeyValue(key=key, value=AnyValue(string_value=value))
        for key, value in {"service.name": "api", **sent}.items()
    )
    resource_spans.scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    batch = decode([request.SerializeToString()], KeyFinder()).batch
    assert with_kubernetes_namespaces(batch).resources["namespace"].to_pylist() == [namespace]
