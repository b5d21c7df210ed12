"""A check finds each kind of drift, and none where there is none or too little traffic to tell."""

from collections.abc import Sequence

import pytest

from laban_mapper.drift.answers import Allowed, Checked, answer_of, report_of
from laban_mapper.drift.checking import check
from laban_mapper.drift.drifts import Drift
from laban_mapper.drift.file_reader import read_choreography
from laban_mapper.drift.file_writer import to_yaml
from laban_mapper.drift.kinds import KINDS, RULES
from laban_mapper.drift.yaml_nodes import Document
from laban_mapper.model import Edge
from laban_mapper.model_drift import Choreography

from .systems import BEGIN, END, HYBRID, MONOLITH, OTHER_PROOF, PROOF, contract, edge, ran


def drifts(
    before: Choreography, after: Choreography, learned: Choreography | None = None, *, complete: bool = False
) -> list[Drift]:
    file = Document("choreography.yaml", to_yaml(before).encode())
    return check(read_choreography(file), after, learned, complete=complete)


def told(before: Sequence[Edge], after: Sequence[Edge]) -> dict[str, list[str]]:
    """The places by kind."""
    found: dict[str, list[str]] = {}
    for drift in drifts(ran(*before), ran(*after)):
        found.setdefault(drift.kind, []).append(drift.place)
    return found


def without(edges: Sequence[Edge], *ends: str) -> list[Edge]:
    return [one for one in edges if not {one.source, one.target} & set(ends)]


def test_the_same_system_has_no_drift() -> None:
    for edges in (MONOLITH, HYBRID):
        assert told(edges, edges) == {}


def test_calls_that_became_messages_are_one_drift_each_with_a_proof() -> None:
    found = drifts(ran(*MONOLITH), ran(*HYBRID))
    assert [(drift.kind, drift.place) for drift in found] == [
        ("sync-to-async", "order → email"),
        ("sync-to-async", "order → inventory"),
    ]
    assert found[0].sentence == (
        "order no longer calls email (http), but publishes to the topic orders, 300 times, which email "
        "consumes."
    )
    assert all(drift.traces == (PROOF,) and drift.line for drift in found)


def test_messages_that_became_calls_are_one_drift_each() -> None:
    assert told(HYBRID, MONOLITH) == {"async-to-sync": ["order → email", "order → inventory"]}


def test_a_call_that_stays_beside_new_messages_has_not_turned() -> None:
    assert told(MONOLITH, [*MONOLITH, *HYBRID[1:3], HYBRID[4]]) == {
        "new-publisher": ["order → topic orders"],
        "new-consumer": ["topic orders, group inventory"],
    }


def test_new_and_gone_calls_and_services() -> None:
    more = [*MONOLITH, edge("service:email", "service:smtp", 40)]
    assert told(MONOLITH, more) == {"new-call": ["email → smtp"], "new-service": ["service smtp"]}
    assert told(more, MONOLITH) == {"gone-call": ["email → smtp"], "gone-service": ["service smtp"]}


def test_a_new_and_a_lost_group() -> None:
    more = [*HYBRID, edge("topic:orders", "group:audit"), edge("group:audit", "service:email")]
    assert told(HYBRID, more) == {"new-consumer": ["topic orders, group audit"]}
    assert told(more, HYBRID) == {"gone-consumer": ["topic orders, group audit"]}


def test_a_group_that_only_its_offsets_show_is_new() -> None:
    silent = edge("topic:orders", "group:spy", 0)
    [drift] = drifts(ran(*HYBRID), ran(*HYBRID, silent))
    assert (drift.kind, drift.traces) == ("new-consumer", ())
    assert "known by its committed offsets" in drift.sentence


def test_a_traced_group_of_which_only_the_offsets_are_left_is_gone() -> None:
    silent = edge("topic:orders", "group:email", 0)
    left = [*without(HYBRID, "group:email", "service:email"), silent]
    found = drifts(ran(*HYBRID), ran(*left))
    assert [drift.kind for drift in found] == ["gone-consumer", "gone-service"]
    # It never sent spans: its offsets are all that was ever known.
    assert drifts(ran(*left), ran(*left)) == []


def test_a_group_that_another_service_works_for_has_moved() -> None:
    moved = [*without(HYBRID, "service:email"), edge("group:email", "service:mailer")]
    found = told(HYBRID, moved)
    assert found["moved-consumer"] == ["topic orders, group email"]
    assert "new-consumer" not in found


def test_another_protocol_is_one_drift() -> None:
    by_http = [*without(MONOLITH, "database:postgresql/stock", "service:email")]
    changed = [one.model_copy(update={"protocol": "http"}) for one in by_http]
    [drift] = drifts(ran(*by_http), ran(*changed))
    assert (drift.kind, drift.place) == ("changed-protocol", "order → inventory")
    assert "by http, 300 times, instead of grpc" in drift.sentence


