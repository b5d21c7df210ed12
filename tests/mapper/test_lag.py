from dataclasses import replace

from laban_mapper.lag import history, report

from .shop_spans import T0, lag


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
