import base64
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
import zstandard

from laban_collector.importing import importer
from laban_collector.importing.chunks import Chunk, Kind, chunks
from laban_collector.importing.documents import is_json_document
from laban_collector.importing.importer import Importer, Report, decoding_processes
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ..json_requests import json_request, json_span
from ..requests import body, request, span
from .formats import datadog_spans, xray_documents

NOT_JSON = "line(s) skipped: not JSON"
UNKNOWN = "document(s) skipped: neither OTLP nor Jaeger nor Zipkin v2 nor X-Ray nor Datadog"


def otlp(number: int = 0, **fields: object) -> dict[str, Any]:
    """Return an OTLP request with one span; each number gives another span."""
    return json_request(json_span(**({"spanId": f"{number + 1:016x}"} | fields)))


def jaeger(number: int = 0) -> dict[str, object]:
    sent = {"traceID": "ab", "spanID": f"{number + 1:x}", "operationName": "x", "startTime": 1, "duration": 1}
    return {"traceID": "ab", "spans": [sent | {"processID": "p"}], "processes": {"p": {"serviceName": "s"}}}


def zipkin(number: int = 0) -> dict[str, object]:
    return {"traceId": "ab", "id": f"{number + 1:016x}", "timestamp": 1}


def console_span(number: int = 0) -> bytes:
    """Return a span as Python's SDK prints it; each number gives another span."""
    printed: dict[str, object] = {
        "name": f"GET /{number}",
        "context": {"trace_id": f"0x{'a' * 32}", "span_id": f"0x{number + 1:016x}", "trace_state": "[]"},
        "kind": "SpanKind.SERVER",
        "parent_id": None,
        "start_time": "2026-11-18T03:20:01.000000Z",
        "end_time": "2026-11-18T03:20:01.500000Z",
        "status": {"status_code": "UNSET"},
        "attributes": {"order.id": f"C-{number}"},
        "events": [],
        "links": [],
        "resource": {"attributes": {"service.name": "shop"}, "schema_url": ""},
    }
    return json.dumps(printed, indent=4).encode() + b"\n"


def lines(*documents: object) -> bytes:
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


def pretty(document: object) -> bytes:
    return json.dumps(document, indent=2).encode()


def prefixed(*messages: bytes) -> bytes:
    """Return messages, each after its length."""
    return b"".join(len(one).to_bytes(4) + one for one in messages)


def in_base64(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the resource spans as protobuf's JSON printers write them: ids in base64, enums by name."""
    for resource_spans in document["resourceSpans"]:
        scope_spans = resource_spans.pop("scopeSpans")
        resource_spans["instrumentationLibrarySpans"] = scope_spans
        for sent in (sent for one in scope_spans for sent in one["spans"]):
            for name in ("traceId", "spanId"):
                sent[name] = base64.b64encode(bytes.fromhex(sent[name])).decode()
            sent["kind"] = "SPAN_KIND_SERVER"
    found: list[dict[str, Any]] = document["resourceSpans"]
    return found


def opened(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))


