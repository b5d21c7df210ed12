"""The receiver of imported batches and files in a running collector.

`laban import` decodes files in its own processes, so that the collector keeps its time for its senders. The
collector only writes the batches, with its own redaction, limits and ledger. Small files can be sent as they
are.
"""

import io
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from laban_collector.errors import NotAccepting, Overloaded, RequestTooLarge
from laban_collector.importing.importer import Importer, Report
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
        with self._alone():
            return self._writer.write(from_bytes(body))

    def import_file(self, content: bytes) -> Report:
        """Store the spans of a file, decompressed, as `laban import` does; returns its report.

        Raises:
            Overloaded: another batch or file is being stored.
            NotAccepting: the collector is stopping.
            StoreError: the rest of the file was not stored.
        """
        with self._alone():
            importer = Importer(self._writer, self.rules)
            importer.add(io.BufferedReader(io.BytesIO(content)))
            return importer.report

    @contextmanager
    def _alone(self) -> Generator[None, None, None]:
        if not self._busy.acquire(blocking=False):
            raise Overloaded("Another imported batch is being stored. Retry later.", _RETRY_AFTER)
        try:
            if self._closed:
                raise NotAccepting("The collector is stopping. Retry after it has restarted.")
            yield
        finally:
            self._busy.release()

    def close(self) -> None:
        """Accept no more batches; blocks until the current one is stored."""
        with self._busy:
            self._closed = True
