"""Requests in either encoding read back equal from the store."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, assume, given, settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban.vocabulary import PROMOTED
from laban_collector.batch.attributes import values
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.decode.results import JsonBody
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from .decode.otlp_requests import plain_requests

Row = dict[str, Any]
IDS = {"traceId", "spanId", "parentSpanId"}
TABLES = ("spans", "span_events", "span_links", "resources", "scopes", "correlations", "ledger")
DRAWN = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Yield one database, emptied by each example: creating one takes longer than everything else."""
    with Database.open(Path(tmp_path_factory.mktemp("trip"), "laban.duckdb")) as opened:
        yield opened


def as_protobuf(request: ExportTraceServiceRequest) -> bytes:
    return request.SerializeToString()


def as_json(request: ExportTraceServiceRequest) -> bytes:
    sent = json_format.MessageToDict(request, use_integers_for_enums=True)
    return JsonBody(json.dumps(_with_hex_ids(sent)).encode())


def _with_hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_hex_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64decode(inner).hex() if name in IDS else _with_hex_ids(inner)
        for name, inner in value.items()
    }


@pytest.mark.parametrize("encode", [as_protobuf, as_json])
def test_stored_requests_read_back_equal(
    store: Database, encode: Callable[[ExportTraceServiceRequest], bytes]
) -> None:
    @DRAWN
    @given(plain_requests)
    def check(request: ExportTraceServiceRequest) -> None:
        sent = list(_sent(request))
        identities = [row["ids"] for row in sent]
        assume(len(identities) == len(set(identities)))
        with store.writing() as cursor:
            for table in TABLES:
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
        DuckDBWriter(store).write(OtlpDecoder(KeyFinder()).decode([encode(request)]).batch)
        stored = {row["ids"]: row for row in _stored(store)}
        assert len(stored) == len(sent)
        for row in sent:
            found = stored[row["ids"]]
            _take_promoted(row["attributes"], found)
            assert found == row

    check()


def _take_promoted(sent: Row, stored: Row) -> None:
    """Move values that only a column contains back to the attributes."""
    for promoted, column in zip(PROMOTED, stored.pop("columns"), strict=True):
        key = promoted.keys[0]
        if key in sent and key not in stored["attributes"] and column is not None:
            stored["attributes"][key] = str(column) if isinstance(sent[key], str) else column


def _sent(request: ExportTraceServiceRequest) -> Iterator[Row]:
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            scope = scope_spans.scope
            for span in scope_spans.spans:
                yield _of_span(span) | {
                    "resource": _plain(resource_spans.resource.attributes),
                    "scope": [scope.name, scope.version, _plain(scope.attributes)],
                }


def _of_span(span: Span) -> Row:
    return {
        "ids": (span.trace_id.hex(), span.span_id.hex()),
        "parent": int.from_bytes(span.parent_span_id),
        "name": span.name,
        "kind": span.kind,
        "start": span.start_time_unix_nano,
        "end": span.end_time_unix_nano,
        "flags": span.flags,
        "trace_state": span.trace_state,
        "dropped": [
            span.dropped_attributes_count,
            span.dropped_events_count,
            span.dropped_links_count,
        ],
        "status": [span.status.code, span.status.message],
        "attributes": _plain(span.attributes),
        "events": _ordered(
            [event.time_unix_nano, event.name, _plain(event.attributes)] for event in span.events
        ),
        "links": _ordered(
            [int.from_bytes(link.trace_id), int.from_bytes(link.span_id), _plain(link.attributes)]
            for link in span.links
        ),
    }


def _plain(attributes: Sequence[KeyValue]) -> Row:
    plain: Row = json.loads(json.dumps(values(attributes)))
    return plain


def _ordered(rows: Iterator[list[object]]) -> list[list[object]]:
    return sorted(rows, key=json.dumps)


def _stored(store: Database) -> Iterator[Row]:
    columns = ", ".join(f"s.{promoted.column}" for promoted in PROMOTED)
    with store.reading() as cursor:
        spans = cursor.execute(
            f"""SELECT s.trace_hi, s.trace_lo, s.span_id, parent_id, s.name, kind, epoch_ns(start), duration,
                       flags, trace_state, dropped_attributes, dropped_events, dropped_links, status,
                       status_message, s.attributes, r.attributes, c.name, c.version, c.attributes, {columns}
                FROM spans s JOIN resources r USING (resource_id) JOIN scopes c USING (scope_id)"""  # noqa: S608 - names of our own
        ).fetchall()
        events = cursor.execute(
            "SELECT trace_hi, trace_lo, span_id, epoch_ns(time), name, attributes FROM span_events"
        ).fetchall()
        links = cursor.execute(
            "SELECT trace_hi, trace_lo, span_id, linked_trace_hi, linked_trace_lo, linked_span_id, "
            "attributes FROM span_links"
        ).fetchall()
    for row in spans:
        ids = row[:3]
        yield {
            "ids": (f"{row[0]:016x}{row[1]:016x}", f"{row[2]:016x}"),
            "parent": row[3],
            "name": row[4],
            "kind": row[5],
            "start": row[6],
            "end": row[6] + row[7],
            "flags": row[8],
            "trace_state": row[9] or "",
            "dropped": list(row[10:13]),
            "status": [row[13], row[14] or ""],
            "attributes": _read(row[15]),
            "resource": _read(row[16]),
            "scope": [row[17], row[18] or "", _read(row[19])],
            "columns": row[20:],
            "events": _ordered([*one[3:5], _read(one[5])] for one in events if one[:3] == ids),
            "links": _ordered(
                [one[3] << 64 | one[4], one[5], _read(one[6])] for one in links if one[:3] == ids
            ),
        }


def _read(text: str | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(text) if text else {}
    return found
