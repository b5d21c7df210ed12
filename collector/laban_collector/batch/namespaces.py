"""The namespace of services in Kubernetes, for those that do not name one."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: pyright does not know its tables in signatures.

import json
from dataclasses import replace

import pyarrow as pa

from laban.vocabulary import K8S_NAMESPACE_NAME
from laban_collector.batch.span_batch import RESOURCES, SpanBatch


def with_kubernetes_namespaces(batch: SpanBatch) -> SpanBatch:
    """Return a batch whose resources without `service.namespace` have their `k8s.namespace.name`."""
    column = RESOURCES.get_field_index("namespace")
    namespaces = [
        _text(json.loads(attributes).get(K8S_NAMESPACE_NAME)) if namespace is None else namespace
        for namespace, attributes in zip(
            batch.resources["namespace"].to_pylist(), batch.resources["attributes"].to_pylist(), strict=True
        )
    ]
    filled = pa.array(namespaces, RESOURCES.field(column).type)
    return replace(batch, resources=batch.resources.set_column(column, RESOURCES.field(column), filled))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
