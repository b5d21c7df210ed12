"""Batches that another process decoded, into the database of a collector that runs.

`laban import` decodes in its own processes, so that the collector has its time for its senders, and asks here
for nothing but the writing: with this collector's redaction and limits, and in its ledger.
"""

import threading
from typing import Final

from laban_collector.batch.transfer import from_bytes
from laban_collector.errors import NotAccepting, Overloaded, RequestTooLarge
from laban_collector.store.base import SpanWriter, Written

_RETRY_AFTER: Final = 1.0


class BatchReceiver:
    """Takes one batch at a time.

    Args:
        writer: where they go; protects what it writes.
        rules: the business key rules of the collector, by which the batches are to be made.
        limit: bytes of a batch.
        timeout: seconds that the body of a request may take to come.
    """

    def __init__(self, writer: SpanWriter, rules: str, limit: int, timeout: float) -> None:
        self.rules = rules
        self.limit = limit
        self.timeout = timeout
        self._writer = writer
        self._busy = threading.Lock()
        self._closed = False

    def store(self, body: bytes) -> Written:
        """Store a batch durably, and tell how much of it was new.

        Raises:
            Overloaded: another one is being stored.
            RequestTooLarge: it is over the limit.
            UndecodableRequest: it is no batch.
            NotAccepting: the collector is stopping.
            StoreError: nothing of it was stored.
        """
        if len(body) > self.limit:
            raise RequestTooLarge(
                f"A batch may have {self.limit} bytes (max_request_bytes): send a smaller one."
            )
        if not self._busy.acquire(blocking=False):
            raise Overloaded("Another import is being stored: try again later.", _RETRY_AFTER)
        try:
            if self._closed:
                raise NotAccepting("The collector is stopping; try again when it is back.")
            return self._writer.write(from_bytes(body))
        finally:
            self._busy.release()

    def close(self) -> None:
        """Finish the batch that is being stored, and take no more. Blocks until then."""
        with self._busy:
            self._closed = True
