"""The page `/metrics`, in the format that the client prefers."""

import threading
import time
from collections.abc import Callable
from typing import Final

from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from laban_app.server.alerts.engine import AlertEngine
from laban_app.server.metrics.edges import EdgeMetrics
from laban_app.server.metrics.entries import render_entries
from laban_app.server.metrics.lag import render_lag
from laban_app.server.metrics.observer import FoundFindings, Observer
from laban_app.server.metrics.text import Family, Form
from laban_collector.ingest.storage_service import StorageService
from laban_mapper.findings.registry import RULES

_FRESH: Final = 1.0
"""Seconds for which a page is sent again."""
_END: Final = "# EOF\n"
_FINDINGS: Final = Family("laban_findings", "gauge", "Findings that laban.toml does not ignore.")
_LOOKED: Final = Family(
    "laban_findings_timestamp_seconds", "gauge", "When findings were looked for, since the epoch."
)


class MetricsPage:
    """Renders the metrics of the collector and of what it has seen. Thread-safe.

    Args:
        storage: of the collector.
        observer: knows what is too slow for a scrape.
        engine: of the alerts, if there is one.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        storage: StorageService,
        observer: Observer,
        engine: AlertEngine | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._observer = observer
        self._engine = engine
        self._clock = clock
        self._edges = EdgeMetrics()
        self._one_at_a_time = threading.Lock()
        self._pages: dict[Form, tuple[float, bytes]] = {}

    def render(self, form: Form) -> bytes:
        """The page, at most a second old."""
        self._observer.scraped(exemplars=form is Form.OPENMETRICS)
        with self._one_at_a_time:
            known = self._pages.get(form)
            if known is not None and self._clock() - known[0] < _FRESH:
                return known[1]
            page = self._page(form)
            self._pages[form] = self._clock(), page
            return page

    def _page(self, form: Form) -> bytes:
        observer = self._observer
        parts = [
            self._own(form),
            self._edges.render(self._storage.store.edge_totals(), form, observer.exemplars),
            render_lag(observer.lag, observer.rates, form),
            observer.orders.render(form),
            render_findings(observer.findings, form),
            render_entries(observer.entries, form),
            observer.proofs.render(form),
            "" if self._engine is None else self._engine.render(form),
            _END if form is Form.OPENMETRICS else "",
        ]
        return "".join(parts).encode()

    def _own(self, form: Form) -> str:
        metrics = self._storage.metrics
        if form is Form.OPENMETRICS:
            # prometheus-client leaves this one untyped
            page: bytes = generate_openmetrics(metrics.registry)  # type: ignore[no-untyped-call]
            return page.decode().removesuffix(_END)
        return metrics.text().decode()


def render_findings(found: FoundFindings | None, form: Form) -> str:
    """The findings; 0 where a rule found nothing, so that a query can tell a new one."""
    if found is None:
        return ""
    zeros = dict.fromkeys(((rule.code, str(rule.severity)) for rule in RULES), 0)
    counts = sorted({**zeros, **found.counts}.items())
    values = [({"code": code, "severity": severity}, float(number)) for (code, severity), number in counts]
    return _FINDINGS.samples(form, values) + _LOOKED.samples(form, [({}, found.time)])
