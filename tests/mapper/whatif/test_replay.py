"""What becomes of small systems whose traces are written by hand, for each change."""

import pytest

from laban.vocabulary import LABAN_CIRCUIT_STATE, LABAN_TIMEOUT_MS, LABAN_TIMEOUT_SCOPE, NO_TIMEOUT
from laban_mapper.errors import InvalidChange, UnknownPlace

from ..shop_spans import http_client, http_server, hybrid_order, process, publish, raised
from .systems import Trace, asked, at_once, call, in_sequence, only, refused, sampled


def test_a_slower_call_delays_what_came_after_it() -> None:
    entry = only(asked(sampled((in_sequence, 30)), slow=["a=200ms"]))
    assert (entry.before.p50_ms, entry.after.p50_ms, entry.after.p95_ms) == (100, 300, 300)
    assert entry.after.failed == 0
    late = {step.service: (step.before_ms, step.after_ms) for step in entry.late}
    assert late == {"a": (29, 229), "b": (59, 259), "web": (100, 300)}


def test_a_call_at_the_same_time_delays_only_beyond_the_slowest() -> None:
    entries = sampled((at_once, 30))
    assert only(asked(entries, slow=["a=30ms"])).after.p50_ms == 100
    assert only(asked(entries, slow=["a=50ms"])).after.p50_ms == 120
    assert only(asked(entries, slow=["b=50ms"])).after.p50_ms == 150


def test_calls_that_once_ran_at_the_same_time_do_not_wait_for_each_other() -> None:
    """In the first traces b happens to begin after a; the last one shows that it does not wait."""

    def apart() -> Trace:
        root = http_server("web", "GET /", 0, 100)
        return [root, *call(root, "a", 10, 20), *call(root, "b", 31, 50)]

    assert only(asked(sampled((apart, 30)), slow=["a=50ms"])).after.p50_ms == 150
    assert only(asked(sampled((apart, 29), (at_once, 1)), slow=["a=45ms"])).after.p50_ms == 100


def test_work_that_a_reply_never_waited_for_does_not_delay_it() -> None:
    def leaving_behind() -> Trace:
        root = http_server("web", "GET /", 0, 50)
        return [root, *call(root, "a", 10, 200)]

    entry = only(asked(sampled((leaving_behind, 30)), slow=["a=500ms"]))
    assert (entry.after.p50_ms, entry.late[0].service) == (50, "a")


def test_a_timeout_ends_a_call_and_fails_its_caller() -> None:
    entry = only(asked(sampled((in_sequence, 30)), timeouts=["web->a=15ms"]))
    assert (entry.after.failed, entry.after.p50_ms) == (100, 25)
    assert [(step.service, step.after_of_100) for step in entry.late] == [("b", 0)]


def test_a_recorded_timeout_holds() -> None:
    def limited() -> Trace:
        root = http_server("web", "GET /", 0, 100)
        return [root, *call(root, "a", 10, 20, attributes={LABAN_TIMEOUT_MS: 80})]

    answer = asked(sampled((limited, 30)), slow=["a=1s"])
    assert (only(answer).after.failed, only(answer).after.p50_ms) == (100, 90)
    assert "web waits at most 80 ms for a, as its spans say." in answer.assumptions
    assert only(asked(sampled((limited, 30)), slow=["a=10ms"])).after.p50_ms == 110


def test_an_unknown_timeout_is_said_and_in_the_range() -> None:
    answer = asked(sampled((in_sequence, 30)), slow=["a=1s"])
    entry = only(answer)
    assert (entry.after.failed, entry.after.p50_ms) == (0, 1100)
    assert entry.range.failed is not None
    assert entry.range.failed[1] == 100
    assert any("How long web waits for a is not known" in text for text in answer.assumptions)


def test_a_caller_known_to_wait_without_a_limit_is_not_in_doubt() -> None:
    def patient() -> Trace:
        root = http_server("web", "GET /", 0, 100)
        return [root, *call(root, "a", 10, 20, attributes={LABAN_TIMEOUT_SCOPE: NO_TIMEOUT})]

    entry = only(asked(sampled((patient, 30)), slow=["a=1s"]))
    assert entry.range.p50_ms == (1100, 1100)


def test_an_open_circuit_breaker_is_in_the_range() -> None:
    def guarded() -> Trace:
        root = http_server("web", "GET /", 0, 100)
        attributes = {LABAN_TIMEOUT_MS: 80, LABAN_CIRCUIT_STATE: "closed"}
        return [root, *call(root, "a", 10, 20, attributes=attributes)]

    answer = asked(sampled((guarded, 30)), slow=["a=1s"], retries=["web->a=0"])
    assert only(answer).after.p50_ms == 90
    assert only(answer).range.p50_ms == (10, 160)
    assert any(text.startswith("A circuit breaker guards web → a.") for text in answer.assumptions)


