"""From chunks of files to spans: the documents of a chunk, and the format that reads each.

OTLP becomes OTLP requests, which are decoded together; other formats become single spans.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from laban_collector.decode import otlp_protobuf
from laban_collector.decode.json_documents import (
    NotJsonError,
    NumberTooLargeError,
    WrongTypeError,
    finite_number,
    parse_request,
)
from laban_collector.decode.results import Problems
from laban_collector.errors import UndecodableRequest
from laban_collector.importing.chunks import Chunk, Kind
from laban_collector.importing.formats.format import Content, Format
from laban_collector.importing.formats.otlp import count_unknown
from laban_collector.importing.formats.registry import INSTEAD, format_of, why_unknown

_NO_JSON: Final = "line(s) skipped: not JSON"
_SKIPPED: Final = "document(s) skipped"
_NO_FORMAT: Final = "file(s) skipped: neither JSON nor OTLP protobuf"
_CUT_SHORT: Final = "document(s) damaged: not JSON from some point on"
_NAMED: Final = 10
"""Documents with too large numbers whose numbers are named; the others are only counted."""
_DAMAGED: Final = "document(s) damaged: not JSON"
_NODE: Final = f"document(s) skipped: Node's ConsoleSpanExporter prints JavaScript, not JSON. {INSTEAD}"
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
            yield from _read(_of_lines(chunk.parts, problems), problems)
        case Kind.DOCUMENT:
            yield from _read((one for data in chunk.parts for one in _of_text(data, problems)), problems)
        case Kind.CONSOLE:
            if chunk.other:
                problems.reasons[_NO_JSON] += chunk.other
            yield from _read(_of_console(chunk.parts, problems), problems)
        case Kind.TEXT:
            problems.reasons[_NO_FORMAT] += 1
        case Kind.PROTOBUF:
            for data in chunk.parts:
                yield from _of_message(data, problems)


def is_json_document(line: bytes) -> bool:
    """Whether a line is a complete JSON document."""
    try:
        return isinstance(_parsed_only(line), (dict, list))
    except ValueError:
        return False


def _read(documents: Iterator[object], problems: Problems) -> Iterator[Content]:
    """Yield the contents of documents; those that are read together come last."""
    together: dict[Format, list[object]] = {}
    for document in documents:
        for found, one in _formats(document, problems):
            if found.together:
                together.setdefault(found, []).append(one)
            else:
                yield from _contents(found, [one], problems)
    for found, several in together.items():
        yield from _contents(found, several, problems)


def _formats(document: object, problems: Problems) -> Iterator[tuple[Format, object]]:
    """Yield the format of a document, or those of the documents in a list."""
    found = format_of(document)
    if found is not None:
        yield found, document
    elif isinstance(document, list):
        for element in document:
            yield from _formats(element, problems)
    else:
        problems.reasons[f"{_SKIPPED}: {why_unknown(document)}"] += 1


def _contents(found: Format, documents: Sequence[Any], problems: Problems) -> Iterator[Content]:
    try:
        yield from found.read(documents, problems)
    except WrongTypeError as reason:
        problems.reasons[f"{_SKIPPED}: {reason}"] += 1


def _of_lines(lines: list[bytes], problems: Problems) -> Iterator[object]:
    for line in lines:
        if not line or line.isspace():
            continue
        try:
            yield _parsed(line, problems)
        except NumberTooLargeError as error:
            _skip(error, problems)
        except ValueError:
            problems.reasons[_NO_JSON] += 1


def _of_console(documents: list[bytes], problems: Problems) -> Iterator[object]:
    for data in documents:
        try:
            yield _parsed(data, problems)
        except NumberTooLargeError as error:
            _skip(error, problems)
        except ValueError:
            problems.reasons[_reason(data)] += 1


def _skip(error: NumberTooLargeError, problems: Problems) -> None:
    """Count a document with a number that is too large; the first few are named with their place."""
    named = sum(reason.startswith(_SKIPPED) for reason in problems.reasons) < _NAMED
    problems.reasons[f"{_SKIPPED}: {error if named else 'a number is too large'}"] += 1


def _reason(data: bytes) -> str:
    """Return why a document of console output cannot be read."""
    if _NODE_SPAN.search(data):
        return _NODE
    return _DAMAGED if b"\n" in data else _NO_JSON


def _of_text(data: bytes, problems: Problems) -> Iterator[object]:
    """Yield one JSON document, or several concatenated ones."""
    try:
        yield _parsed(data, problems)
    except NumberTooLargeError as error:
        _skip(error, problems)
    except ValueError:
        yield from _concatenated(data, problems)


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
        count_unknown(b"", document, problems)
        yield document
        while text[position : position + 1].isspace():
            position += 1


def _of_message(data: bytes, problems: Problems) -> Iterator[Content]:
    """Yield the contents of a message: JSON, protobuf, or lines of JSON that look like neither."""
    if data.startswith(_BEGINNINGS) and is_json_document(data):
        yield from _read(_of_lines([data], problems), problems)
        return
    try:
        yield from otlp_protobuf.sent_spans(data, problems)
    except UndecodableRequest:
        lines = data.splitlines()
        if any(line.startswith(_BEGINNINGS) and is_json_document(line) for line in lines):
            yield from _read(_of_lines(lines, problems), problems)
        else:
            problems.reasons[_NO_FORMAT] += 1


def _parsed(data: bytes, problems: Problems) -> object:
    """Parse a JSON document, and count the fields that OTLP does not have.

    Raises:
        NumberTooLargeError: a number is too large.
        ValueError: the data is not JSON.
    """
    document = _parsed_only(data)
    count_unknown(data, document, problems)
    return document


def _parsed_only(data: bytes) -> object:
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
