import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban_collector.batch.attributes import to_json
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.protect.limits import AttributeLimits
from laban_collector.protect.protection import Protection
from laban_collector.protect.redaction import REDACTED, Redactor

from ..batches import rows_of
from ..requests import START, key_values, request, span

CARD = "4111 1111 1111 1111"
GENEROUS = AttributeLimits(attributes=1000, length=10_000)


def protect(
    *spans: Span, redactor: Redactor | None = None, limits: AttributeLimits = GENEROUS, **sent: Any
) -> SpanBatch:
    """Return the protected batch of these spans; both ways of decoding give the same."""
    body = request(*spans, **sent).SerializeToString()
    protection = Protection(redactor or Redactor(), limits)
    by_rows = protection.protect(decode([body], KeyFinder()).batch)
    by_columns = OtlpDecoder(KeyFinder(), protection).decode([body]).batch
    assert rows_of(by_rows) == rows_of(by_columns)
    return by_columns


def attributes(batch: SpanBatch, table: str = "spans", row: int = 0) -> Any:
    return json.loads(getattr(batch, table)["attributes"][row].as_py())


def test_attributes_in_every_table_are_redacted() -> None:
    secret = {"password": "hunter2", "kept": "yes"}
    sent = span(0, secret)
    sent.events.add(name="login").attributes.extend(key_values(secret))
    sent.links.add(trace_id=bytes(15) + b"1", span_id=bytes(7) + b"1").attributes.extend(key_values(secret))
    batch = protect(span(1), sent, resource=secret)
    for table, row in [("spans", 1), ("events", 0), ("links", 0), ("resources", 0)]:
        assert attributes(batch, table, row) == {"password": REDACTED, "kept": "yes"}


def test_other_rows_do_not_change() -> None:
    batch = protect(span(0, {"a": "1"}), span(1, {"token": "x"}), span(2, {"b": "2"}), span(3))
    assert attributes(batch, row=0) == {"a": "1"}
    assert attributes(batch, row=2) == {"b": "2"}
    assert batch.spans["attributes"][3].as_py() is None


def test_names_and_status_messages_are_redacted() -> None:
    sent = span(0)
    sent.name = f"pay {CARD}"
    sent.status.message = "401: Bearer abcdefghijklmnopqrstuv"
    batch = protect(sent, span(1))
    assert batch.spans["name"].to_pylist() == [f"pay {REDACTED}", "span 1"]
    assert batch.spans["status_message"][0].as_py() == "401: Bearer [redacted]"


def test_promoted_columns_are_redacted() -> None:
    redactor = Redactor(["messaging.kafka.message.key", "http.response.status_code"])
    sent = {"messaging.kafka.message.key": "k", "http.response.status_code": 200, "http.route": "/"}
    batch = protect(span(0, sent), span(1), redactor=redactor)
    assert batch.spans["messaging_key"].to_pylist() == [REDACTED, None]
    assert batch.spans["http_status"].to_pylist() == [None, None]
    assert batch.spans["http_route"].to_pylist() == ["/", None]


@pytest.mark.parametrize("secret", ["url.full", "client.address"])
def test_a_column_is_redacted_if_any_attribute_that_fills_it_is_a_secret(secret: str) -> None:
    sent = span(0, {"url.full": "http://internal/"}, Span.SPAN_KIND_CLIENT)
    assert protect(sent, span(1)).spans["peer_address"].to_pylist() == ["internal", None]
    body, protection = request(sent, span(1)).SerializeToString(), Protection(Redactor([secret]), GENEROUS)
    for batch in (
        protection.protect(decode([body], KeyFinder()).batch),
        OtlpDecoder(KeyFinder(), protection).decode([body]).batch,
    ):
        first, second = batch.spans["peer_address"].to_pylist()
        assert first in (REDACTED, None)  # by columns, nothing is left of a redacted URL
        assert second is None


def test_a_business_key_with_a_secret_value_is_left_out() -> None:
    batch = protect(span(0, {"order.id": "4111111111111111"}), span(1, {"order.id": "7"}))
    assert set(batch.correlations["value"].to_pylist()) == {"7"}


def test_a_secret_in_a_list_an_event_or_a_resource_is_no_business_key() -> None:
    sent = span(0, {"order.id": ["4111111111111111", "7"]})
    sent.events.add(
        time_unix_nano=START,
        attributes=key_values({"token.id": 8, "user.id": "Bearer abcdefghijklmnopqrstuvwxyz0123"}),
    )
    batch = protect(sent, span(1), resource={"service.name": "s", "secret.id": "9", "tenant.id": "10"})
    assert set(batch.correlations["value"].to_pylist()) == {"7", "10"}


def test_values_over_the_limits_are_truncated_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    sent = span(0, {"a": "x" * 20, "b": 1, "c": 2})
    sent.dropped_attributes_count = 5
    batch = protect(sent, span(1, {"d": 1}), limits=AttributeLimits(attributes=2, length=10))
    assert attributes(batch) == {"a": "xxxxxxxxxx… [cut: 20 characters]", "b": 1}
    assert batch.spans["dropped_attributes"].to_pylist() == [6, 0]
    assert "1 value(s) cut, 1 attribute(s) dropped" in caplog.text


def test_an_empty_batch_stays_empty() -> None:
    assert protect().spans.num_rows == 0


SECRETS = (CARD, "5105105105105100", "Bearer abcdefghijklmnopqrstuv", "://u:p@h", "?token=a", "&x=1")
pieces = st.sampled_from([*SECRETS, "password", "api", "key", *'_. é\\7x\n\t"'])
texts = st.lists(pieces, max_size=6).map("".join)


@given(st.dictionaries(texts, texts, max_size=3))
def test_the_pattern_matches_everything_that_the_rules_redact(sent: dict[str, str]) -> None:
    redactor = Redactor()
    kept = {redactor.redact_text(key): redactor.redact(key, value) for key, value in sent.items()}
    batch = protect(span(0, sent))
    stored = batch.spans["attributes"][0].as_py()
    assert stored == (to_json(kept) if kept else None)
