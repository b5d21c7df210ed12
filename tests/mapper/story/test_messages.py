"""Who consumed a message: parents, links and addresses are all evidence, and none hides another."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from laban_collector.store.rows import Span
from laban_mapper.model import GroupState, Story
from laban_mapper.story.builder import build_story
from laban_mapper.story.messages import Consumption

from ..shop_spans import MS, grpc_client, http_server, process, publish, raised, span

OTHER_TRACE = "d" * 32
AT = {"messaging_system": "kafka", "topic": "orders"}


def order() -> tuple[Span, Span]:
    created = http_server("order", "POST /orders", 0, 80)
    return created, publish("order", "orders", 50, created)


def receive(service: str, at: float, *, links: Sequence[Span] = (), kind: int = 5, **fields: object) -> Span:
    """A receive span that starts a trace of its own."""
    given = {**AT, "messaging_operation": "receive", "trace_id": OTHER_TRACE, **fields}
    return span(service, "receive orders", kind, at, 5, None, links=_links(links), **given)


def handle(above: Span, at: float, *, links: Sequence[Span] = (), **fields: object) -> Span:
    """A process span below a receive span."""
    given = {**AT, "messaging_operation": "process", **fields}
    return span(above.service, "process orders", 5, at, 20, above, links=_links(links), **given)


def _links(spans: Sequence[Span]) -> tuple[tuple[str, str], ...]:
    return tuple((linked.trace_id, linked.span_id) for linked in spans)


def groups(story: Story) -> list[GroupState]:
    """The groups of the only message."""
    [message] = story.messages
    return message.groups


def story_of(*spans: Span, consumption: Consumption | None = None) -> Story:
    return build_story("order", "123", spans, consumption)


@pytest.mark.parametrize(
    ("published", "consumed", "expected"),
    [
        ({}, {}, (None, None)),
        ({"message_type": "OrderCreated", "message_version": "2"}, {}, ("OrderCreated", "2")),
        ({}, {"message_type": "OrderCreated", "message_version": "2"}, ("OrderCreated", "2")),
        ({"message_type": "OrderCreated"}, {"message_version": "2"}, ("OrderCreated", "2")),
        ({"message_type": "a"}, {"message_type": "b", "message_version": "2"}, ("a", None)),
    ],
)
def test_a_message_is_what_its_publisher_says_or_else_its_consumer(
    published: dict[str, str], consumed: dict[str, str], expected: tuple[str | None, str | None]
) -> None:
    created, sent = order()
    sent = replace(sent, **published)  # type: ignore[arg-type]
    handled = replace(process("billing", sent, 100, 20, "billing"), **consumed)  # type: ignore[arg-type]
    [message] = story_of(created, sent, handled).messages
    assert (message.event_type, message.version) == expected


def test_a_process_span_with_a_parent_and_a_link_consumed_the_linked_message() -> None:
    created, published = order()
    received = receive("billing", 100, group="billing")
    handled = handle(received, 106, links=[published], group="billing")
    story = story_of(created, published, received, handled)
    [state] = groups(story)
    assert (state.group, state.state, state.attempts) == ("billing", "processed", 1)
    assert state.wait_ms == pytest.approx(56)
    assert state.duration_ms == 20
    assert story.outcome == "ok"


def test_a_receive_span_is_caused_by_the_message_that_was_processed_below_it() -> None:
    created, published = order()
    received = receive("billing", 100)
    handled = handle(received, 106, links=[published])
    steps = story_of(created, published, received, handled).steps
    assert [(step.operation, step.cause, step.by_message) for step in steps] == [
        ("POST /orders", None, False),
        ("publish orders", 0, False),
        ("receive orders", 1, True),
        ("process orders", 2, False),
    ]
    assert all(step.critical for step in steps)


def test_a_loop_that_began_before_the_message_is_not_caused_by_it() -> None:
    created, published = order()
    loop = span("billing", "poll loop", 1, -5000, 60_000, trace_id=OTHER_TRACE)
    handled = handle(loop, 106, links=[published])
    steps = story_of(created, published, loop, handled).steps
    by_name = {step.operation: step for step in steps}
    assert by_name["poll loop"].cause is None
    assert steps[by_name["process orders"].cause or 0].operation == "publish orders"


@pytest.mark.parametrize("kind", [3, 5])
def test_a_process_span_without_a_link_consumed_what_its_receive_span_links_to(kind: int) -> None:
    created, published = order()
    received = receive("billing", 100, kind=kind, links=[published])
    handled = handle(received, 106, status=2, events=raised("ValueError", "no card"))
    [state] = groups(story_of(created, published, received, handled))
    assert (state.state, state.error, state.duration_ms) == ("failed", "ValueError: no card", 20)


@pytest.mark.parametrize(
    ("on_receive", "on_process"),
    [
        ({"group": "bills"}, {}),
        ({}, {"group": "bills"}),
        ({"group": "bills", "partition": 0, "offset": 7}, {}),
        ({"partition": 0, "offset": 7}, {"group": "bills"}),
        ({"group": "bills"}, {"partition": 0, "offset": 7}),
        ({}, {"group": "bills", "partition": 0, "offset": 7}),
    ],
)
def test_a_receive_and_a_process_span_are_one_consumption_whatever_each_knows(
    on_receive: dict[str, object], on_process: dict[str, object]
) -> None:
    created, published = order()
    has_address = "offset" in on_receive or "offset" in on_process
    received = replace(receive("billing", 100), **on_receive)  # type: ignore[arg-type]
    handled = handle(received, 106, links=() if has_address else [published], **on_process)
    known = Consumption(groups={"orders": {"bills": "billing"}})
    [state] = groups(story_of(created, published, received, handled, consumption=known))
    assert (state.group, state.state, state.attempts, state.duration_ms) == ("bills", "processed", 1, 20)


def test_a_span_without_a_group_belongs_to_the_known_group_of_its_service() -> None:
    created, published = order()
    handled = replace(process("billing", published, 90, 5), group=None)
    known = Consumption(groups={"orders": {"bills": "billing", "mails": "email"}})
    states = {
        state.group: state.state for state in groups(story_of(created, published, handled, consumption=known))
    }
    assert states == {"bills": "processed", "mails": "unseen"}


def test_the_process_spans_of_a_batch_each_consume_their_own_message() -> None:
    created, first = order()
    second = publish("order", "orders", 60, created, offset=8)
    received = receive("billing", 100, links=[first, second], batch_count=2)
    good = handle(received, 106, links=[first])
    bad = handle(received, 130, links=[second], status=2)
    story = story_of(created, first, second, received, good, bad)
    assert [[state.state for state in message.groups] for message in story.messages] == [
        ["processed"],
        ["failed"],
    ]


def batch_of_two_orders() -> tuple[list[Span], Span]:
    """A batch in which the message of another order fails; and the process span of that message."""
    created, published = order()
    other = replace(published, trace_id="e" * 32)
    received = receive("billing", 100, links=[published, other], batch_count=2)
    good = handle(received, 106, links=[published])
    bad = handle(received, 130, links=[other], status=2)
    below = span("billing", "INSERT", 3, 131, 5, bad, status=2)
    return [created, published, received, good, bad, below], bad


def test_what_a_batch_did_for_other_orders_is_left_out() -> None:
    spans, _ = batch_of_two_orders()
    story = story_of(*spans)
    assert story.outcome == "ok"
    assert [step.operation for step in story.steps][2:] == ["receive orders", "process orders"]
    assert story.notes == ["2 spans of other messages in the same batch left out"]
    assert story.spans == 4


def test_what_a_batch_did_for_a_message_whose_publisher_is_lost_is_kept() -> None:
    spans, bad = batch_of_two_orders()
    spans[4] = replace(bad, links=((spans[0].trace_id, "f" * 16),))
    assert story_of(*spans).spans == 6


def test_spans_that_name_the_order_are_kept() -> None:
    spans, bad = batch_of_two_orders()
    spans[4] = replace(bad, attributes={"order.id": "123"})
    assert story_of(*spans).spans == 6


def test_process_spans_without_links_below_a_batch_say_nothing_about_single_messages() -> None:
    created, first = order()
    second = publish("order", "orders", 60, created, offset=8)
    received = receive("billing", 100, links=[first, second], batch_count=2)
    below = [handle(received, at) for at in (106, 130)]
    story = story_of(created, first, second, received, *below)
    found = [(state.state, state.attempts) for message in story.messages for state in message.groups]
    assert found == [("processed", 1), ("processed", 1)]


def test_one_process_span_can_link_to_the_messages_of_several_producers() -> None:
    created, first = order()
    second = publish("order", "orders", 60, created, offset=8)
    batch = receive("billing", 100, messaging_operation="process", links=[first, second])
    story = story_of(created, first, second, batch)
    assert [message.groups[0].wait_ms for message in story.messages] == [pytest.approx(50), pytest.approx(40)]
    assert next(step for step in story.steps if step.service == "billing").wait_ms == pytest.approx(50)


def test_two_consumers_by_link_only_are_two_groups() -> None:
    created, published = order()
    consumers = [
        receive(service, 100, messaging_operation="process", links=[published], trace_id=f"{number:032x}")
        for number, service in enumerate(("billing", "email"), 1)
    ]
    assert [state.group for state in groups(story_of(created, published, *consumers))] == ["billing", "email"]


def test_a_parent_does_not_hide_the_messages_that_a_span_links_to() -> None:
    created, first = order()
    second = publish("order", "orders", 60, created, offset=8)
    both = replace(process("billing", first, 100, 5), links=_links([second]), offset=None)
    story = story_of(created, first, second, both)
    assert [[state.state for state in message.groups] for message in story.messages] == [["processed"]] * 2


def test_process_spans_inside_each_other_are_one_attempt() -> None:
    created, published = order()
    outer = process("billing", published, 100, 30)
    inner = handle(outer, 105, links=[published])
    [state] = groups(story_of(created, published, outer, inner))
    assert (state.state, state.attempts, state.duration_ms) == ("processed", 1, 30)


def test_a_client_that_sends_has_published() -> None:
    created, published = order()
    sent = replace(published, kind=3)
    story = story_of(created, sent, process("billing", sent, 90, 5))
    assert [state.state for state in groups(story)] == ["processed"]
    assert next(step for step in story.steps if step.kind == "consumer").wait_ms == pytest.approx(40)


@pytest.mark.parametrize("joined", ["link", "child", "parent"])
def test_a_created_and_a_sent_message_are_one(joined: str) -> None:
    created, _ = order()
    sender = replace(publish("order", "orders", 55, created), kind=3)
    above = sender if joined == "child" else created
    made = publish("order", "orders", 50, above, None, messaging_operation="create")
    if joined == "link":
        sender = replace(sender, links=_links([made]))
    elif joined == "parent":
        sender = replace(sender, parent_id=made.span_id)
    story = story_of(created, made, sender, process("billing", made, 90, 5))
    [message] = story.messages
    assert (message.partition, message.offset) == (0, 7)
    assert [state.state for state in message.groups] == ["processed"]


def test_a_batch_that_sends_two_created_messages_is_not_a_third_message() -> None:
    created, _ = order()
    sender = replace(publish("order", "orders", 55, created, offset=None), kind=3)
    made = [
        publish("order", "orders", at, sender, offset=None, messaging_operation="create") for at in (50, 51)
    ]
    story = story_of(created, sender, *made, *(process("billing", one, 90, 5) for one in made))
    assert [[state.attempts for state in message.groups] for message in story.messages] == [[1], [1]]


def test_a_send_span_around_the_send_span_of_the_client_is_the_same_message() -> None:
    created, published = order()
    outer = replace(published, offset=None, partition=None)
    inner = publish("order", "orders", 51, outer)
    [state] = groups(story_of(created, outer, inner, process("billing", inner, 90, 5)))
    assert state.state == "processed"


def test_a_server_called_with_the_message_consumed_it() -> None:
    created, published = order()
    pushed = http_server("billing", "POST /push", 90, 20, published)
    below = grpc_client("billing", "bank.Bank/Charge", 95, 10, pushed)
    story = story_of(created, published, pushed, below)
    [state] = groups(story)
    assert (state.group, state.state) == ("billing", "processed")
    assert state.wait_ms == pytest.approx(40)
    assert [step.by_message for step in story.steps] == [False, False, True, False]
    assert story.outcome == "ok"


def test_spans_of_another_service_directly_below_the_publisher_are_one_consumption() -> None:
    created, published = order()
    calls = [grpc_client("billing", "bank.Bank/Charge", at, 10, published) for at in (90, 110)]
    [state] = groups(story_of(created, published, *calls))
    assert (state.group, state.state, state.attempts) == ("billing", "processed", 1)


def test_spans_of_the_publisher_itself_are_not_a_consumption() -> None:
    created, published = order()
    own = span("order", "serialize", 1, 50, 1, published)
    story = story_of(created, published, own)
    assert groups(story) == []
    assert story.outcome == "incomplete"


def test_acknowledging_a_message_is_not_consuming_it() -> None:
    created, published = order()
    settled = span("billing", "ack", 3, 90, 1, published, messaging_operation="settle", **AT)
    assert groups(story_of(created, published, settled)) == []


def test_a_consumer_behind_the_spans_of_a_broker_consumed_the_message() -> None:
    created, published = order()
    broker = span("broker", "route", 1, 60, 1, published)
    handled = span("billing", "process orders", 5, 90, 5, broker, messaging_operation="process", **AT)
    story = story_of(created, published, broker, handled)
    assert ("billing", "processed") in [(state.group, state.state) for state in groups(story)]


def test_a_client_that_polls_and_a_process_span_are_one_consumption() -> None:
    created, published = order()
    polled = receive("billing", 90, kind=3, messaging_operation="poll", links=[published])
    handled = handle(polled, 96, links=[published])
    story = story_of(created, published, polled, handled)
    [state] = groups(story)
    assert (state.attempts, state.duration_ms) == (1, 20)
    assert [step.operation for step in story.steps][-2:] == ["poll orders", "process orders"]


def test_redelivery_is_a_second_attempt_even_with_receive_spans() -> None:
    created, published = order()
    spans = [created, published]
    for at, status in ((100, 2), (200, 0)):
        received = receive("billing", at, trace_id=f"{at:032x}", links=[published])
        spans += [received, handle(received, at + 6, status=status)]
    [state] = groups(story_of(*spans))
    assert (state.state, state.attempts) == ("retried", 2)


def test_a_poll_that_began_before_the_message_says_nothing_about_clocks() -> None:
    created, published = order()
    polled = receive("billing", -400, kind=3, messaging_operation="poll", links=[published])
    polled = replace(polled, duration=500 * MS)
    handled = handle(polled, 106, links=[published])
    story = story_of(created, published, polled, handled)
    assert (story.notes, story.clock_skew_ms) == ([], {})
    [state] = groups(story)
    assert state.wait_ms == pytest.approx(56)
    assert [step.wait_ms for step in story.steps][-2] is None
    assert story.steps[2].cause == 1
    assert story.started == story.steps[0].time
    assert story.duration_ms == 126


def test_a_poll_without_links_that_began_before_the_message_is_caused_by_it() -> None:
    created, published = order()
    polled = receive("billing", -400)
    polled = replace(polled, duration=500 * MS)
    handled = handle(polled, 106, links=[published])
    steps = story_of(created, published, polled, handled).steps
    assert [(step.operation, step.cause) for step in steps][2:] == [
        ("receive orders", 1),
        ("process orders", 2),
    ]


def test_spans_without_a_kind_publish_and_consume_by_their_operation() -> None:
    created, published = order()
    sent = replace(published, kind=0)
    handled = replace(process("billing", sent, 90, 5), kind=1)
    [state] = groups(story_of(created, sent, handled))
    assert (state.group, state.state) == ("billing", "processed")


def test_a_group_is_not_inherited_across_a_message() -> None:
    created, published = order()
    handled = process("billing", published, 90, 30, group="bills")
    sent = publish("billing", "bills", 95, handled, offset=3)
    own = replace(process("billing", sent, 200, 5), group=None)
    story = story_of(created, published, handled, sent, own)
    assert [[state.group for state in message.groups] for message in story.messages] == [
        ["bills"],
        ["billing"],
    ]
    assert story.steps[-1].by_message


def test_a_message_whose_publisher_does_not_know_the_topic_has_that_of_its_consumer() -> None:
    created, published = order()
    unnamed = replace(published, topic=None, partition=None, offset=None)
    story = story_of(created, unnamed, process("billing", published, 90, 5))
    assert [message.topic for message in story.messages] == ["orders"]
    assert [state.state for state in groups(story)] == ["processed"]


def test_a_queue_of_another_name_than_its_topic_is_the_group() -> None:
    created = http_server("order", "POST /orders", 0, 84)
    sent = publish("order", "orders", 60, created, offset=None, messaging_system="aws.sns")
    queue = {"messaging_system": "aws_sqs", "offset": None}
    received = process("stock", sent, 80, 1, messaging_operation="receive", **queue)
    received = replace(received, group=None, topic="stock-q")
    handled = replace(process("stock", received, 81, 9, **queue), group=None, topic=None)
    [message] = build_story("order", "1", [created, sent, received, handled]).messages
    assert [(state.group, state.state) for state in message.groups] == [("stock-q", "processed")]
