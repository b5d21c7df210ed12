"""File formats: OTLP, Jaeger, Zipkin and the Python SDK's console output. The format of each JSON document is
detected from its fields.

OTLP/JSON becomes OTLP requests, which are decoded together; other formats become single spans.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from laban_collector.decode import console_json, jaeger, otlp_json, otlp_protobuf, zipkin
from laban_collector.decode.batch_builder import SentSpan
from laban_collector.decode.json_dialects import FILES
from laban_collector.decode.json_documents import (
    NotJsonError,
    NumberTooLargeError,
    WrongTypeError,
    as_object,
    finite_number,
    parse_request,
)
from laban_collector.decode.otlp_json import ProtobufRequest
from laban_collector.decode.results import Problems
from laban_collector.errors import UndecodableRequest
from laban_collector.importing.chunks import Chunk, Kind

Content = SentSpan | ProtobufRequest
"""A span, or an OTLP request with any number of spans."""

_NO_JSON: Final = "line(s) skipped: not JSON"
_UNKNOWN: Final = "document(s) skipped: neither OTLP nor Jaeger nor Zipkin v2"
_NO_FORMAT: Final = "file(s) skipped: neither JSON nor OTLP protobuf"
_CUT_SHORT: Final = "document(s) damaged: not JSON from some point on"
_TOO_LARGE: Final = "document(s) skipped"
_NAMED: Final = 10
"""Documents with too large numbers whose numbers are named; the others are only counted."""
_DAMAGED: Final = "document(s) damaged: not JSON"
_INSTEAD: Final = "Export OTLP to laban serve, or to a file with the OpenTelemetry Collector"
_NODE: Final = f"document(s) skipped: Node's ConsoleSpanExporter prints JavaScript, not JSON. {_INSTEAD}"
_GO: Final = f"document(s) skipped: the output of Go's stdouttrace. {_INSTEAD}"
# Keys without quotes, and strings with single ones.
_NODE_SPAN: Final = re.compile(
    rb"^[ \t]+(?:traceId|spanId|_spanContext): ['{]|^[ \t]+instrumentationScope: \{", re.MULTILINE
)
_BEGINNINGS: Final = (b"{", b"[")
# A surrogate without its other half: JSON can represent it, UTF-8 cannot.
_LONE_SURROGATE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_SURROGATE_PAIR: Final = 12
"""Characters of an escaped surrogate pair."""


def contents(chunk: Chunk, problems: Problems) -> Iterator[Content]:
    """Yield the spans and requests in a chunk; unreadable parts are left out and counted."""
    match chunk.kind:
        case Kind.LINES:
            yield from _of_lines(chunk.parts, problems)
        case Kind.DOCUMENT:
            for data in chunk.parts:
                yield from _of_text(data, problems)
        case Kind.CONSOLE:
            if chunk.other:
                problems.reasons[_NO_JSON] += chunk.other
            yield from _of_console(chunk.parts, problems)
        case Kind.TEXT:
            problems.reasons[_NO_FORMAT] += 1
        case Kind.PROTOBUF:
            for data in chunk.parts:
                yield from _of_message(data, problems)


def is_json_document(line: bytes) -> bool:
    """Whether a line is a complete JSON document."""
    try:
        return isinstance(_parsed(line), (dict, list))
    except ValueError:
        return False


def _of_lines(lines: list[bytes], problems: Problems) -> Iterator[Content]:
    for line in lines:
        if not line or line.isspace():
            continue
        try:
            document = _parsed(line)
        except NumberTooLargeError as error:
            _skip(error, problems)
            continue
        except ValueError:
            problems.reasons[_NO_JSON] += 1
            continue
        yield from _of_document(document, problems)


def _of_console(documents: list[bytes], problems: Problems) -> Iterator[Content]:
    for data in documents:
        try:
            document = _parsed(data)
        except NumberTooLargeError as error:
            _skip(error, problems)
            continue
        except ValueError:
            problems.reasons[_reason(data)] += 1
            continue
        yield from _of_document(document, problems)


def _skip(error: NumberTooLargeError, problems: Problems) -> None:
    """Count a document with a number that is too large; the first few are named with their place."""
    named = sum(reason.startswith(_TOO_LARGE) for reason in problems.reasons) < _NAMED
    problems.reasons[f"{_TOO_LARGE}: {error if named else 'a number is too large'}"] += 1


def _reason(data: bytes) -> str:
    """Return why a document of console output cannot be read."""
    if _NODE_SPAN.search(data):
        return _NODE
    return _DAMAGED if b"\n" in data else _NO_JSON


def _of_text(data: bytes, problems: Problems) -> Iterator[Content]:
    """Yield the contents of one JSON document, or of several concatenated ones."""
    try:
        documents: Iterator[object] = iter([_parsed(data)])
    except NumberTooLargeError as error:
        _skip(error, problems)
        return
    except ValueError:
        documents = _concatenated(data, problems)
    for document in documents:
        yield from _of_document(document, problems)


def _concatenated(data: bytes, problems: Problems) -> Iterator[object]:
    """Yield concatenated documents up to the first error."""
    decoder = json.JSONDecoder(parse_float=finite_number)
    text = _readable(data)
    position = 0
    while position < len(text):
        try:
            document, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            problems.reasons[_CUT_SHORT] += 1
            return
        yield document
        while text[position : position + 1].isspace():
            position += 1


def _of_message(data: bytes, problems: Problems) -> Iterator[Content]:
    """Yield the contents of a protobuf message; if it is not one but has JSON lines, those of the lines."""
    try:
        yield from otlp_protobuf.sent_spans(data, problems)
    except UndecodableRequest:
        lines = data.splitlines()
        if any(line.startswith(_BEGINNINGS) and is_json_document(line) for line in lines):
            yield from _of_lines(lines, problems)
        else:
            problems.reasons[_NO_FORMAT] += 1


def _of_document(document: object, problems: Problems) -> Iterator[Content]:
    try:
        match document:
            case dict():
                yield from _of_object(document, problems)
            case [{"id": _, "traceId": _}, *_]:
                yield from zipkin.sent_spans(document, problems)
            case list():
                for element in document:
                    yield from _of_document(element, problems)
            case _:
                problems.reasons[_UNKNOWN] += 1
    except WrongTypeError as reason:
        problems.reasons[f"document(s) skipped: {reason}"] += 1


def _of_object(document: Mapping[str, Any], problems: Problems) -> Iterator[Content]:
    match document:
        case {"resourceSpans": _} | {"batches": _}:
            yield otlp_json.to_protobuf(document, problems, FILES)
        case {"trace": dict(inner)} | {"result": dict(inner)}:  # the newer APIs of Tempo and Jaeger wrap OTLP
            yield from _of_object(inner, problems)
        case {"data": list(traces)}:
            for trace in traces:
                yield from jaeger.sent_spans(as_object(trace, "a trace"), problems)
        case {"spans": _, "processes": _}:
            yield from jaeger.sent_spans(document, problems)
        case {"traceId": _, "id": _}:
            yield from zipkin.sent_spans([document], problems)
        case _ if console_json.is_console_span(document):
            yield from console_json.sent_spans(document, problems)
        case {"SpanContext": _, "SpanKind": _}:
            problems.reasons[_GO] += 1
        case _:
            problems.reasons[_UNKNOWN] += 1


def _parsed(data: bytes) -> object:
    """Parse a JSON document. Common deviations of exports (NaN, invalid UTF-8) are accepted.

    Raises:
        NumberTooLargeError: a number is too large.
        ValueError: the data is not JSON.
    """
    try:
        return parse_request(data)
    except NumberTooLargeError:
        raise
    except NotJsonError:
        try:
            return json.loads(_readable(data), parse_float=finite_number)
        except RecursionError as error:
            raise ValueError("nested too deep") from error


def _readable(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    return _LONE_SURROGATE.sub(
        lambda found: found[0] if len(found[0]) == _SURROGATE_PAIR else r"\ufffd", text
    )
