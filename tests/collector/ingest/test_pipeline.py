import threading
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

import pytest

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.decode.results import AcceptedRequest, DecodedRequests, Decoder, RequestOutcome
from laban_collector.errors import (
    DecoderFailed,
    NotAccepting,
    Overloaded,
    StoreError,
    StoreUnwritable,
    UndecodableRequest,
)
from laban_collector.ingest.group_commit import Limits
from laban_collector.ingest.pipeline import CommitFailureLog, Pipeline
from laban_collector.store.base import Written
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import LagRow

from ..requests import body, span

LIMITS = Limits(in_flight_bytes=1 << 20, commit_bytes=1 << 20, commit_delay=0.0)
FULL = StoreUnwritable("/data/laban.duckdb: No space left on device")


def decode_payloads(payloads: Sequence[bytes]) -> DecodedRequests:
    return decode(payloads, KeyFinder())


class Gate:
    """A real writer that can be blocked, or made to fail."""

    def __init__(self, database: Database) -> None:
        self._writer = DuckDBWriter(database)
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.failure: Exception | None = None
        self.sizes: list[int] = []

    def write(self, batch: SpanBatch) -> Written:
        self.entered.release()
        assert self.open.wait(10)
        if self.failure is not None:
            raise self.failure
        self.sizes.append(batch.spans.num_rows)
        return self._writer.write(batch)

    def write_lag(self, rows: Sequence[LagRow]) -> None:
        self._writer.write_lag(rows)


@contextmanager
def running(
    gate: Gate, limits: Limits = LIMITS, decoder: Decoder = decode_payloads
) -> Generator[Pipeline[SpanBatch], None, None]:
    pipeline = Pipeline(decoder, gate.write, limits)
    pipeline.start()
    try:
        yield pipeline
    finally:
        gate.open.set()
        pipeline.stop()


@pytest.fixture
def gate(database: Database) -> Gate:
    return Gate(database)


def submit(pipeline: Pipeline[SpanBatch], sent: bytes) -> Future[RequestOutcome]:
    answer: Future[RequestOutcome] = Future()
    pipeline.submit(sent, answer.set_result)
    return answer


def stored(database: Database) -> int:
    with database.reading() as cursor:
        [(count,)] = cursor.execute("SELECT count(*) FROM spans").fetchall()
    return int(count)


def test_senders_are_answered_only_after_the_commit(database: Database, gate: Gate) -> None:
    with running(gate) as pipeline:
        answer = submit(pipeline, body(span()))
        gate.entered.acquire()
        assert not answer.done()
        gate.open.set()
        assert answer.result(10) == AcceptedRequest(1)
        assert stored(database) == 1


def test_requests_that_arrive_during_a_commit_share_the_next_commit(gate: Gate) -> None:
    with running(gate, LIMITS._replace(commit_delay=1.0)) as pipeline:
        answers = [submit(pipeline, body(span(0)))]
        gate.entered.acquire()
        answers += [submit(pipeline, body(span(number))) for number in range(1, 20)]
        gate.open.set()
        assert [answer.result(10) for answer in answers] == [AcceptedRequest(1)] * 20
    assert gate.sizes == [1, 19]


def test_a_commit_takes_no_more_requests_than_its_byte_limit(gate: Gate) -> None:
    limits = LIMITS._replace(commit_delay=1.0, commit_bytes=len(body(span())) + 1)
    with running(gate, limits) as pipeline:
        gate.open.set()
        for answer in [submit(pipeline, body(span(number))) for number in range(6)]:
            answer.result(10)
    assert sum(gate.sizes) == 6
    assert max(gate.sizes) == 2


def test_an_undecodable_request_fails_alone_in_its_group(database: Database, gate: Gate) -> None:
    with running(gate, LIMITS._replace(commit_delay=1.0)) as pipeline:
        first = submit(pipeline, body(span(0)))
        gate.entered.acquire()
        good, bad, last = (submit(pipeline, sent) for sent in (body(span(1)), b"\xff", body(span(2))))
        gate.open.set()
        assert [answer.result(10) for answer in (first, good, last)] == [AcceptedRequest(1)] * 3
        assert isinstance(bad.result(10), UndecodableRequest)
    assert gate.sizes == [1, 2]
    assert stored(database) == 3


def test_a_failed_commit_is_reported_to_its_senders_and_the_next_one_works(
    database: Database, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    gate.open.set()
    gate.failure = StoreError("the disk is full")
    with running(gate) as pipeline:
        failed = submit(pipeline, body(span(0))).result(10)
        assert isinstance(failed, StoreError)
        assert "the disk is full" in str(failed)
        gate.failure = None
        assert submit(pipeline, body(span(0))).result(10) == AcceptedRequest(1)
    assert stored(database) == 1
    assert "A commit failed; 1 request(s) were not stored." in caplog.text


def test_a_failing_decoder_does_not_end_the_pipeline(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    def decoder(payloads: Sequence[bytes]) -> DecodedRequests:
        if b"defect" in payloads:
            raise ZeroDivisionError
        return decode_payloads(payloads)

    gate.open.set()
    with running(gate, decoder=decoder) as pipeline:
        assert isinstance(submit(pipeline, b"defect").result(10), DecoderFailed)
        assert submit(pipeline, body(span())).result(10) == AcceptedRequest(1)
    assert "ZeroDivisionError" in caplog.text


def test_requests_beyond_the_limit_are_refused_until_there_is_room(gate: Gate) -> None:
    size = len(body(span(0)))
    with running(gate, LIMITS._replace(in_flight_bytes=size)) as pipeline:
        first = submit(pipeline, body(span(0)))
        with pytest.raises(Overloaded, match=f"{size} bytes are waiting to be stored") as refused:
            submit(pipeline, body(span(1)))
        assert refused.value.retry_after > 0
        gate.open.set()
        first.result(10)
        assert submit(pipeline, body(span(1))).result(10) == AcceptedRequest(1)


def test_stopping_finishes_accepted_requests_and_accepts_no_more(database: Database, gate: Gate) -> None:
    with running(gate) as pipeline:
        answers = [submit(pipeline, body(span(number))) for number in range(5)]
        gate.open.set()
        pipeline.stop()
        assert all(answer.done() for answer in answers)
        assert stored(database) == 5
        with pytest.raises(NotAccepting):
            submit(pipeline, body(span(9)))


def test_a_full_disk_is_logged_in_one_line_every_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    failures = CommitFailureLog(lambda: now)
    for seconds in (0, 1, 5, 10, 11):
        now = 100.0 + seconds
        failures.log(FULL, 2)
    first, second = caplog.records
    assert "the senders of 2 request(s) were told to retry" in first.getMessage()
    assert "/data/laban.duckdb: No space left on device" in first.getMessage()
    assert "the senders of 6 request(s) were told to retry" in second.getMessage()
    assert first.exc_info is second.exc_info is None


def test_other_commit_failures_are_logged_with_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    failures = CommitFailureLog()
    for error in (StoreError("Constraint Error"), ZeroDivisionError()):
        failures.log(error, 1)
    logged = [record.getMessage() for record in caplog.records]
    assert logged == ["A commit failed; 1 request(s) were not stored."] * 2
    assert all(record.exc_info for record in caplog.records)
