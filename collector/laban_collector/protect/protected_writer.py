"""A span writer that protects batches, for batches that the collector did not decode, such as imports."""

from collections.abc import Sequence

from laban_collector.batch.namespaces import with_kubernetes_namespaces
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.protect.protection import Protection
from laban_collector.store.base import SpanWriter, Written
from laban_collector.store.rows import LagRow


class ProtectedWriter:
    """Implements `SpanWriter`: protects batches and passes them to another writer.

    Args:
        writer: writes the protected batches.
        protection: redaction and limits.
        k8s_namespaces: whether services without a namespace have that of Kubernetes.
    """

    def __init__(self, writer: SpanWriter, protection: Protection, *, k8s_namespaces: bool = False) -> None:
        self._writer = writer
        self._protection = protection
        self._k8s_namespaces = k8s_namespaces

    def write(self, batch: SpanBatch) -> Written:
        """Protect and write a batch."""
        protected = self._protection.protect(batch)
        return self._writer.write(
            with_kubernetes_namespaces(protected) if self._k8s_namespaces else protected
        )

    def write_lag(self, rows: Sequence[LagRow]) -> None:
        """Write lag rows, which have no attributes."""
        self._writer.write_lag(rows)
