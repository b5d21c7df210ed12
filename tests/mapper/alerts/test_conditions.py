"""Each condition: a situation in which it is true, and one that is close and in which it is not."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from laban_collector.store.rows import EntryTimes
from laban_mapper.alerts.evaluating import MOST, evaluate
from laban_mapper.alerts.facts import DeadLetters, Situation
from laban_mapper.alerts.limits import AlertLimits
from laban_mapper.alerts.registry import CONDITIONS
from laban_mapper.findings.thresholds import Objectives
from laban_mapper.model import (
    BusinessKey,
    Finding,
    GroupLag,
    LagReport,
    LagStatus,
    PartitionLag,
    WaitingMessage,
    WaitingTopic,
)
from laban_mapper.model_alerts import Alert

NOW = datetime(2026, 11, 29, tzinfo=UTC)
DASHBOARD = "https://laban.example/"
DOCUMENT = Path(__file__).parents[3] / "docs" / "integrations.md"


def lag(
    status: LagStatus, messages: int = 40, seconds: float | None = 90, members: int | None = 1
) -> LagReport:
    partition = PartitionLag(
        topic="orders", partition=0, committed=1, end=1 + messages, messages=messages, seconds=seconds,
        status=status, time=NOW,
    )  # fmt: skip
    oldest = WaitingMessage(
        partition=0, offset=1, published=NOW, waiting_ms=90_000, service="order", keys=[], trace_id="ab" * 16
    )
    waiting = WaitingTopic(
        topic="orders", messages=messages, known=1, named=0, processed=0, oldest=[oldest], left_out=0,
        published_per_s=1, consumed_per_s=1, drain_s=None, causes=[],
    )  # fmt: skip
    group = GroupLag(
        group="mail", status=status, messages=messages, topics=[partition], members=members, waiting=[waiting]
    )
    return LagReport(groups=[group])


def finding(severity: str = "warning", place: str = "order → pricing", ignored: str | None = None) -> Finding:
    return Finding.model_validate(
        {
            "code": "L001", "name": "deep-sync-chain", "severity": severity, "place": place, "advice": "x",
            "sentence": "it waits for 3 calls", "ignored": ignored, "traces": ["cd" * 16],
        }
    )  # fmt: skip


ENTRY = EntryTimes("order POST /orders", 100, 3, 420e6, ("ef" * 16,), ("12" * 16,))
TRUE = {
    "LabanGroupStopped": Situation(lag=lag("STOP", members=0)),
    "LabanGroupBehind": Situation(lag=lag("WARN")),
    "LabanSlowDrain": Situation(lag=lag("OK"), rates={("", "mail", "orders"): (5.0, 5.05)}),
    "LabanQueueObjective": Situation(lag=lag("OK"), objectives=Objectives(queue={"mail": 60})),
    "LabanLatencyObjective": Situation(
        entries=[ENTRY], objectives=Objectives(latency={"order POST /orders": 300})
    ),
    "LabanErrorObjective": Situation(
        entries=[ENTRY], objectives=Objectives(errors={"order POST /orders": 0.01})
    ),
    "LabanDeadLetters": Situation(dead_letters=[DeadLetters("orders.dlq", 3, ["mail"], ["34" * 16])]),
    "LabanNewFinding": Situation(findings=[finding()], known={"L001 order → user"}),
}
SENTENCES = {
    "LabanGroupStopped": "mail has no members and commits nothing: 40 messages of orders wait, the "
    "oldest for 1 min 30 s",
    "LabanGroupBehind": "mail falls behind; 40 messages of orders wait, the oldest for 1 min 30 s",
    "LabanSlowDrain": "the queue of mail in orders does not get shorter: 40 messages wait, 5.0 come per "
    "second and 5.0 are consumed",
    "LabanQueueObjective": "a message of orders waits for mail for 1 min 30 s; promised are 1 min",
    "LabanLatencyObjective": "95 % of 100 requests of order POST /orders took up to 420 ms; promised "
    "are 300 ms",
    "LabanErrorObjective": "3 of 100 requests of order POST /orders failed (3 %); promised are at most 1 %",
    "LabanDeadLetters": "mail gave up on 3 messages in 5 min, now in orders.dlq",
    "LabanNewFinding": "L001 deep-sync-chain, order → pricing: it waits for 3 calls",
}
CLOSE = [
    Situation(lag=lag("STOP", messages=9), rates={("", "mail", "orders"): (5.0, 1.0)}),
    Situation(
        lag=lag("OK"), rates={("", "mail", "orders"): (5.0, 6.0)}, objectives=Objectives(queue={"mail": 90})
    ),
    Situation(lag=lag("OK", seconds=None), rates={("", "mail", "orders"): (None, 6.0)}),
    Situation(lag=lag("WARN"), limits=AlertLimits(lag_statuses=("REWIND",))),
    Situation(entries=[ENTRY], objectives=Objectives(latency={"order POST /orders": 420})),
    Situation(entries=[ENTRY], objectives=Objectives(errors={"order POST /orders": 0.03})),
    Situation(entries=[ENTRY._replace(calls=19)], objectives=Objectives(latency={"order POST /orders": 1})),
    Situation(dead_letters=[DeadLetters("orders.dlq", 3, ["mail"])], limits=AlertLimits(dead_letters=4)),
    Situation(findings=[finding()], known={"L001 order → pricing"}),
    Situation(findings=[finding("info"), finding(ignored="meant")], known=()),
    Situation(findings=[finding()], known=None),
]


def alerts(situation: Situation) -> list[Alert]:
    return evaluate(situation, DASHBOARD, lambda _: None).alerts


@pytest.mark.parametrize("name", [condition.name for condition in CONDITIONS])
def test_a_condition_is_told_with_its_numbers_and_a_proof(name: str) -> None:
    [alert] = alerts(TRUE[name])
    assert (alert.name, alert.sentence) == (name, SENTENCES[name])
    assert alert.numbers or name == "LabanNewFinding"
    assert alert.link == f"{DASHBOARD}order?order=trace%3D{alert.traces[0]}"


@pytest.mark.parametrize("number", range(len(CLOSE)))
def test_nothing_is_told_of_a_situation_that_is_close(number: int) -> None:
    assert alerts(CLOSE[number]) == []


def test_an_alert_names_the_order_of_its_first_trace_that_has_one() -> None:
    traces = ["34" * 16, "56" * 16]
    situation = Situation(dead_letters=[DeadLetters("orders.dlq", 3, ["mail"], traces)])
    order = BusinessKey(key="order.id", value="10/03")
    [alert] = evaluate(situation, DASHBOARD, {traces[1]: order}.get).alerts
    assert alert.order == order
    assert alert.link == f"{DASHBOARD}order?order=order.id%3D10%2F03"


def test_without_a_trace_the_link_is_the_page_that_shows_it() -> None:
    report = lag("STOP")
    groups = [group.model_copy(update={"waiting": None, "group": "m & n"}) for group in report.groups]
    [alert] = alerts(Situation(lag=LagReport(groups=groups)))
    assert alert.link == f"{DASHBOARD}lag?group=m%20%26%20n"


def test_the_cluster_is_part_of_the_place_only_if_there_are_several() -> None:
    [group] = lag("STOP").groups
    of_clusters = [group.model_copy(update={"cluster": name}) for name in ("east", "west")]
    both = alerts(Situation(lag=LagReport(groups=of_clusters)))
    assert [alert.place for alert in both] == [
        "group mail, topic orders in east",
        "group mail, topic orders in west",
    ]
    [alone] = alerts(Situation(lag=LagReport(groups=of_clusters[:1])))
    assert alone.place == "group mail, topic orders"


def test_the_worst_come_first_and_what_is_too_much_is_counted() -> None:
    letters = [DeadLetters(f"t{number}.dlq", 1, ["mail"]) for number in range(MOST)]
    found = evaluate(replace(TRUE["LabanGroupStopped"], dead_letters=letters), DASHBOARD, lambda _: None)
    assert found.alerts[0].name == "LabanGroupStopped"
    assert (len(found.alerts), found.left_out) == (MOST, 1)


def test_the_document_has_every_condition() -> None:
    rows = [f"| `{one.name}` | {one.severity} | {one.meaning} |" for one in CONDITIONS]
    table = "\n".join(["| alert | usually | when |", "|---|---|---|", *rows])
    assert f"<!-- conditions: generated -->\n\n{table}\n\n<!--" in DOCUMENT.read_text(encoding="utf-8")
