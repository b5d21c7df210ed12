"""The receiver of imported batches in a running collector.

`laban import` decodes files in its own processes, so that the collector keeps its time for its senders. The
collector only writes the batches, with its own redaction, limits and ledger.
"""

import threading
from typing import Final

from laban_collector.errors import NotAccepting, Overloaded, RequestTooLarge
from laban_collector.importing.wire_format import from_bytes
from laban_collector.store.base import SpanWriter, Written

_RETRY_AFTER: Final = 1.0


class BatchReceiver:
    """Stores one batch at a time.

    Args:
        writer: protects and writes the batches.
        rules: the business key rules of the collector, which the sender must apply.
        limit: maximum size of a batch in bytes.
        timeout: seconds until the body of a request must be complete.
    """

    def __init__(self, writer: SpanWriter, rules: str, limit: int, timeout: float) -> None:
        self.rules = rules
        self.limit = limit
        self.timeout = timeout
        self._writer = writer
        self._busy = threading.Lock()
        self._closed = False

    def store(self, body: bytes) -> Written:
        """Store a serialized batch durably; returns how many of its spans are new.

        Raises:
            Overloaded: another batch is being stored.
            RequestTooLarge: the batch is over the limit.
            UndecodableRequest: the bytes are not a batch.
            NotAccepting: the collector is stopping.
            StoreError: nothing was stored.
        """
        if len(body) > self.limit:
            raise RequestTooLarge(
                f"The batch is larger than {self.limit} bytes (max_request_bytes). Send a smaller one."
            )
        if not self._busy.acquire(blocking=False):
            raise Overloaded("Another imported batch is being stored. Retry later.", _RETRY_AFTER)
        try:
            if self._closed:
                raise NotAccepting("The collector is stopping. Retry after it has restarted.")
            return self._writer.write(from_bytes(body))
        finally:
            self._busy.release()

    def close(self) -> None:
        """Accept no more batches; blocks until the current one is stored."""
        with self._busy:
            self._closed = True
