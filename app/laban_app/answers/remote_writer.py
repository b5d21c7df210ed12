"""Writes batches of spans to a running collector over HTTP."""

import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final

from laban_app.answers.remote import RemoteAnswers, error_of
from laban_app.errors import RequestRefused
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.batch.splitter import halves
from laban_collector.importing.wire_format import to_bytes
from laban_collector.store.base import SpanWriter, Written
from laban_collector.store.rows import LagRow
from laban_mapper.model import Imported

_RETRYABLE: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_MAX_TOTAL_WAIT: Final = 300.0
"""Seconds of waiting for one batch, over all its retries."""
_MAX_WAIT: Final = 60.0


class RemoteWriter(SpanWriter):
    """Implements `SpanWriter` over HTTP; sends a batch again when the collector says to retry.

    Args:
        collector: receives the batches.
        sleep: waits for the given number of seconds.
    """

    def __init__(self, collector: RemoteAnswers, sleep: Callable[[float], None] = time.sleep) -> None:
        self._collector = collector
        self._sleep = sleep

    def write(self, batch: SpanBatch) -> Written:
        """Send a batch; it is durable when this returns.

        Raises:
            CollectorUnreachable: the connection broke; whether this batch is stored is unknown.
            RequestRefused: the collector refused the batch, or asked to retry for too long.
        """
        if not batch.spans.num_rows:
            return Written(0, 0)
        body, waited = to_bytes(batch), 0.0
        while True:
            response = self._collector.send_batch(body)
            if response.status_code == HTTPStatus.OK:
                imported = Imported.model_validate_json(response.content)
                return Written(imported.stored, imported.duplicates)
            if response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and batch.spans.num_rows > 1:
                first, second = map(self.write, halves(batch))
                return Written(first.spans + second.spans, first.duplicates + second.duplicates)
            wait = _retry_after(response.headers.get("retry-after", ""))
            if response.status_code not in _RETRYABLE or waited + wait > _MAX_TOTAL_WAIT:
                raise error_of(self._collector.url, response, {})
            self._sleep(wait)
            waited += wait

    def write_lag(self, rows: Sequence[LagRow]) -> None:  # noqa: ARG002
        """Not supported: raises RequestRefused."""
        raise RequestRefused("A collector polls the lag itself.")


def _retry_after(header: str) -> float:
    """Seconds to wait; 1 if the header does not say."""
    return min(max(float(header), 1.0), _MAX_WAIT) if header.isdecimal() and header.isascii() else 1.0
