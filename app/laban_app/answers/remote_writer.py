"""Hands batches over to a collector that runs, as if it were a writer of our own."""

import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final

from laban_app.answers.remote import RemoteAnswers, refusal
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.batch.splitter import halves
from laban_collector.batch.wire_format import to_bytes
from laban_collector.store.base import Lag, SpanWriter, Written
from laban_mapper.errors import AnswerRefused
from laban_mapper.model import Imported

_PUT_OFF: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_PATIENCE: Final = 300.0
"""Seconds for which a collector may put one batch off."""
_LONGEST_WAIT: Final = 60.0


class RemoteWriter(SpanWriter):
    """Implements `SpanWriter` over HTTP. A batch that was put off was not stored, and is sent again.

    Args:
        collector: takes the batches.
        sleep: waits for so many seconds.
    """

    def __init__(self, collector: RemoteAnswers, sleep: Callable[[float], None] = time.sleep) -> None:
        self._collector = collector
        self._sleep = sleep

    def write(self, batch: SpanBatch) -> Written:
        """Have a batch stored durably.

        Raises:
            NoAnswerer: the collector went away; whether this batch is stored is not known.
            AnswerRefused: it refused, or put us off for too long.
        """
        if not batch.spans.num_rows:
            return Written(0, 0)
        body, waited = to_bytes(batch), 0.0
        while True:
            answer = self._collector.hand_over(body)
            if answer.status_code == HTTPStatus.OK:
                done = Imported.model_validate_json(answer.content)
                return Written(done.stored, done.duplicates)
            if answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and batch.spans.num_rows > 1:
                first, second = map(self.write, halves(batch))
                return Written(first.spans + second.spans, first.duplicates + second.duplicates)
            wait = _retry_after(answer.headers.get("retry-after", ""))
            if answer.status_code not in _PUT_OFF or waited + wait > _PATIENCE:
                raise refusal(self._collector.url, answer, {})
            self._sleep(wait)
            waited += wait

    def write_lag(self, rows: Sequence[Lag]) -> None:  # noqa: ARG002 - what is not done needs none
        """Not for imports: raises AnswerRefused."""
        raise AnswerRefused("A collector polls the lag itself.")


def _retry_after(header: str) -> float:
    """Seconds; 1 where the header tells none."""
    return min(max(float(header), 1.0), _LONGEST_WAIT) if header.isdecimal() and header.isascii() else 1.0
