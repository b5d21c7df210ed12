"""One content at two offsets was published twice; a message for each item of an order was not."""

from collections.abc import Sequence
from typing import Any

import pytest

from laban_collector.store.rows import Span
from laban_mapper.profiles.usual import Usual
from laban_mapper.story.causes.facts import Claim
from laban_mapper.story.causes.published_twice import published_twice

from ...shop_spans import http_client, http_server, process, publish
from .usual_traces import facts_of, many

SIZE = "messaging.message.body.size"


def order(
    *contents: dict[str, Any], works: Sequence[str] = (), skips: Sequence[str] = (), key: str = "123"
) -> list[Span]:
    """An order that publishes these contents; some consumers work on each, others skip repetitions."""
    top = http_server("order", "POST /orders", 0, 50)
    spans = [top]
    for place, content in enumerate(contents):
        at = 10 + place
        sent = publish("order", "orders", at, top, offset=7 + place, attributes=content, message_key=key)
        spans.append(sent)
        for service in (*works, *skips):
            handled = process(service, sent, at + 50, 10, attributes=content)
            spans.append(handled)
            if service in works or place == 0:
                spans.append(http_client(service, "POST", at + 52, 2, handled))
    return spans


def claims_on(spans: Sequence[Span], usual: Usual | None = None) -> list[Claim]:
    return published_twice(facts_of(spans, usual))


@pytest.mark.parametrize(
    "content",
    [{"cloudevents.event_id": "e1"}, {"messaging.message.id": "m1", SIZE: 10}, {SIZE: 181}],
)
def test_a_repeated_content_is_told_with_what_its_consumers_did(content: dict[str, Any]) -> None:
    spans = order(content, content, works=["billing"], skips=["email"])
    [claim] = claims_on(spans)
    assert claim.sentence == (
        "order published the same message to orders twice (offsets 7 and 8); billing did the work twice; "
        "email skipped the repetition"
    )
    assert (claim.kind, claim.service) == ("published_twice", "order")
    assert [span.offset for span in claim.spans] == [7, 8]
    assert [(span.service, span.offset) for span in claim.explains] == [("billing", 8)]


@pytest.mark.parametrize(
    "contents",
    [
        [{"cloudevents.event_id": "e1", SIZE: 10}, {"cloudevents.event_id": "e2", SIZE: 10}],
        [{SIZE: 10}, {SIZE: 12}],
        [{}, {}],
        [{SIZE: 10}],
    ],
)
def test_other_contents_are_no_repetition(contents: Sequence[dict[str, Any]]) -> None:
    assert claims_on(order(*contents, works=["billing"])) == []


def test_messages_of_equal_size_are_no_repetition_if_the_step_usually_sends_as_many() -> None:
    item = {SIZE: 10}
    assert claims_on(order(item, item, item), many(lambda: order(item, item, item))) == []
    [claim] = claims_on(order(item, item), many(lambda: order(item)))
    assert "twice" in claim.sentence


def test_an_identity_is_proof_whatever_is_usual() -> None:
    content = {"cloudevents.event_id": "e1"}
    assert len(claims_on(order(content, content), many(lambda: order(content, content)))) == 1