def test_another_version_of_an_event_is_one_drift() -> None:
    def with_version(*versions: str) -> list[Edge]:
        events = [contract("OrderCreated", version, 100) for version in versions]
        return [
            *without(HYBRID, "entry:clients"),
            edge("service:order", "topic:orders", contracts=events),
        ]

    assert told(with_version("1"), with_version("2")) == {
        "changed-event-version": ["topic orders, event OrderCreated"]
    }
    [drift] = drifts(ran(*with_version("1")), ran(*with_version("2")))
    assert drift.sentence == "event OrderCreated on topic orders: version 2 instead of 1, 100 times."
    assert drift.traces == (OTHER_PROOF,)
    assert told(with_version("1"), with_version("1", "2")) == {
        "new-event": ["topic orders, event OrderCreated"]
    }
    assert told(with_version("1"), with_version()) == {}  # messages no longer say what they are


def test_a_new_operation_counts_unless_the_file_lists_none() -> None:
    before = to_yaml(ran(*MONOLITH))
    shorter = before.replace("- POST /emails", "- POST /mails")
    file = read_choreography(Document("f", shorter.encode()))
    assert [drift.kind for drift in check(file, ran(*MONOLITH))] == ["gone-operation", "new-operation"]
    none = before.replace("http:\n        - POST /emails", "http: []")
    assert check(read_choreography(Document("f", none.encode())), ran(*MONOLITH)) == []
    many = before.replace("- POST /emails", '- "*"')
    assert check(read_choreography(Document("f", many.encode())), ran(*MONOLITH)) == []


@pytest.mark.parametrize(("calls", "kind"), [(3, "too-little-traffic"), (300, "gone-call")])
def test_what_is_gone_needs_traffic_to_be_told(calls: int, kind: str) -> None:
    few = [one.model_copy(update={"calls": calls}) for one in without(MONOLITH, "service:email")]
    found = drifts(ran(*MONOLITH), ran(*few))
    assert {drift.kind for drift in found if drift.place == "order → email"} == {kind}
    if kind == "too-little-traffic":
        assert "order was active 3 times: not enough traffic to tell" in found[0].sentence


def test_what_usually_happens_rarely_is_told_only_after_much_traffic() -> None:
    rare = [*without(MONOLITH, "service:email"), edge("service:order", "service:email", 3)]
    found = drifts(ran(*rare), ran(*without(MONOLITH, "service:email")), ran(*rare))
    assert "gone-call" not in {drift.kind for drift in found}
    [untold] = [drift for drift in found if drift.place == "order → email"]
    assert untold.numbers == {"chances": 300, "share": 0.01, "expected": 3.0}
    often = drifts(ran(*MONOLITH), ran(*without(MONOLITH, "service:email")), ran(*MONOLITH))
    [gone] = [drift for drift in often if drift.kind == "gone-call"]
    assert "it happened in 100.00% before: about 300 were to be expected" in gone.sentence


def test_complete_traffic_tells_at_once() -> None:
    few = [one.model_copy(update={"calls": 1}) for one in without(MONOLITH, "service:email")]
    found = drifts(ran(*MONOLITH), ran(*few), complete=True)
    assert {drift.kind for drift in found} == {"gone-call", "gone-service"}


def test_places_marked_as_optional_may_be_absent() -> None:
    text = to_yaml(ran(*MONOLITH), ["order → email", "service email", "order → email, POST /emails"])
    file = read_choreography(Document("f", text.encode()))
    assert check(file, ran(*without(MONOLITH, "service:email"))) == []


def test_allowed_kinds_do_not_count() -> None:
    more = [*HYBRID, edge("topic:orders", "group:audit"), edge("group:audit", "service:email")]
    found = drifts(ran(*HYBRID), ran(*more))
    checked = Checked("f", "choreography", BEGIN, END)
    assert answer_of(checked, found).drifted
    for place in (None, "topic orders, *"):
        answer = answer_of(checked, found, [Allowed("new-consumer", place)])
        assert not answer.drifted
        assert not report_of(answer, "1").failed
        assert answer.items[0].accepted
    assert answer_of(checked, found, [Allowed("new-consumer", "topic payments*")]).drifted


def test_codes_are_stable_and_every_kind_has_one() -> None:
    assert len({rule.code for rule in RULES.values()}) == len(KINDS)
    assert {
        kind: RULES[kind].code for kind in ("new-call", "gone-call", "new-consumer", "sync-to-async")
    } == {
        "new-call": "D111",
        "gone-call": "D112",
        "new-consumer": "D131",
        "sync-to-async": "D141",
    }
