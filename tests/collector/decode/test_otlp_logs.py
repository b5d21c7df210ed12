import json
import random
from typing import Any

import pytest

from laban_collector.decode.otlp_logs import LogDecoder, LogLimits
from laban_collector.decode.results import AcceptedRequest, JsonBody
from laban_collector.errors import UndecodableRequest
from laban_collector.protect.redaction import Redactor
from laban_collector.settings import load_settings

from ..log_requests import json_log_body, json_record, log_body, record
from ..requests import SPAN_ID, START, TRACE_ID

NOW = START + 7
LIMITS = LogLimits(attributes=4, length=100, per_trace=50)


def decoder(**changes: Any) -> LogDecoder:
    return LogDecoder(Redactor(), LIMITS._replace(**changes), clock=lambda: NOW)


def decoded(*bodies: bytes, **changes: Any) -> tuple[list[dict[str, Any]], Any]:
    """Return the rows and the outcome of each body."""
    batch, outcomes = decoder(**changes).decode(bodies)
    batch.logs.validate(full=True)
    rows: list[dict[str, Any]] = batch.logs.to_pylist()
    return rows, outcomes


def one(*args: Any, **fields: Any) -> dict[str, Any]:
    [row], _ = decoded(log_body(record(*args, **fields)))
    return row


def test_a_record_becomes_a_row() -> None:
    row = one("paid", {"order.id": "A-1"}, event_name="order.paid")
    assert f"{row['trace_hi']:016x}{row['trace_lo']:016x}" == TRACE_ID.hex()
    assert (row["span_id"], row["time"].value) == (int.from_bytes(SPAN_ID), START + 1_000_000)
    assert (row["service"], row["logger"], row["event_name"]) == ("order", "order.payments", "order.paid")
    assert (row["severity"], row["severity_text"], row["body"]) == (9, "INFO", "paid")
    assert json.loads(row["attributes"]) == {"order.id": "A-1"}


def test_json_gives_the_same_row() -> None:
    attribute = {"key": "n", "value": {"intValue": "7"}}
    rows, (outcome,) = decoded(JsonBody(json_log_body(json_record(attributes=[attribute]))))
    assert outcome == AcceptedRequest(1)
    assert rows == [one("hello", {"n": 7})]


def test_records_without_a_trace_are_counted_and_refused() -> None:
    bodies = log_body(record(trace_id=b""), record(), record(trace_id=bytes(16)))
    rows, (outcome,) = decoded(bodies)
    assert len(rows) == 1
    assert outcome == AcceptedRequest(
        1, 2, "2 log record(s) rejected: no trace id: laban stores only the logs of traces"
    )


def test_a_record_may_belong_to_a_trace_and_no_span() -> None:
    assert one(span_id=b"")["span_id"] == one(span_id=bytes(8))["span_id"] == 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trace_id": b"\1" * 8}, "trace id of 8 bytes, not 16"),
        ({"span_id": b"\1" * 3}, "span id of 3 bytes, not 8 or none"),
        ({"time_unix_nano": 2**64 - 1}, "a time after the year 2262"),
    ],
)
def test_malformed_records_are_left_out_alone(fields: dict[str, Any], reason: str) -> None:
    rows, (outcome,) = decoded(log_body(record(**fields), record()))
    assert len(rows) == 1
    assert (outcome.rejected, outcome.message) == (1, f"1 log record(s) rejected: {reason}")


def test_malformed_json_records_are_left_out_alone() -> None:
    bad = json_record(traceId="xyz")
    rows, (outcome,) = decoded(JsonBody(json_log_body(bad, json_record(), json_record(traceId=""))))
    assert (len(rows), outcome.rejected) == (1, 2)
    assert "1 log record(s) rejected: trace id that is not hex" in outcome.message


@pytest.mark.parametrize("body", [b"\xff", JsonBody(b"{"), JsonBody(b"[]"), JsonBody(b'{"resourceLogs": 1}')])
def test_a_body_that_cannot_be_decoded_does_not_affect_others(body: bytes) -> None:
    rows, outcomes = decoded(body, log_body(record()))
    assert len(rows) == 1
    assert isinstance(outcomes[0], UndecodableRequest)
    assert outcomes[1] == AcceptedRequest(1)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"time_unix_nano": 0, "observed_time_unix_nano": START}, START),
        ({"time_unix_nano": 0}, NOW),
    ],
)
def test_a_record_without_a_time_has_the_one_of_its_observer(fields: dict[str, Any], expected: int) -> None:
    assert one(**fields)["time"].value == expected


