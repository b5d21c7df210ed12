from dataclasses import replace
from io import StringIO

from rich.console import Console

from laban_app.cli import terminal
from laban_app.cli.lag_text import show_lag
from laban_app.cli.tables import show_map
from laban_app.cli.waiting_text import show_waiting
from laban_collector.store.rows import Lag, LagProblem, LagRate, Unread, UnreadMessage, UnreadRange
from laban_mapper.lag import report
from laban_mapper.model import QueueCause
from laban_mapper.service_map import build_service_map
from laban_mapper.times import utc_time
from laban_mapper.waiting import Evidence, with_waiting

from ...mapper.shop_spans import MS, T0, lag
from ...mapper.test_service_map import HOPS

EMAIL = replace(lag("email", "orders", 4, 10, 3.5), seconds_from="interpolated", members=0)


def console() -> Console:
    return Console(file=StringIO(), width=120)


def text_of(shown: Console) -> str:
    assert isinstance(shown.file, StringIO)
    return shown.file.getvalue()


def lag_text(rows: list[Lag], problems: list[LagProblem] | None = None) -> str:
    shown = console()
    show_lag(terminal.safe(report(rows, problems or [])), shown)
    return text_of(shown)


def cells(text: str, word: str) -> list[str]:
    return next(line.split() for line in text.splitlines() if word in line)


def test_the_time_of_the_newest_poll_is_told() -> None:
    newer = replace(EMAIL, topic="payments", time=T0 + 60_000 * MS)
    empty = Evidence(unread={}, keys={}, rates=[], causes={}, edges=[])
    for text in (lag_text([EMAIL, newer]), waiting_text([EMAIL, newer], empty)):
        assert f"polled at {utc_time(newer.time):%Y-%m-%d %H:%M:%S} UTC" in text
    assert "polled" not in lag_text([])


def test_a_group_in_one_cluster_has_no_cluster_column() -> None:
    text = lag_text([EMAIL])
    assert cells(text, "email") == ["email", "STALL", "orders", "0", "4", "10", "6", "~3.5", "s"]
    assert "cluster" not in text
    assert "lost" not in text


def test_time_that_is_only_estimated_is_marked() -> None:
    assert "~ estimated" in lag_text([EMAIL])
    known = lag_text([replace(EMAIL, seconds_from="message")])
    assert "~" not in known
    assert "3.5 s" in known


def test_groups_of_several_clusters_are_told_apart() -> None:
    text = lag_text([EMAIL, replace(EMAIL, cluster="staging")])
    assert [line.split()[:2] for line in text.splitlines() if "orders" in line] == [
        ["email", "c"],
        ["email", "staging"],
    ]


def test_lost_messages_have_a_column() -> None:
    text = lag_text([replace(EMAIL, start=7, messages=3, lost=3)])
    assert "lost: deleted by retention" in text
    assert cells(text, "email")[6:8] == ["3", "3"]


def test_what_could_not_be_read_is_listed_with_the_reason() -> None:
    problems = [
        LagProblem(T0, "c", "audit", None, None, "not authorised"),
        LagProblem(T0, "c", None, "orders", 0, "no leader"),
    ]
    text = lag_text([EMAIL], problems)
    assert cells(text, "audit") == ["audit", "not", "authorised"]
    assert "? no leader" in text
    assert "Not read: group audit in c: not authorised" in text
    assert "Not read: topic orders, partition 0 in c: no leader" in text


def test_control_characters_of_a_group_are_made_visible() -> None:
    text = lag_text([replace(EMAIL, group="email\x1b[31m\r\nforged")])
    assert "\x1b" not in text
    assert "email\\x1b[31m forged" in text


def waiting_text(rows: list[Lag], evidence: Evidence) -> str:
    shown = console()
    show_waiting(with_waiting(report(rows), rows, evidence), shown)
    return text_of(shown)


def test_waiting_messages_are_listed_with_names_rates_and_causes() -> None:
    messages = tuple(
        UnreadMessage(offset, T0 - 5000 * MS, "order", f"{offset:032x}", None, {}) for offset in (4, 5)
    )
    slow = QueueCause(
        kind="slow", service="mailer", operation="SMTP", messages=9, of=9, sentence="mailer SMTP is slow"
    )
    text = waiting_text(
        [EMAIL],
        Evidence(
            unread={UnreadRange("email", "orders", 0, 4, 10): Unread(3, 1, messages)},
            keys={f"{4:032x}": [("order.id", "A-4")]},
            rates=[LagRate("c", "email", "orders", 2.0, 5.0)],
            causes={("c", "email", "orders"): [slow]},
            edges=HOPS,
        ),
    )
    assert "email  STALL  0 members" in text
    assert "orders: 5 messages waiting, 1 of 5 known by name, 1 more processed but not committed" in text
    assert "2/s in, 5/s out, drains in 2.0 s" in text
    assert "mailer SMTP is slow" in text
    assert cells(text, "A-4") == ["5.0", "s", "order.id=A-4", "order", "0", "4"]
    assert "Groups without members: email" in text


def test_a_waiting_message_takes_one_line_with_the_keys_that_have_room() -> None:
    message = UnreadMessage(4, T0, "order", f"{4:032x}", None, {})
    keys = [("order.id", "A-4"), ("correlation.id", "c" * 32), ("customer.id", "c-7")]
    evidence = Evidence(
        unread={UnreadRange("email", "orders", 0, 4, 10): Unread(1, 1, (message,))},
        keys={message.trace_id: keys},
        rates=[],
        causes={},
        edges=HOPS,
    )
    answer = with_waiting(report([EMAIL]), [EMAIL], evidence)
    for width, known in ((80, "order.id=A-4, customer.id=c-7"), (60, "order.id=A-4"), (160, "c" * 32)):
        shown = Console(file=StringIO(), width=width)
        show_waiting(answer, shown)
        [line] = [line for line in text_of(shown).splitlines() if "order.id=A-4" in line]
        assert known in line
        assert len(line.rstrip()) <= width


def test_a_group_that_does_not_drain_or_keeps_up_is_said_so() -> None:
    rates = [LagRate("c", "email", "orders", 5.0, 5.0)]
    evidence = Evidence({}, {}, rates, {}, [])
    assert "does not drain" in waiting_text([EMAIL], evidence)
    assert "keeps up" in waiting_text([replace(EMAIL, status="OK")], evidence)
    assert "Nothing waits for email" in waiting_text([replace(EMAIL, committed=10, messages=0)], evidence)


def test_the_map_marks_a_group_that_has_stopped() -> None:
    shown = console()
    polled = [
        replace(EMAIL, status="STOP", messages=1700),
        replace(lag("audit", "orders", 10, 10), status="OK"),
    ]
    show_map(build_service_map(HOPS, polled, utc_time(T0), utc_time(T0 + 60_000 * MS)), shown)
    text = text_of(shown)
    assert "email (group)  ⏸ STOP, 1,700 behind" in text
    assert cells(text, "audit")[1:4] == ["audit", "(group)", "kafka"]
