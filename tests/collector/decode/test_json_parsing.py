import json

import msgspec
import pytest

from laban_collector.decode.json_parsing import NotJsonError, parse, parse_request

from ..json_requests import json_request, json_span

ATTRIBUTE = {"key": "a", "value": {"stringValue": "x"}}


def test_of_a_request_the_attributes_of_spans_stay_text() -> None:
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
def test_what_has_another_form_is_parsed_whole(document: object) -> None:
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
def test_what_is_no_json_is_told_also_where_it_is_skipped(text: bytes) -> None:
    with pytest.raises(NotJsonError):
        parse_request(text)
