"""L008: calls whose answer is not used, and calls that only look like that."""

from laban_collector.store.rows import Span
from laban_mapper.findings.async_candidate import RULE

from .shop import call, entry
from .systems import found, many, system_of


def order(*, status: int = 200, ok: bool = True, fails: bool = False, then: bool = False) -> list[Span]:
    root = entry(ok=not fails)
    spans = [root, *call("order", "email", 10, 40, root, ok=ok, http_status=status if ok else None)]
    return spans + (call("order", "payment", 55, 20, root) if then else [])


def test_a_call_whose_answer_has_no_content() -> None:
    [finding] = found(RULE, system_of(many(lambda: order(status=202, then=True))))
    assert (finding.severity, finding.place) == ("info", "order → email POST /email")
    assert finding.sentence == (
        "order POST /orders waits for email POST /email, but the answer has no content (30 of 30 calls): p50 "
        "40 ms, p95 40 ms, 40 % of its time"
    )


def test_a_last_call_whose_failures_do_not_matter() -> None:
    traces = [*many(order, 27), *many(lambda: order(ok=False), 3)]
    [finding] = found(RULE, system_of(traces))
    assert "but the caller went on without it all 3 times that it failed, and does nothing after it" in (
        finding.sentence
    )


def test_without_evidence_nothing_is_said() -> None:
    assert not found(RULE, system_of(many(order)))


def test_a_call_that_fails_its_caller_or_is_followed_by_another_one_is_none() -> None:
    assert not found(RULE, system_of([*many(order, 27), *many(lambda: order(ok=False, fails=True), 3)]))
    followed = [*many(lambda: order(then=True), 27), *many(lambda: order(ok=False, then=True), 3)]
    assert not found(RULE, system_of(followed))
    assert not found(
        RULE, system_of([*many(lambda: order(status=202)), *many(lambda: order(ok=False, fails=True), 3)])
    )


def test_a_read_is_none() -> None:
    def read() -> list[Span]:
        root = entry()
        return [root, *call("order", "email", 10, 40, root, route="GET /email", http_status=204)]

    assert not found(RULE, system_of(many(read)))
