"""The metrics of a collector, for Prometheus and for `laban status`."""

from collections.abc import Callable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from laban_collector.decode.results import AcceptedRequest
from laban_collector.errors import (
    DecoderFailed,
    NotAccepting,
    Overloaded,
    RequestTooLarge,
    StoreError,
    UndecodableRequest,
    UploadTooSlow,
)

# Turns off a second series per counter that only OpenMetrics uses.
disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus-client leaves this one untyped

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

REASONS: Final[dict[type[Exception], str]] = {
    UndecodableRequest: "undecodable",
    RequestTooLarge: "too_large",
    UploadTooSlow: "too_slow",
    Overloaded: "overloaded",
    DecoderFailed: "decoder",
    StoreError: "store",
    NotAccepting: "stopping",
}
"""The reason label of each error that refuses a request."""

_COMMIT_BUCKETS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_WAIT_BUCKETS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The metrics of one collector. Their names are part of the public interface: see docs/operating.md.

    Attributes:
        failure: why the latest commit failed; None if it succeeded.
    """

    def __init__(self) -> None:
        self.failure: str | None = None
        self.registry = CollectorRegistry()
        self.received = self._counter("laban_spans_received", "Spans in requests that could be decoded.")
        self.stored = self._counter("laban_spans_stored", "Spans newly stored.")
        self.duplicates = self._counter("laban_spans_duplicate", "Spans that were already stored.")
        self.rejected = self._counter("laban_spans_rejected", "Spans rejected from accepted requests.")
        self.logs_stored = self._counter("laban_logs_stored", "Log records stored.")
        self.logs_rejected = self._counter("laban_logs_rejected", "Log records rejected.")
        self.logs_forgotten = self._counter("laban_logs_forgotten", "Log records deleted by retention.")
        self.log_requests_refused = self._counter(
            "laban_log_requests_refused",
            "Requests with logs that were refused; laban_requests_refused has them by reason, too.",
        )
        self.requests = self._counter("laban_requests_accepted", "Requests acknowledged.")
        self.refused = Counter(
            "laban_requests_refused", "Requests refused.", ["reason"], registry=self.registry
        )
        for reason in REASONS.values():
            self.refused.labels(reason)
        self.in_flight = self._gauge("laban_bytes_in_flight", "Bytes accepted and not yet stored.")
        self.commits = Histogram(
            "laban_commit_seconds",
            "Time until a batch was on disk, in the journal.",
            buckets=_COMMIT_BUCKETS,
            registry=self.registry,
        )
        self.loads = Histogram(
            "laban_load_seconds",
            "Time to load batches from the journal into the tables.",
            buckets=_COMMIT_BUCKETS,
            registry=self.registry,
        )
        self.forgotten = self._counter("laban_spans_forgotten", "Spans deleted by retention.")
        self.retention_waits = Histogram(
            "laban_retention_wait_seconds",
            "The longest time that writers waited for one retention run.",
            buckets=_WAIT_BUCKETS,
            registry=self.registry,
        )
        self.lag_rows = self._gauge("laban_lag_rows", "Groups and partitions in the latest lag poll.")
        self.lag_polled = self._gauge(
            "laban_lag_poll_timestamp_seconds", "Time of the latest stored lag poll."
        )

    def watch(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Add a gauge that is read on each scrape."""
        self._gauge(name, text).set_function(read)

    def text(self) -> bytes:
        """Return all metrics in the Prometheus text format 0.0.4."""
        return generate_latest(self.registry)

    def refused_by_reason(self) -> dict[str, int]:
        """Return the number of refused requests by reason, without zeros."""
        counts = {
            reason: self.value("laban_requests_refused_total", reason=reason) for reason in REASONS.values()
        }
        return {reason: int(count) for reason, count in counts.items() if count}

    def value(self, name: str, **labels: str) -> float:
        """Return the current value of one sample; 0 if it does not exist."""
        return self.registry.get_sample_value(name, labels) or 0.0

    def count_refused(self, error: BaseException) -> None:
        """Count a request that this error refuses."""
        for kind, reason in REASONS.items():
            if isinstance(error, kind):
                self.refused.labels(reason).inc()
                return

    def count_accepted(self, accepted: AcceptedRequest) -> None:
        """Count an acknowledged request and its spans."""
        self.requests.inc()
        self.received.inc(accepted.spans + accepted.rejected)
        self.rejected.inc(accepted.rejected)

    def count_accepted_logs(self, accepted: AcceptedRequest) -> None:
        """Count an acknowledged request with logs, and its records."""
        self.requests.inc()
        self.logs_stored.inc(accepted.spans)
        self.logs_rejected.inc(accepted.rejected)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(name, text, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self.registry)
