"""What redaction lets through, and takes away, of generated attributes; any seed is as good as these."""

import json
import random
from collections.abc import Iterable

import pyarrow as pa
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban_collector.batch.attributes import Value
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.protect.limits import AttributeLimits
from laban_collector.protect.protection import Protection
from laban_collector.protect.redaction import Redactor

from ..batches import rows_of
from ..requests import key_values, request, span
from .corpus import Hidden, card_number, ordinary_attributes, secret_attributes

LIMITS = AttributeLimits(attributes=1000, length=10_000)


def stored(spans: Iterable[Span]) -> list[SpanBatch]:
    """The protected batches of spans, decoded by columns and span by span."""
    protection, body = Protection(Redactor(), LIMITS), request(*spans).SerializeToString()
    return [
        OtlpDecoder(KeyFinder(), protection).decode([body]).batch,
        protection.protect(decode([body], KeyFinder()).batch),
    ]


def texts_of(batch: SpanBatch) -> str:
    tables = (batch.spans, batch.resources, batch.scopes, batch.events, batch.links, batch.correlations)
    return "\n".join(json.dumps(table.to_pylist(), default=str, ensure_ascii=False) for table in tables)


def leaks(secrets: Iterable[Hidden], batch: SpanBatch) -> list[Hidden]:
    everything = texts_of(batch)
    return [hidden for hidden in secrets if _twice_in_json(hidden.secret) in everything]


def _twice_in_json(text: str) -> str:
    for _ in range(2):  # the attributes are JSON within JSON
        text = json.dumps(text, ensure_ascii=False)[1:-1]
    return text


@pytest.mark.parametrize("seed", [1, 2])
def test_no_secret_of_three_hundred_gets_through_in_attributes(seed: int) -> None:
    secrets = secret_attributes(seed, 300)
    spans = [span(at, {hidden.key: hidden.value}) for at, hidden in enumerate(secrets)]
    by_columns, by_rows = stored(spans)
    assert rows_of(by_columns) == rows_of(by_rows)
    assert leaks(secrets, by_columns) == []


def test_no_secret_gets_through_in_events_links_names_messages_trace_states_and_keys() -> None:
    secrets = secret_attributes(3, 300)
    spans = []
    for at, hidden in enumerate(secrets):
        sent = span(at)
        is_telling = isinstance(hidden.value, str) and hidden.value != hidden.secret
        text = str(hidden.value) if is_telling else f"password={hidden.secret}"
        place = at % 7
        if place == 0:
            sent.name = text
        elif place == 1:
            sent.status.message = text
        elif place == 2:
            sent.trace_state = text
        elif place == 3:
            sent.events.add(name=text)
        elif place == 4:
            sent.events.add(name="e").attributes.extend(key_values({hidden.key: hidden.value}))
        elif place == 5:
            link = sent.links.add(trace_id=bytes(15) + b"1", span_id=bytes(7) + b"1", trace_state=text)
            link.attributes.extend(key_values({hidden.key: hidden.value}))
        else:
            sent.attributes.extend(key_values({text: "x"}))
        spans.append(sent)
    for batch in stored(spans):
        assert leaks(secrets, batch) == []


def test_at_most_one_of_ten_thousand_ordinary_values_is_taken_for_a_secret() -> None:
    redactor, protection = Redactor(), Protection(Redactor(), LIMITS)
    values: list[tuple[str, Value]] = list(ordinary_attributes(4, 10_000))
    changed = [(key, value) for key, value in values if redactor.redact(key, value) != value]
    assert len(changed) <= 1, changed
    kept = request(
        *(span(at, {key: value}) for at, (key, value) in enumerate(values[:2000]))
    ).SerializeToString()
    batch = OtlpDecoder(KeyFinder(), protection).decode([kept]).batch
    assert texts_of(batch).count("[redacted]") <= 1


def test_a_number_that_is_an_id_by_its_name_is_kept_and_a_card_is_not() -> None:
    redactor, chance = Redactor(), random.Random(6)  # noqa: S311 - a test
    for _ in range(200):
        number = card_number(chance)
        assert redactor.redact("order.id", number) == number
        assert redactor.redact_text(f"paid order {number}").endswith(number)
        assert redactor.redact("card.number", number) == "[redacted]"
        assert redactor.redact("card.number", int(number)) == "[redacted]"


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "=",
            "[",
            "{",
            "'",
            '"',
            "1 ",
            "\n",
            " ",
            "://a:",
            "@",
            "a:b@",
            "thin:a/",
            "INSERT ",
            "INSERT (a) ",
        ),
        *(
            'name="a" ',
            "password '",
            "token=",
            "token: ",
            "AUTH ",
            "eyJ",
            "%3D",
            '{"password":',
            "\\",
            "-p ",
            "<a ",
            "1",
        ),
        *("password=[", "cookie: ", "sid=", "Bearer ", "a AS b", "(", "password(", "-----BEGIN "),
    ],
)
def test_redaction_reads_a_long_text_a_bounded_number_of_times(piece: str) -> None:
    redactor = Redactor()
    text = piece * (40_000 // len(piece))  # a pattern that reads the rest at each position would take minutes
    assert isinstance(redactor.redact_text(f"token mysql curl {text}"), str)
    assert isinstance(redactor.redact_text(text), str)


def test_both_ways_to_search_find_every_text_that_the_rules_change() -> None:
    redactor = Redactor(["customer.email"])
    protection = Protection(redactor, LIMITS)
    texts = [hidden.value for hidden in secret_attributes(5, 3000) if isinstance(hidden.value, str)]
    changed = [text for text in [*texts, "customer.email=ann"] if redactor.redact_text(text) != text]
    assert len(changed) > 1000
    assert len(protection.find_suspects(pa.array(changed))) == len(changed)
    for text in changed:
        around = pa.array(["12", text, "34"])
        assert 1 in protection.find_suspects(around), text


def test_a_search_of_many_texts_and_of_few_finds_the_same_suspects_or_more() -> None:
    protection = Protection(Redactor(), LIMITS)
    texts = [str(value) for _, value in ordinary_attributes(7, 3000)]
    many = set(protection.find_suspects(pa.array(texts)).tolist())
    for start in range(0, len(texts), 100):
        few = protection.find_suspects(pa.array(texts[start : start + 100]))
        assert many.intersection(range(start, start + 100)) <= {start + at for at in few.tolist()}
