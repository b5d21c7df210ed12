import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.errors import NotAccepting, Overloaded, RequestTooLarge
from laban_collector.importing.batch_receiver import BatchReceiver
from laban_collector.importing.wire_format import to_bytes
from laban_collector.store.base import Written
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ..ingest.test_pipeline import Gate
from ..json_requests import json_request, json_span
from ..requests import body, span

SENT = to_bytes(decode([body(span())], KeyFinder()).batch)


def test_a_batch_is_stored_and_counted(database: Database) -> None:
    batch_receiver = BatchReceiver(DuckDBWriter(database), "", len(SENT), 10)
    assert batch_receiver.store(SENT) == Written(1, 0)
    assert batch_receiver.store(SENT) == Written(0, 1)
    with pytest.raises(RequestTooLarge):
        batch_receiver.store(SENT + b"x")


def test_a_file_is_imported_as_it_is(database: Database) -> None:
    batch_receiver = BatchReceiver(DuckDBWriter(database), "", 10_000, 10)
    sent = json.dumps(json_request(json_span(), json_span(traceId="x"))).encode()
    report = batch_receiver.import_file(sent)
    assert (report.stored, report.refused) == (1, {"span(s) rejected: trace id that is not hex": 1})
    batch_receiver.close()
    with pytest.raises(NotAccepting):
        batch_receiver.import_file(sent)


def test_one_batch_at_a_time_is_stored_and_finished_before_close_returns(database: Database) -> None:
    gate = Gate(database)
    batch_receiver = BatchReceiver(gate, "", len(SENT), 10)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(batch_receiver.store, SENT)
        gate.entered.acquire()
        with pytest.raises(Overloaded):
            batch_receiver.store(SENT)
        begun = threading.Event()

        def close() -> None:
            begun.set()
            batch_receiver.close()

        closing = pool.submit(close)
        begun.wait(10)
        assert not closing.done()
        gate.open.set()
        closing.result(10)
    assert first.result() == Written(1, 0)
    with pytest.raises(NotAccepting):
        batch_receiver.store(SENT)