def imported(database: Database, *files: bytes) -> Report:
    """Import these files, and return the report."""
    importing = Importer(DuckDBWriter(database))
    for data in files:
        importing.add(opened(data))
    return importing.report


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lines(otlp(0), otlp(1)), id="OTLP JSON lines"),
        pytest.param(lines(otlp(0), otlp(1)).rstrip(), id="without a last newline"),
        pytest.param(
            b"\r\n" + lines(otlp(0), otlp(1)).replace(b"\n", b"\r\n"), id="with CRLF and empty lines"
        ),
        pytest.param(b"\xef\xbb\xbf" + lines(otlp(0), otlp(1)), id="with a byte order mark"),
        pytest.param(pretty(otlp(0)) + b"\n" + pretty(otlp(1)), id="OTLP JSON documents after each other"),
        pytest.param(pretty([otlp(0), otlp(1)]), id="a list of OTLP documents"),
        pytest.param(
            pretty({"trace": {"resourceSpans": [*_]}})
            if (
                _ := [
                    *json_request(json_span(), json_span(spanId="2" * 16))["resourceSpans"]  # type: ignore[misc]
                ]
            )
            else b"",
            id="Tempo's API",
        ),
        pytest.param(body(span(0), span(1)), id="OTLP protobuf"),
        pytest.param(prefixed(body(span(0)), body(span(1))), id="OTLP protobuf with lengths"),
        pytest.param(prefixed(body(span(0)), pretty(otlp(1))), id="messages with lengths, one of them JSON"),
        pytest.param(
            prefixed(zstandard.compress(body(span(0))), zstandard.compress(body(span(1)))),
            id="the Collector's file exporter: protobuf, zstd",
        ),
        pytest.param(
            prefixed(*(zstandard.compress(json.dumps(otlp(number)).encode()) for number in (0, 1))),
            id="the Collector's file exporter: JSON, zstd",
        ),
        pytest.param(
            zstandard.compress(lines(otlp(0))) + zstandard.compress(lines(otlp(1))),
            id="the Collector's file exporter: JSON lines in zstd frames",
        ),
        pytest.param(
            zstandard.compress(prefixed(body(span(0)), body(span(1)))),
            id="the Collector's file exporter: one zstd stream",
        ),
        pytest.param(lines({"result": otlp(0)}, {"result": otlp(1)}), id="Jaeger's /api/v3, streamed"),
        pytest.param(pretty({"result": otlp(0)}) + pretty({"result": otlp(1)}), id="Jaeger's /api/v3"),
        pytest.param(pretty({"batches": in_base64(otlp(0)) + in_base64(otlp(1))}), id="Tempo's /api/traces"),
        pytest.param(pretty({"data": [jaeger(0), jaeger(1)], "errors": None}), id="Jaeger's API"),
        pytest.param(lines(jaeger(0), jaeger(1)), id="Jaeger's traces, one a line"),
        pytest.param(pretty([zipkin(0), zipkin(1)]), id="Zipkin"),
        pytest.param(pretty([[zipkin(0)], [zipkin(1)]]), id="Zipkin's API"),
        pytest.param(lines(zipkin(0), zipkin(1)), id="Zipkin's spans, one a line"),
        pytest.param(lines([zipkin(0), zipkin(1)]), id="Zipkin in one line"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_the_format_is_detected_from_the_content(database: Database, data: bytes, zipped: bool) -> None:  # noqa: FBT001
    report = imported(database, gzip.compress(data) if zipped else data)
    assert (report.stored, report.duplicates, report.refused) == (2, 0, {})
    assert DuckDBReader(database).contents().spans == 2


def test_importing_twice_stores_nothing_twice(database: Database) -> None:
    data = lines(otlp(0), otlp(1), otlp(0))
    first, second = imported(database, data), imported(database, data)
    assert (first.stored, first.duplicates) == (2, 1)
    assert (second.stored, second.duplicates, second.spans) == (0, 3, 3)
    assert DuckDBReader(database).contents().spans == 2


def test_damaged_lines_among_good_ones_are_skipped_and_counted(database: Database) -> None:
    good = lines(otlp(0))
    cut = good[: len(good) // 2] + b"\n"
    report = imported(database, cut + good + b"# a comment\n" + lines(otlp(1), {"logs": 1}, 7) + cut)
    assert report.stored == 2
    assert report.refused == {NOT_JSON: 3, UNKNOWN: 2}


def test_json_lines_after_another_line_are_read(database: Database) -> None:
    report = imported(database, b"exported by x\n" + lines(otlp(0)))
    assert (report.stored, report.refused) == (1, {NOT_JSON: 1})


def test_a_lone_brace_among_lines_costs_no_good_line(database: Database) -> None:
    report = imported(database, lines(otlp(0)) + b"{\n" + lines(otlp(1)) + b"{\n" + lines(otlp(2)))
    assert (report.stored, report.refused) == (3, {NOT_JSON: 2})


def test_malformed_spans_among_good_ones_are_left_out_and_counted(database: Database) -> None:
    bad = json_span(traceId="xyz")
    report = imported(database, lines(json_request(bad, json_span(), json_span(name=5))))
    assert report.stored == 1
    assert report.refused == {
        "span(s) rejected: trace id that is not hex": 1,
        "span(s) rejected: name is not a string": 1,
    }


def test_common_deviations_from_json_are_accepted(database: Database) -> None:
    value = {"key": "x", "value": {"doubleValue": float("nan")}}
    lone = json.dumps(otlp(1, name="\ud83d?")).encode() + b"\n"
    latin = json.dumps(otlp(2, name="§"), ensure_ascii=False).encode("latin-1") + b"\n"
    report = imported(database, lines(otlp(0, attributes=[value])) + lone + latin)
    assert (report.stored, report.refused) == (3, {})


def test_documents_before_a_truncated_one_are_imported(database: Database) -> None:
    report = imported(database, pretty(otlp(0)) + b"\n" + pretty(otlp(1))[:-20])
    assert report.stored == 1
    assert report.refused == {"document(s) damaged: not JSON from some point on": 1}


def test_data_before_the_end_of_truncated_gzip_is_imported(database: Database) -> None:
    data = gzip.compress(lines(*map(otlp, range(50))))
    report = imported(database, data[:-12])
    assert report.refused == {
        "file(s) cut short: Compressed file ended before the end-of-stream marker was reached": 1
    }


def test_messages_before_the_end_of_a_truncated_stream_are_imported(database: Database) -> None:
    one = body(span(0))
    report = imported(database, (len(one).to_bytes(4) + one) * 2 + len(one).to_bytes(4) + one[:-5])
    assert (report.stored, report.duplicates) == (1, 1)
    assert sum(report.refused.values()) == 1


def test_data_before_the_end_of_truncated_zstd_is_imported(database: Database) -> None:
    data = zstandard.compress(lines(otlp(0))) + zstandard.compress(lines(otlp(1)))[:-12]
    report = imported(database, data, zstandard.compress(lines(otlp(2)))[:9] + b"\xff" * 50)
    assert report.stored == 1
    [ended, damaged] = report.refused
    assert ended == "file(s) cut short: zstd ends before the end of a frame"
    assert damaged.startswith("file(s) cut short: zstd is damaged: ")


def test_a_damaged_message_costs_no_other(database: Database) -> None:
    damaged = zstandard.compress(body(span(0)))[:-4]
    report = imported(database, prefixed(damaged, zstandard.compress(body(span(1))), b"\xff" * 9))
    assert report.stored == 1
    assert report.refused == {"file(s) skipped: neither JSON nor OTLP protobuf": 2}


def test_messages_of_absurd_sizes_are_not_read(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laban_collector.importing.chunks.MESSAGE_BYTES", 10_000)
    bomb = zstandard.compress(b"\0" * 100_000)
    first = prefixed(body(span(0)))
    report = imported(database, first + prefixed(bomb), first + (20_000).to_bytes(4) + b"x" * 20_000)
    assert (report.stored, report.duplicates) == (1, 1)
    assert report.refused == {
        "file(s) cut short: a message of more than 10000 bytes when decompressed": 1,
        "file(s) cut short: a message of 20000 bytes; no message is larger than 10000": 1,
    }


def test_a_zstd_file_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laban_collector.importing.chunks.CHUNK_BYTES", 1000)
    data = lines(*map(otlp, range(20)))
    found = list(chunks(opened(zstandard.compress(data)), is_json_document))
    assert max(len(b"\n".join(chunk.parts)) for chunk in found) < 2000
    assert b"".join(part + b"\n" for chunk in found for part in chunk.parts if part) == data


def test_fields_that_otlp_does_not_have_are_counted_and_the_rest_is_stored(database: Database) -> None:
    odd = otlp(0, odd=1, events=[{"timeUnixNano": "1", "name": "x", "level": 2}])
    odd["resourceSpans"][0]["extra"] = {}
    report = imported(database, lines(odd, otlp(1, odd=None)), pretty({"result": otlp(2, odd=1)}))
    assert (report.stored, report.refused) == (3, {})
    assert report.unknown == {
        "odd of a span (OTLP)": 3,
        "level of an event (OTLP)": 1,
        "extra of resource spans (OTLP)": 1,
    }


def test_unknown_fields_of_other_formats_are_counted(database: Database) -> None:
    sent = jaeger()
    sent["spans"][0]["odd"] = 1  # type: ignore[index]
    report = imported(database, lines(sent, zipkin() | {"odd": 1}))
    assert report.unknown == {"odd of a span (Jaeger)": 1, "odd of a span (Zipkin)": 1}


def test_the_names_of_many_unknown_fields_are_not_all_kept(database: Database) -> None:
    many = {f"field{number}": 1 for number in range(200)}
    report = imported(database, lines(zipkin() | many))
    assert len(report.unknown) == 51
    assert report.unknown["other fields of a span (Zipkin)"] == 150


def test_x_ray_and_datadog_files_are_imported(database: Database) -> None:
    x_ray, datadog = xray_documents.chain(), datadog_spans.chain()
    daemon = b"".join(lines({"format": "json", "version": 1}, one) for one in x_ray)
    report = imported(database, daemon, pretty({"traces": datadog}), lines(*datadog), pretty(datadog))
    assert (report.stored, report.duplicates, report.refused) == (6, 6, {})
    assert report.notes.total() == 1
    assert len(DuckDBReader(database).traces_with("order.id", "A-1", 5)) == 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"TraceSummaries": []}, "summaries of X-Ray have no segments. Export the traces: aws xray"),
        ({"traces": [{"traceID": "1", "rootServiceName": "x"}]}, "search results of Tempo have no spans."),
        ({"resourceMetrics": []}, "OTLP metrics, logs or profiles; only spans are imported"),
        ({"data": None, "errors": [{"msg": "trace not found"}]}, "an error instead of a trace: trace not"),
        ({"SpanContext": 1, "SpanKind": 1}, "the output of Go's stdouttrace. Export OTLP to laban serve"),
    ],
)
def test_documents_without_spans_say_what_to_do(database: Database, data: object, reason: str) -> None:
    [found] = imported(database, lines(data)).refused
    assert found.startswith(f"document(s) skipped: {reason}")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "file(s) skipped: empty"),
        (b"hello, world\n", "file(s) skipped: neither JSON nor OTLP protobuf"),
        (b"\xff" * 100, "file(s) skipped: neither JSON nor OTLP protobuf"),
        (b'{"a": 1}', UNKNOWN),
        (b'{"resourceSpans": 7}', "document(s) skipped: resourceSpans is not a list of objects"),
        (b'{"data": [7]}', "document(s) skipped: a trace is not an object"),
        (b"[" * 100_000, "document(s) damaged: not JSON from some point on"),
    ],
)
def test_a_file_without_spans_is_skipped_with_the_reason(
    database: Database, data: bytes, reason: str
) -> None:
    report = imported(database, data)
    assert (report.spans, report.refused) == (0, {reason: 1})


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b'{"resourceSpans":[]}',
        b'{"resourceSpans":[]}\n' * 3,
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[]}]}]}',
        b'{"data":[]}',
        b"[[], []]",
    ],
)
def test_an_export_of_nothing_is_said_to_have_no_spans(database: Database, data: bytes) -> None:
    report = imported(database, data, lines(otlp(0)))
    assert (report.files, report.spans, report.refused) == (2, 1, {"file(s) without spans": 1})


