"""L009: circles of calls and of messages, which requests go round or not."""

from dataclasses import replace

from laban_collector.store.rows import Span
from laban_mapper.findings.cycle import RULE
from laban_mapper.model import Edge

from .shop import call, entry, process, publish
from .systems import found, many, system_of


def ask(*services: str) -> list[Span]:
    """A request through some services, one below the other."""
    root = entry(f"GET /{services[0]}", service=services[0])
    spans = [root]
    above, caller = root, services[0]
    for depth, callee in enumerate(services[1:], 1):
        spans += call(caller, callee, 5 * depth, 90 - 10 * depth, above)
        above, caller = spans[-1], callee
    return spans


def messages(rounds: int) -> list[Span]:
    """Messages back and forth between two services."""
    root = entry()
    spans = [root]
    above, at = root, 10.0
    for number in range(rounds):
        asked = publish("order", "orders", at, above, offset=2 * number)
        paid = process("payment", asked, at + 10, 10, "payment")
        told = publish("payment", "payments", at + 15, paid, offset=2 * number)
        above = process("order", told, at + 30, 10, "order")
        spans += [asked, paid, told, above]
        at += 40
    return spans


def test_a_service_that_is_called_again_while_it_waits() -> None:
    [finding] = found(RULE, system_of(many(lambda: ask("web", "cart", "pricing", "cart"))))
    assert (finding.severity, finding.place) == ("warning", "cart → pricing → cart")
    assert finding.sentence == (
        "cart → pricing → cart: a service is called again while it waits, in 30 sampled traces"
    )


def test_services_that_call_each_other_in_different_requests_are_a_remark() -> None:
    traces = [*many(lambda: ask("cart", "pricing")), *many(lambda: ask("pricing", "cart"))]
    [finding] = found(RULE, system_of(traces))
    assert finding.severity == "info"
    assert finding.sentence.endswith("these services call each other, but no sampled request went round")


def test_a_request_that_comes_back_when_nobody_waits_any_more_is_a_remark() -> None:
    """As a browser that is redirected, and takes the trace with it."""

    def redirected() -> list[Span]:
        first = entry("GET /login", service="shop")
        spans = [first, *call("shop", "login", 5, 10, first)]
        return [*spans, *call("login", "shop", 5_000, 20, spans[-1])]

    [finding] = found(RULE, system_of(many(redirected)))
    assert (finding.severity, finding.numbers["traces"]) == ("info", 0)


def test_a_circle_that_no_trace_of_all_shows_is_none() -> None:
    """As a ring of parents: it is counted as two calls, and the trace shows one."""
    system = system_of(many(lambda: ask("cart", "pricing")))
    back = Edge(
        source="service:pricing", target="service:cart", kind="sync", protocol="rpc", calls=1, errors=0
    )
    wrong = replace(system, map=system.map.model_copy(update={"edges": [*system.map.edges, back]}))
    assert [one.severity for one in found(RULE, wrong)] == ["info"]  # other traces may show it
    assert not found(RULE, replace(wrong, whole=True))
    both = [*many(lambda: ask("cart", "pricing")), *many(lambda: ask("pricing", "cart"))]
    assert found(RULE, replace(system_of(both), whole=True))


def test_a_chain_and_a_service_that_calls_itself_are_none() -> None:
    assert not found(RULE, system_of(many(lambda: ask("web", "cart", "pricing", "user"))))
    assert not found(RULE, system_of(many(lambda: ask("cart", "cart"))))


def test_a_message_that_comes_back_as_another_one_is_a_remark() -> None:
    [finding] = found(RULE, system_of(many(lambda: messages(1))))
    assert (finding.severity, finding.place) == ("info", "order → orders → payment → payments → order")
    assert finding.sentence.endswith(
        "messages lead back to their publisher, but no sampled one went round again"
    )


def test_a_message_that_goes_round_again_is_a_loop() -> None:
    [finding] = found(RULE, system_of(many(lambda: messages(4))))
    assert finding.severity == "warning"
    assert finding.sentence.endswith(
        "a message led to another one of the same topic, up to 4 times in a row, in 30 sampled traces"
    )
    assert finding.advice.startswith("Stop the loop")
