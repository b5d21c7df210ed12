import json

import msgspec
import pytest

from laban_collector.decode.json_documents import NotJsonError, parse, parse_request

from ..json_requests import json_request, json_span

ATTRIBUTE = {"key": "a", "value": {"stringValue": "x"}}


def test_attributes_of_spans_in_a_request_stay_text() -> None:
    document = parse_request(json.dumps(json_request(json_span(attributes=[ATTRIBUTE]))).encode())
    assert isinstance(document, dict)
    [span] = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    [attribute] = span["attributes"]
    assert isinstance(attribute, msgspec.Raw)
    assert parse(attribute) == ATTRIBUTE


@pytest.mark.parametrize(
    "document",
    [
        {"resourceSpans": 7},
        {"resourceSpans": [{"scopeSpans": [{"spans": [7]}]}]},
        json_request(json_span(attributes={"a": 1})),
        {"data": [{"traceID": "1"}]},
        [{"id": "1"}],
        {},
        7,
    ],
)
def test_documents_of_another_form_are_parsed_completely(document: object) -> None:
    assert parse_request(json.dumps(document).encode()) == document


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"{} {}",
        b'{"resourceSpans":NaN}',
        b"[" * 100_000,
        b'{"resourceSpans":[],"x":' + b"[" * 100_000,
        b'{"resourceSpans":[],"x":"\xff"}',
        b'{"resourceSpans":[],"x":"\\ud83d"}',
        b'{"resourceSpans":[],"x":"\\q"}',
    ],
)
def test_invalid_json_is_refused_in_skipped_fields_too(text: bytes) -> None:
    with pytest.raises(NotJsonError):
        parse_request(text)
