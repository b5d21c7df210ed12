"""L011: retries that multiply the load, and a retry now and then."""

from dataclasses import replace

from laban_collector.store.rows import Span
from laban_mapper.findings.retry_storm import RULE

from .shop import call, entry
from .systems import found, many, system_of


def attempts(
    caller: str, callee: str, parent: Span, count: int, at: float, each: float, below: int = 0
) -> list[Span]:
    """Failed attempts at a call; the callee makes some attempts itself."""
    spans: list[Span] = []
    for number in range(count):
        start = at + number * each
        halves = call(caller, callee, start, each - 1, parent, ok=False)
        spans += halves
        if below:
            spans += attempts(callee, "user", halves[1], below, start + 1, (each - 4) / below)
    return spans


def order(count: int, below: int = 0) -> list[Span]:
    root = entry(took=300, ok=False)
    return [root, *attempts("order", "pricing", root, count, 5, 60, below)]


def good() -> list[Span]:
    root = entry()
    return [root, *call("order", "pricing", 5, 50, root)]


def test_attempts_that_multiply_the_load() -> None:
    [finding] = found(RULE, system_of([*many(good, 15), *many(lambda: order(3), 15)]))
    assert (finding.severity, finding.place) == ("warning", "order → pricing POST /pricing")
    assert finding.sentence == (
        "order calls pricing POST /pricing 2.0 times where once was meant (15 of 30 calls were retried, up "
        "to 3 attempts; 15 failed in the end)"
    )


def test_retries_of_retries() -> None:
    findings = found(RULE, system_of(many(lambda: order(3, 3))))
    [user] = [one for one in findings if one.place.startswith("pricing → user")]
    assert user.sentence.endswith("; callers above retry too: up to 9 calls for one request")
    assert user.numbers["for_one_request_max"] == 9


def test_attempts_that_one_span_stands_for() -> None:
    def urllib3() -> list[Span]:
        root, client, server = good()
        return [root, replace(client, attributes={"laban.retry.attempt": 4}), server]

    [finding] = found(RULE, system_of(many(urllib3)))
    assert finding.numbers["factor"] == 4


def test_a_retry_now_and_then_is_none() -> None:
    def mended() -> list[Span]:
        root = entry(took=200)
        failed = call("order", "pricing", 5, 50, root, ok=False)
        return [root, *failed, *call("order", "pricing", 60, 50, root)]

    assert not found(RULE, system_of([*many(good, 27), *many(mended, 3)]))


def test_the_same_call_twice_without_a_failure_is_none() -> None:
    def twice() -> list[Span]:
        root = entry(took=300)
        return [root, *(one for at in (5, 60, 120) for one in call("order", "pricing", at, 50, root))]

    assert not found(RULE, system_of(many(twice)))
