"""Numbers that no double or 64-bit integer can hold are refused with their place in every field."""

import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest

from laban.business_keys.keys import parse_rules
from laban_collector.batch.attributes import representable
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.json_documents import NumberTooLargeError, finite_number, parse
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.decode.results import AcceptedRequest, JsonBody
from laban_collector.errors import UndecodableRequest
from laban_collector.importing.importer import Importer, Report
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ..json_requests import json_request, json_span

_HERE: Final = "HERE"
"""Stands for the number; JSON's own writer would refuse it."""
_TOO_LARGE: Final = ["1e999", "-1e999", "9" * 5000, "-" + "9" * 5000, "1" * 400 + ".5", "1E+400"]


def _attribute(value: object) -> dict[str, Any]:
    return {"key": "k", "value": value}


def _with_attribute(value: object) -> dict[str, Any]:
    return json_span(attributes=[_attribute(value)])


_SPANS: Final[dict[str, dict[str, Any]]] = {
    "a double": _with_attribute({"doubleValue": _HERE}),
    "an integer": _with_attribute({"intValue": _HERE}),
    "an array": _with_attribute({"arrayValue": {"values": [{"boolValue": True}, {"doubleValue": _HERE}]}}),
    "a map": _with_attribute({"kvlistValue": {"values": [_attribute({"intValue": _HERE})]}}),
    "a long attribute": json_span(attributes=[{"key": "k" * 500, "value": {"doubleValue": _HERE}}]),
    "a start": json_span(startTimeUnixNano=_HERE),
    "an end": json_span(endTimeUnixNano=_HERE),
    "a kind": json_span(kind=_HERE),
    "flags": json_span(flags=_HERE),
    "a count": json_span(droppedAttributesCount=_HERE),
    "a status": json_span(status={"code": _HERE}),
    "the time of an event": json_span(events=[{"timeUnixNano": _HERE, "name": "e"}]),
    "an event": json_span(
        events=[{"timeUnixNano": 1, "name": "e", "attributes": [_attribute({"doubleValue": _HERE})]}]
    ),
    "a link": json_span(links=[{"traceId": "a" * 32, "spanId": "b" * 16, "flags": _HERE}]),
}


def _body(span: dict[str, Any], number: str) -> bytes:
    return json.dumps(json_request(span)).replace(f'"{_HERE}"', number).encode()


def _outcome(body: bytes) -> AcceptedRequest | UndecodableRequest:
    [outcome] = OtlpDecoder(KeyFinder(parse_rules(""))).decode([JsonBody(body)]).outcomes
    return outcome


@pytest.mark.parametrize("place", _SPANS)
@pytest.mark.parametrize("number", _TOO_LARGE, ids=lambda number: number[:6])
def test_a_request_with_a_number_that_is_too_large_is_undecodable(place: str, number: str) -> None:
    outcome = _outcome(_body(_SPANS[place], number))
    assert isinstance(outcome, UndecodableRequest)
    assert re.search(
        rf"the number {re.escape(number[:20])}…? at byte \d+( of an attribute)? is", str(outcome)
    )


@pytest.mark.parametrize("text", ["1e999", "-1e999", "9" * 5000, "1_0e999"])
def test_a_double_as_text_that_is_too_large_is_refused_too(text: str) -> None:
    outcome = _outcome(_body(_SPANS["a double"], json.dumps(text)))
    assert isinstance(outcome, UndecodableRequest)
    assert "doubleValue is not a number, or too large" in str(outcome)


def test_infinity_and_very_small_numbers_are_values() -> None:
    for number in ('"Infinity"', '"-Infinity"', '"NaN"', "1e-999", "1e308", "0." + "1" * 5000):
        assert _outcome(_body(_SPANS["a double"], number)) == AcceptedRequest(1)


def test_a_bad_request_does_not_affect_the_others_of_its_group() -> None:
    bodies = [_body(_SPANS["a double"], number) for number in ("1.5", "1e999", "2.5")]
    outcomes = OtlpDecoder(KeyFinder(parse_rules(""))).decode(list(map(JsonBody, bodies))).outcomes
    assert [isinstance(outcome, AcceptedRequest) for outcome in outcomes] == [True, False, True]