def test_a_timeout_that_was_seen_holds_in_other_traces() -> None:
    def giving_up() -> Trace:
        root = http_server("web", "GET /", 0, 92, http_status=504)
        events = raised("ReadTimeout", "timed out")
        client = http_client("web", "GET", 10, 80, root, status=2, events=events, peer_address="a")
        return [root, client, http_server("a", "GET /a", 11, 300, client)]

    entry = only(asked(sampled((in_sequence, 28), (giving_up, 2)), slow=["a=1s"]))
    assert entry.before.failed == pytest.approx(100 * 2 / 30)
    assert entry.after.failed == 100
    assert entry.after.p50_ms == 90


def test_retries_take_another_recorded_call() -> None:
    """Most calls take 20 ms; with a timeout of 50 ms, only the slow ones are made again."""

    def slow_one() -> Trace:
        root = http_server("web", "GET /", 0, 180)
        return [root, *call(root, "a", 10, 100), *call(root, "b", 120, 20)]

    entries = sampled((in_sequence, 27), (slow_one, 3))
    without = only(asked(entries, timeouts=["web->a=50ms"]))
    assert without.after.failed == pytest.approx(10)
    again = only(asked(entries, timeouts=["web->a=50ms"], retries=["web->a=3"]))
    assert again.after.failed == 0
    assert again.after.p95_ms == pytest.approx(150, abs=51)


def test_a_retry_rescues_a_request_that_had_failed() -> None:
    answer = asked(sampled((in_sequence, 27), (refused(handled=False), 3)), retries=["web->a=5"])
    assert only(answer).before.failed == pytest.approx(10)
    assert only(answer).after.failed == 0
    assert any("web goes on as in one of 27 traces" in text for text in answer.assumptions)


def test_an_async_call_leaves_the_path_of_the_reply() -> None:
    answer = asked(sampled((in_sequence, 30)), turned=["web→a"])
    entry = only(answer)
    assert entry.after.p50_ms == 85  # a publication takes 5 ms, unless traces tell
    assert entry.range.p50_ms == (81, 100)
    assert (entry.after.failed, entry.after.unfinished) == (0, 0)
    assert any("web publishes a message instead of each call of a" in text for text in answer.assumptions)


def test_the_failure_of_an_async_call_comes_later() -> None:
    entry = only(asked(sampled((in_sequence, 30)), turned=["web->a"], down=["a"]))
    assert (entry.after.failed, entry.after.unfinished) == (0, 100)


def test_a_publication_takes_what_it_takes_in_traces() -> None:
    def publishing() -> Trace:
        root = http_server("web", "GET /", 0, 100)
        sent = publish("web", "events", 70, root)
        return [root, *call(root, "a", 10, 20), sent, process("b", sent, 90, 5)]

    entry = only(asked(sampled((publishing, 30)), turned=["web->a"]))
    assert entry.after.p50_ms == 82
    assert entry.range.p50_ms == (82, 82)


def test_a_service_that_is_down_fails_its_callers_or_not() -> None:
    answer = asked(sampled((in_sequence, 30)), down=["a"])
    entry = only(answer)
    assert (entry.after.failed, entry.after.p50_ms) == (100, 11)
    assert entry.range.failed is not None
    assert entry.range.failed[0] == 0
    assert any(
        text.startswith("No trace shows what a caller does when web → a fails") for text in answer.assumptions
    )


@pytest.mark.parametrize(("handled", "failed", "p50_ms"), [(True, 0, 83), (False, 100, 13)])
def test_traces_teach_what_a_caller_does_when_its_call_fails(
    *, handled: bool, failed: float, p50_ms: float
) -> None:
    entry = only(asked(sampled((in_sequence, 30), (refused(handled=handled), 25)), down=["a"]))
    assert entry.after.failed == failed
    assert entry.range.failed is not None
    assert entry.range.failed[1] - entry.range.failed[0] < 25
    # The refusal takes 3 ms instead of 20; of the traces with a failure, nothing changes.
    assert entry.after.p50_ms == p50_ms


def test_who_asks_in_vain_is_no_example_of_a_failure() -> None:
    def in_vain() -> Trace:
        root = http_server("web", "GET /", 0, 100)
        client, server = call(root, "a", 10, 20, http_status=404, status=2)
        return [root, client, server]

    unchanged = only(asked(sampled((in_vain, 30)), slow=["a=5ms"]))
    assert (unchanged.after.failed, unchanged.after.p50_ms) == (0, 105)
    answer = asked(sampled((in_vain, 30)), down=["a"])
    assert only(answer).after.failed == 100
    assert any("No trace shows what a caller does" in text for text in answer.assumptions)


