"""What the verdict says of messages that wait for a group."""

from datetime import UTC, datetime

from laban_mapper.model import GroupState, Message
from laban_mapper.story.message_clauses import message_clauses
from laban_mapper.story.messages import Delivery, Published


def waits(group: str, ahead: int, waiting_ms: float | None = None) -> GroupState:
    return GroupState(group=group, state="waiting", messages_ahead=ahead, waiting_ms=waiting_ms)


def published(topic: str, *states: GroupState) -> Published:
    message = Message(
        topic=topic,
        partition=0,
        offset=7,
        published=datetime(2026, 11, 20, tzinfo=UTC),
        service="order",
        groups=list(states),
    )
    return Published(message, tuple(Delivery(state) for state in states))


def test_messages_of_one_topic_that_wait_for_a_group_are_one_clause() -> None:
    told = message_clauses(
        0,
        [
            published("orders", waits("email", 2, 1_800.0)),
            published("orders", waits("email", 3, 1_790.0)),
            published("payments", waits("email", 0, 1_600.0)),
        ],
    )
    assert told == [
        "2 messages on orders still wait for group email, 2 to 3 messages ahead of them (up to 1.8 s so far)",
        "the message on payments still waits for group email as the next one (about 1.6 s so far)",
    ]


def test_groups_for_which_the_same_is_true_share_a_clause() -> None:
    told = message_clauses(0, [published("orders", waits("email", 1), waits("audit", 1))])
    assert told == ["the message on orders still waits for groups email and audit, 1 message ahead of it"]


def test_the_messages_ahead_of_several_are_a_range_or_those_of_each() -> None:
    def told(*ahead: int) -> str:
        [clause] = message_clauses(0, [published("orders", waits("email", count)) for count in ahead])
        return clause.removeprefix(f"{len(ahead)} messages on orders still wait for group email")

    assert told(0, 0) == " as the next ones"
    assert told(0, 1) == ", up to 1 message ahead of them"
    assert told(1_200, 1_200) == ", 1,200 messages ahead of each"


def test_if_a_group_has_read_another_message_the_clause_says_which_share_waits() -> None:
    read = GroupState(group="email", state="processed")
    told = message_clauses(0, [published("orders", waits("email", 4)), published("orders", read)])
    assert told[0] == "1 of 2 messages on orders still waits for group email, 4 messages ahead of it"