def test_the_first_number_that_is_too_large_is_named_with_its_position() -> None:
    with pytest.raises(NumberTooLargeError, match=r"the number 2e400 at byte 20 is too large"):
        parse(b'["1e999",{"a\\"1":1},2e400]')
    assert finite_number("Infinity") == float("inf")


def test_values_that_json_cannot_represent_become_text() -> None:
    sent = [float("nan"), -float("inf"), 2**64, -(2**63) - 1, {"a": [2**64 - 1, 10**400]}]
    assert representable(sent) == [
        "NaN",
        "-Infinity",
        "18446744073709551616",
        "-9223372036854775809",
        {"a": [2**64 - 1, str(10**400)]},
    ]


def _zipkin(number: str, *, at: str = "tag") -> str:
    tag, time = (number, "1795000000000000") if at == "tag" else ('"x"', number)
    return f'{{"traceId":"{"a" * 32}","id":"{"b" * 16}","timestamp":{time},"tags":{{"a":{tag}}}}}'


def _jaeger(number: str, kind: str) -> str:
    tag = f'{{"key":"a","type":"{kind}","value":{number}}}'
    span = (
        f'{{"traceID":"{"a" * 32}","spanID":"{"b" * 16}","operationName":"o","startTime":1795000000000000,'
        f'"duration":1,"processID":"p","tags":[{tag}]}}'
    )
    process = '"processes":{"p":{"serviceName":"s"}}'
    return f'{{"data":[{{"traceID":"{"a" * 32}","spans":[{span}],{process}}}]}}'


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Generator[Database, None, None]:
    with Database.open(tmp_path_factory.mktemp("imported") / "imported.duckdb") as database:
        yield database


def _import(database: Database, folder: Path, text: str) -> Report:
    file = folder / "spans.json"
    file.write_text(text, encoding="utf-8")
    importer = Importer(DuckDBWriter(database))
    with file.open("rb") as opened:
        importer.add(opened)
    return importer.report


@pytest.mark.parametrize(
    "document",
    [
        f"[{_zipkin('1e999')}]",
        f"[{_zipkin('9' * 5000)}]",
        f"[{_zipkin('1e999', at='timestamp')}]",
        f"[{_zipkin('1')}]\n[{_zipkin('1e999')}]",
        _jaeger("1e999", "float64"),
        _jaeger("9" * 5000, "int64"),
        json.dumps(json_request(json_span()))
        .replace("}", ',"x":1}', 1)
        .replace('"kind":', '"kind":1e999,"y":'),
        f'{{"a": NaN, "b": 1e999, "c": {_zipkin("1")}}}',
    ],
    ids=lambda document: document[:12],
)
def test_an_import_names_the_number_and_continues(database: Database, tmp_path: Path, document: str) -> None:
    report = _import(database, tmp_path, document)
    assert report.refused
    assert "too large" in str(report.refused) or "not JSON" in str(report.refused)


@pytest.mark.parametrize("number", ["1" * 400, "18446744073709551616", "NaN", "-Infinity", "1.5"])
@pytest.mark.parametrize("kind", ["int64", "float64", "string", "bool"])
def test_an_import_keeps_odd_values_of_tags(
    database: Database, tmp_path: Path, number: str, kind: str
) -> None:
    assert _import(database, tmp_path, _jaeger(number, kind)).spans == 1
    assert _import(database, tmp_path, f"[{_zipkin(number).replace('b' * 16, 'c' * 16)}]").spans == 1


def test_an_import_of_otlp_rejects_only_the_span_with_the_number(database: Database, tmp_path: Path) -> None:
    bad, good = _SPANS["a double"], json_span(spanId="c" * 16)
    text = json.dumps(json_request(bad, good)).replace(f'"{_HERE}"', "1e999")
    report = _import(database, tmp_path, text)
    assert report.spans == 1
    assert "the number 1e999 at byte" in str(report.refused)