def test_a_file_of_spaces_is_empty(database: Database) -> None:
    assert imported(database, b" \n\r\n").refused == {"file(s) skipped: empty": 1}


def test_impossible_dates_and_missing_service_names_are_counted(database: Database) -> None:
    odd = [
        otlp(number, startTimeUnixNano=str(start)) for number, start in enumerate((7, 1795000000000, 2**62))
    ]
    nameless = otlp(3)
    nameless["resourceSpans"][0]["resource"] = {}
    report = imported(database, lines(*odd, nameless, otlp(4)), lines(*odd[1:]))
    ahead = 2**62
    assert report.quality.unnamed == 1
    assert report.quality.outside == [(1, 7, 7), (2, 1795000000000, 1795000000000), (2, ahead, ahead)]


def test_console_output_among_log_lines_is_imported(database: Database) -> None:
    logs = b"INFO: started\n[2026-11-28] {ready}\n"
    cut = console_span(7)[: len(console_span(7)) // 2]
    data = (
        logs
        + console_span(0)
        + b"\n\n"
        + console_span(1).replace(b"\n", b"\r\n")
        + cut
        + b"\n"
        + console_span(2)
        + logs
    )
    report = imported(database, data)
    assert report.stored == 3
    assert report.refused == {NOT_JSON: 4, "document(s) damaged: not JSON": 1}


LAYOUTS: dict[str, Callable[[list[bytes]], bytes]] = {
    "as printed": lambda spans: b"\n".join(spans),
    "a list": lambda spans: b"[" + b",".join(spans) + b"]",
    "indented less": lambda spans: b"\n".join(spans).replace(b"\n    ", b"\n  "),
    "lines": lambda spans: b"".join(json.dumps(json.loads(span)).encode() + b"\n" for span in spans),
    "after JSON log lines": lambda spans: b'{"level":"info"}\n' * 2 + b"\n".join(spans),
    "after many lines": lambda spans: b"hello\n" * 5000 + b"\n".join(spans),
    "with gzip": lambda spans: gzip.compress(b"\n".join(spans)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_console_output_is_imported_in_any_layout(database: Database, layout: str) -> None:
    spans = [console_span(number) for number in range(3)]
    assert imported(database, LAYOUTS[layout](spans)).stored == 3


def test_console_output_comes_in_chunks_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laban_collector.importing.chunks.CHUNK_BYTES", 5000)
    unclosed = b"{\n" + b' "x": 1,\n' * 2000
    data = b"hello\n".join(console_span(number) for number in range(40)) + unclosed + console_span(99)
    found = list(chunks(opened(data), is_json_document))
    assert {chunk.kind for chunk in found} == {Kind.CONSOLE}
    assert max(sum(map(len, chunk.parts)) for chunk in found) < 15_000
    documents = [part for chunk in found for part in chunk.parts if is_json_document(part)]
    assert documents == [console_span(number).rstrip() for number in (*range(40), 99)]


def test_console_output_of_other_languages_is_named(database: Database) -> None:
    node = b"{\n  resource: {\n    attributes: {}\n  },\n  traceId: '0af7',\n  name: 'GET /'\n}\n"
    go = b'{"Name":"x","SpanContext":{"TraceID":"0af7"},"SpanKind":1}\n'
    node_report, go_report = imported(database, node), imported(database, go)
    [reason] = node_report.refused
    assert reason.startswith("document(s) skipped: Node's ConsoleSpanExporter prints JavaScript")
    [reason] = go_report.refused
    assert reason.startswith("document(s) skipped: the output of Go's stdouttrace")


def test_both_halves_of_a_shared_span_are_stored(database: Database) -> None:
    halves = [zipkin() | {"kind": "CLIENT"}, zipkin() | {"kind": "SERVER", "shared": True}]
    assert imported(database, pretty(halves)).stored == 2


def test_business_keys_are_found_by_the_rules(database: Database) -> None:
    attribute = {"key": "basket", "value": {"stringValue": "b-1"}}
    importing = Importer(DuckDBWriter(database), rules="basket.id=attribute:basket")
    importing.add(opened(lines(otlp(0, attributes=[attribute]))))
    assert len(DuckDBReader(database).traces_with("basket", "b-1", 5)) == 1


def test_a_large_document_is_stored_in_several_commits(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "_MAX_SPANS", 10)
    told: list[None] = []
    importing = Importer(DuckDBWriter(database))
    importing.add(opened(pretty([zipkin(number) for number in range(35)])), lambda: told.append(None))
    assert (importing.report.stored, len(told)) == (35, 4)


def test_other_processes_decode_the_same_as_this_one(database: Database) -> None:
    data = lines(*map(otlp, range(300)), {"logs": 1}) + b"broken\n"
    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        importing = Importer(DuckDBWriter(database), executor=executor)
        importing.add(opened(data))
        importing.add(opened(pretty(jaeger())))
    assert importing.report.stored == 301
    assert importing.report.refused == Counter({NOT_JSON: 1, UNKNOWN: 1})


def test_a_small_import_starts_no_processes() -> None:
    with decoding_processes(1000) as executor:
        assert executor is None


def test_lines_come_in_chunks_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laban_collector.importing.chunks.CHUNK_BYTES", 1000)
    data = lines(*map(otlp, range(20)))
    found = list(chunks(opened(data), is_json_document))
    assert {chunk.kind for chunk in found} == {Kind.LINES}
    assert max(len(b"\n".join(chunk.parts)) for chunk in found) < 2000
    assert b"".join(part + b"\n" for chunk in found for part in chunk.parts if part) == data


def test_protobuf_that_begins_like_json_is_protobuf() -> None:
    """A first message of 123 bytes starts with a newline and a brace."""
    sent = next(
        sent
        for length in range(100)
        if (sent := request(resource={"service.name": "x" * length}).SerializeToString())[:2] == b"\n{"
    )
    assert list(chunks(opened(sent), is_json_document)) == [Chunk(Kind.PROTOBUF, [sent])]


def test_a_document_of_otlp_alone_is_not_parsed_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laban_collector.importing.formats.otlp.parse", None)
    assert imported(database, lines(otlp(0, status={"code": 2}, links=[], events=[]))).stored == 1
