"""L002: services that all have to answer, or that follow by events."""

from laban_collector.store.rows import Span
from laban_mapper.findings.distributed_monolith import RULE, system_score
from laban_mapper.findings.find import find

from .shop import call, entry, hybrid, monolith, publish
from .systems import found, many, system_of


def test_an_entry_whose_services_all_have_to_answer() -> None:
    traces = [*many(monolith, 27), *many(lambda: monolith(ok=False), 3)]
    of_entry, of_system = found(RULE, system_of(traces))
    assert (of_entry.code, of_entry.severity, of_entry.place) == ("L002", "warning", "order POST /orders")
    assert of_entry.sentence == (
        "order POST /orders scores 0.67 of 1: its reply waits for 4 services, inventory, pricing, payment "
        "and email, for 80 % of its time; 100 % of the services that take part have to answer; when one of "
        "them failed, the reply failed in 3 of 3 traces"
    )
    assert of_system.place == "system"
    assert of_system.sentence == (
        "the system scores 0.67 of 1 as a distributed monolith: in 1 of 1 entry operation that needs other "
        "services, most of them have to answer before the reply; an event instead of a call would lower it "
        "most at order → inventory (to 0.26), order → email (to 0.43) and order → payment (to 0.43)"
    )
    assert of_system.numbers["without order → inventory"] < of_system.numbers["score"]


def test_the_same_order_by_events_is_none() -> None:
    system = system_of(many(hybrid))
    assert not found(RULE, system)
    assert (system_score(system) or 0) < 0.1


def test_one_service_that_has_to_answer_is_none() -> None:
    def two() -> list[Span]:
        root = entry()
        return [root, *call("order", "pricing", 2, 95, root)]

    assert not found(RULE, system_of(many(two)))


def test_an_entry_that_only_reads_needs_its_answers_now() -> None:
    def read() -> list[Span]:
        root = entry("GET /orders/{id}")
        parts = ("pricing", "inventory", "payment", "email")
        return [
            root,
            *(
                one
                for number, name in enumerate(parts)
                for one in call("order", name, 2 + 20 * number, 20, root, route=f"GET /{name}")
            ),
        ]

    of_entry, of_system = found(RULE, system_of(many(read)))
    assert of_entry.severity == of_system.severity == "info"
    assert of_entry.advice.startswith("A reader needs the answer now.")


def test_the_turn_of_an_edge_to_events_is_what_the_score_would_be() -> None:
    """The prediction of the score without an edge is the score of the system that has an event there."""

    def by_event() -> list[Span]:
        spans = monolith()
        root, rest = spans[0], [one for one in spans[1:] if one.service != "inventory"]
        kept = [one for one in rest if one.service != "pricing" and one.peer_address != "inventory.local"]
        return [root, *kept, publish("order", "reservations", 3, root)]

    _, of_system = found(RULE, system_of(many(monolith)))
    predicted = of_system.numbers["without order → inventory"]
    without = system_score(system_of(many(by_event))) or 0
    assert without >= predicted  # there, inventory and pricing still take part, by messages
    assert predicted < of_system.numbers["score"] / 2


def test_the_answer_has_the_score_of_the_system() -> None:
    assert find(system_of(many(monolith))).score == system_score(system_of(many(monolith)))
    assert find(system_of([])).score is None


def test_callees_that_others_call_too_raise_the_score() -> None:
    def elsewhere() -> list[Span]:
        root = entry("POST /carts", service="cart")
        return [root, *call("cart", "payment", 2, 60, root)]

    alone = system_of(many(monolith))
    shared = system_of([*many(monolith), *many(elsewhere)])
    [before, _], [after, *_] = found(RULE, alone), found(RULE, shared)
    assert after.numbers["score"] > before.numbers["score"]
    assert after.sentence.endswith("others call payment too")


def test_requests_that_failed_early_do_not_hide_who_has_to_answer() -> None:
    def early() -> list[Span]:
        root = entry(ok=False)
        return [root, *call("order", "inventory", 2, 30, root, ok=False)]

    alone, with_failures = system_of(many(monolith)), system_of([*many(monolith, 5), *many(early, 45)])
    assert system_score(with_failures) == system_score(alone)