def test_an_entry_of_a_service_that_is_down_gets_no_reply() -> None:
    entry = only(asked(sampled((in_sequence, 30)), down=["web"]))
    assert (entry.after.failed, entry.after.p50_ms) == (100, None)


def test_a_slow_consumer_makes_its_own_step_late_and_not_the_reply() -> None:
    entry = only(asked(sampled((hybrid_order, 30)), slow=["payment=1s"]))
    assert (entry.before.p50_ms, entry.after.p50_ms) == (84, 84)
    late = {(step.service, step.operation): step.by_message for step in entry.late}
    assert late == {("payment", "process orders"): True, ("order", "process payments"): True}


def test_messages_wait_for_a_consumer_that_is_down() -> None:
    entry = only(asked(sampled((hybrid_order, 30)), down=["payment"]))
    assert (entry.after.failed, entry.after.unfinished) == (0, 100)
    assert {step.service for step in entry.late if not step.after_of_100} == {"payment", "order"}


def test_a_database_can_be_slow_or_down() -> None:
    def querying() -> Trace:
        root = http_server("web", "GET /", 0, 100)
        fields = {"db_system": "postgresql", "db_namespace": "shop"}
        query = http_client("web", "SELECT", 10, 20, root, **fields)
        return [root, query]

    entries = sampled((querying, 30))
    assert only(asked(entries, slow=["postgresql=30ms"])).after.p50_ms == 130
    assert only(asked(entries, down=["shop"])).after.failed == 100
    assert only(asked(entries, slow=["web->shop=30ms"])).after.p50_ms == 130


def test_changes_are_combined() -> None:
    entry = only(asked(sampled((in_sequence, 30)), slow=["a=200ms", "b=10ms"], turned=["web->a"]))
    assert entry.after.p50_ms == 95


def test_few_traces_give_no_95th_percentile() -> None:
    entry = only(asked(sampled((in_sequence, 19)), slow=["a=200ms"]))
    assert (entry.traces, entry.after.p50_ms, entry.after.p95_ms, entry.range.p95_ms) == (19, 300, None, None)


def test_incomplete_traces_are_left_out_and_counted() -> None:
    def without_a_callee() -> Trace:
        return [span for span in in_sequence() if span.service != "a"]

    def without_a_parent() -> Trace:
        return [span for span in in_sequence() if span.service != "web" or span.kind == 2]

    entry = only(
        asked(sampled((in_sequence, 25), (without_a_callee, 3), (without_a_parent, 2)), slow=["a=1ms"])
    )
    assert (entry.traces, entry.left_out) == (25, {"incomplete": 5})


def test_what_is_not_affected_is_told_apart() -> None:
    def other() -> Trace:
        return [http_server("web", "GET /other", 0, 10)]

    answer = asked(sampled((other, 40), (in_sequence, 30)), slow=["a=1ms"])
    assert [(entry.entry, entry.affected) for entry in answer.entries] == [
        ("web GET /", True),
        ("web GET /other", False),
    ]


def test_unknown_places_are_refused_with_what_exists() -> None:
    entries = sampled((in_sequence, 3), (hybrid_order, 3))
    with pytest.raises(UnknownPlace, match=r"No recorded trace has a service 'wep'. Did you mean web\?"):
        asked(entries, down=["wep"])
    with pytest.raises(UnknownPlace, match=r"No recorded trace has a call a → b. Calls: web → a, web → b"):
        asked(entries, turned=["a->b"])
    with pytest.raises(UnknownPlace, match="joined by messages already"):
        asked(entries, turned=["order->payment"])
    with pytest.raises(UnknownPlace, match="no trace in this time range"):
        asked((), down=["web"])


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"slow": ["a"]},
        {"slow": ["a=fast"]},
        {"slow": ["a=-5ms"]},
        {"slow": ["a=99999999s"]},
        {"turned": ["web"]},
        {"timeouts": ["web->a=0ms"]},
        {"retries": ["web->a=many"]},
        {"retries": ["web->a=21"]},
        {"down": ["a"] * 51},
    ],
)
def test_what_cannot_be_read_is_refused(given: dict[str, list[str]]) -> None:
    with pytest.raises(InvalidChange):
        asked(sampled((in_sequence, 3)), **given)


def test_long_names_are_shortened_in_the_changes_and_assumptions() -> None:
    long = "a" * 5000

    def called() -> Trace:
        root = http_server("web", "GET /", 0, 100)
        return [root, *call(root, long, 10, 20)]

    for changed in ("down", "slow", "timeouts", "retries"):
        text = {"down": long, "slow": f"{long}=1s"}.get(changed, f"web->{long}=15")
        text += "ms" if changed == "timeouts" else ""
        answer = asked(sampled((called, 30)), **{changed: [text]})
        assert answer.changes
        assert all(len(one) < 500 for one in [*answer.changes, *answer.assumptions]), changed
