from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.protect.protected_writer import ProtectedWriter
from laban_collector.protect.protection import Protection
from laban_collector.settings import load_settings
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ..requests import body, span


def test_written_batches_are_protected(database: Database) -> None:
    writer = ProtectedWriter(
        DuckDBWriter(database), Protection.from_settings(load_settings(redact="customer.*"))
    )
    sent = span(0, {"customer.email": "ann@example.com", "password": "hunter2", "kept": "yes"})
    assert writer.write(decode([body(sent)], KeyFinder()).batch).spans == 1
    with database.reading() as cursor:
        [(stored,)] = cursor.execute("SELECT attributes FROM spans").fetchall()
    assert stored == '{"customer.email":"[redacted]","password":"[redacted]","kept":"yes"}'