def test_secrets_are_redacted_in_body_attributes_and_names() -> None:
    row = one(
        "login with password=hunter2 failed",
        {"authorization": "Bearer abcdefgh", "note": "token=abc123def456"},
        severity_text="INFO",
    )
    assert "hunter2" not in row["body"]
    assert json.loads(row["attributes"]) == {"authorization": "[redacted]", "note": "token=[redacted]"}
    assert json.loads(one({"user": "x", "password": "hunter2"})["body"]) == {
        "user": "x",
        "password": "[redacted]",
    }
    assert "hunter2" not in one('{"password": "hunter2"}')["body"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [("", None), (None, None), (7, "7"), (True, "true"), ([1, "a"], '[1,"a"]'), ({"a": [1]}, '{"a":[1]}')],
)
def test_a_body_of_any_type_is_text(body: object, expected: str | None) -> None:
    assert one(body)["body"] == expected


def test_bodies_and_attributes_are_bounded() -> None:
    many = {"long": "x" * 200} | {f"key{number}": number for number in range(6)}
    row = one("y" * 5000, many, dropped_attributes_count=2)
    assert row["body"] == "y" * 100 + "… [cut: 5000 characters]"
    attributes = json.loads(row["attributes"])
    assert (len(attributes), row["dropped_attributes"]) == (4, 5)
    assert attributes["long"] == "x" * 100 + "… [cut: 200 characters]"
    assert len(one({f"k{number}": "x" * 90 for number in range(500)})["body"]) < 300


def test_attributes_of_lists_and_maps_are_bounded_together() -> None:
    row = one("x", {"long": ["y" * 50] * 100, "short": 1, "map": {f"k{n}": n for n in range(200)}})
    assert (row["attributes"], row["dropped_attributes"]) == ('{"short":1}', 2)


def test_a_trace_has_only_so_many_records() -> None:
    bounded = decoder(per_trace=2)
    batch, [outcome] = bounded.decode([log_body(record("a"), record("b"), record("c"))])
    assert batch.logs.num_rows == 2
    assert outcome == AcceptedRequest(
        2, 1, "1 log record(s) rejected: more than 2 of one trace (max_logs_per_trace)"
    )
    batch, _ = bounded.decode([log_body(record("d"), record(trace_id=b"\1" * 16))])
    assert batch.logs["body"].to_pylist() == ["hello"]


def test_a_repeated_record_has_the_same_content_and_another_one_does_not() -> None:
    contents = {one(*args)["content"] for args in (("a",), ("a",), ("b",), ("a", {"n": 1}))}
    assert len(contents) == 3


def test_the_settings_define_redaction_limits_and_namespaces() -> None:
    settings = load_settings(redact="customer", max_log_length=64, k8s_namespaces=True)
    resource = {"service.name": "order", "k8s.namespace.name": "shop"}
    sent = log_body(record("z" * 70, {"customer": "c-7"}), resource=resource)
    [row] = LogDecoder.from_settings(settings).decode([sent]).batch.logs.to_pylist()
    assert (row["namespace"], row["attributes"]) == ("shop", '{"customer":"[redacted]"}')
    assert row["body"].startswith("z" * 64 + "… [cut")


def test_changed_requests_are_decoded_or_refused() -> None:
    chance = random.Random(5)  # noqa: S311 - a test
    whole = log_body(record("a", {"k": [1, {"x": None}]}), record({"a": 1}, span_id=b""))
    document = json_log_body(json_record(), json_record(body={"kvlistValue": {"values": []}}))
    for _ in range(300):
        for sent, kind in ((whole, bytes), (document, JsonBody)):
            changed = bytearray(sent)
            for _ in range(chance.randrange(1, 4)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            rows, outcomes = decoded(kind(changed), log_body(record("other")))
            assert rows[-1]["body"] == "other"
            assert outcomes[1] == AcceptedRequest(1)
