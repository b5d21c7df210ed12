from dataclasses import replace

from laban_collector.store.rows import LagProblem, MessageRef
from laban_mapper.lag import first_unread, history, problem_place, report

from .shop_spans import MS, T0, lag


def test_the_status_of_a_group_is_that_of_its_worst_partition() -> None:
    rows = [
        lag("email", "orders", 10, 10),
        replace(lag("email", "orders", 4, 10, 3.5), partition=1, status="WARN"),
        replace(lag("audit", "orders", 0, 10), status="STOP"),
    ]
    answer = report(rows)
    assert [(g.group, g.status, g.messages) for g in answer.groups] == [
        ("audit", "STOP", 10),
        ("email", "WARN", 6),
    ]
    assert [(p.partition, p.messages, p.seconds) for p in answer.groups[1].topics] == [
        (0, 0, None),
        (1, 6, 3.5),
    ]


def test_a_group_without_a_commit_is_reported_without_a_number() -> None:
    (group,) = report([lag("email", "orders", None, 10)]).groups
    assert (group.messages, group.topics[0].messages, group.topics[0].committed) == (0, None, None)


def test_history_keeps_every_poll() -> None:
    rows = [replace(lag("email", "orders", read, 10), time=T0 + read) for read in range(3)]
    assert [point.messages for point in history(rows).points] == [10, 9, 8]


def test_groups_of_the_same_name_in_two_clusters_are_two_groups() -> None:
    rows = [
        replace(lag("email", "orders", 4, 10), cluster="staging", status="STOP"),
        lag("email", "orders", 10, 10),
    ]
    groups = report(rows).groups
    assert [(g.group, g.cluster, g.status, g.messages) for g in groups] == [
        ("email", "c", "OK", 0),
        ("email", "staging", "STOP", 6),
    ]


def test_what_retention_took_is_lost_and_not_behind() -> None:
    (group,) = report([replace(lag("email", "orders", 4, 10), start=7, messages=3, lost=3)]).groups
    assert (group.messages, group.lost) == (3, 3)
    assert (group.topics[0].start, group.topics[0].lost) == (7, 3)


def problem(
    group: str | None, topic: str | None, partition: int | None, reason: str, cluster: str = "c"
) -> LagProblem:
    return LagProblem(T0, cluster, group, topic, partition, reason)


def test_a_group_that_could_not_be_read_is_reported_without_a_status() -> None:
    answer = report([lag("email", "orders", 10, 10)], [problem("audit", None, None, "not authorised")])
    assert [(g.group, g.status, g.problem) for g in answer.groups] == [
        ("audit", None, "not authorised"),
        ("email", "OK", None),
    ]
    assert [problem_place(one) for one in answer.problems] == ["group audit in c"]


def test_what_an_earlier_poll_read_is_marked_with_the_problem() -> None:
    rows = [lag("email", "orders", 4, 10), replace(lag("email", "orders", 4, 10), partition=1)]
    answer = report(rows, [problem(None, "orders", 1, "no leader")])
    assert [lag.problem for lag in answer.groups[0].topics] == [None, "no leader"]
    assert [problem_place(one) for one in answer.problems] == ["topic orders, partition 1 in c"]
    elsewhere = report(rows, [problem(None, "orders", 1, "no leader", "staging")])
    assert [lag.problem for lag in elsewhere.groups[0].topics] == [None, None]
    everything = report(rows, [problem(None, None, None, "broker does not answer")])
    assert [lag.problem for lag in everything.groups[0].topics] == ["broker does not answer"] * 2


def test_the_span_of_the_first_unread_message_tells_its_age() -> None:
    row = replace(lag("email", "orders", 4, 10, 3.5), seconds_from="interpolated")
    unread = first_unread([row])
    assert unread == {MessageRef("orders", 0, 4): row}
    (group,) = report([row], [], {MessageRef("orders", 0, 4): T0 - 2000 * MS}).groups
    assert (group.topics[0].seconds, group.topics[0].seconds_from) == (2.0, "span")
    (group,) = report([row]).groups
    assert (group.topics[0].seconds, group.topics[0].seconds_from) == (3.5, "interpolated")


def test_no_span_is_asked_for_where_it_could_be_the_wrong_one() -> None:
    row = lag("email", "orders", 4, 10)
    assert first_unread([lag("email", "orders", 10, 10)]) == {}
    assert first_unread([lag("email", "orders", None, 10)]) == {}
    assert first_unread([replace(row, seconds_from="message")]) == {}
    assert first_unread([row, replace(row, group="audit", cluster="staging")]) == {}
    assert list(first_unread([replace(row, start=7)])) == [MessageRef("orders", 0, 7)]
