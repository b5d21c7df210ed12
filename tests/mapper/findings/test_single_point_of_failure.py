"""L007: a service that several entry operations wait for, or only one."""

from laban_collector.store.rows import Span
from laban_mapper.findings.single_point_of_failure import RULE

from .shop import call, entry, query
from .systems import found, many, system_of


def request(route: str, service: str, *, ok: bool = True, fails: bool = True) -> list[Span]:
    root = entry(route, service=service, ok=ok or not fails)
    return [
        root,
        *call(
            service,
            "user",
            5,
            50,
            root,
            route="GET /users/{id}",
            ok=ok,
            below=[lambda one: [query("user", 8, 20, one)]],
        ),
    ]


def test_a_service_that_several_entries_wait_for() -> None:
    traces = [*many(lambda: request("POST /orders", "order")), *many(lambda: request("POST /carts", "cart"))]
    database, user = found(RULE, system_of(traces))
    assert (database.place, user.place, user.severity) == ("postgresql/shop", "user", "info")
    assert user.sentence == (
        "2 of 2 entry operations wait for user (cart POST /carts and order POST /orders), with 100 % of the "
        "requests; only through it are reached postgresql/shop"
    )


def test_it_is_a_warning_if_they_failed_with_it() -> None:
    traces = [
        *many(lambda: request("POST /orders", "order")),
        *many(lambda: request("POST /carts", "cart")),
        *many(lambda: request("POST /orders", "order", ok=False), 2),
        *many(lambda: request("POST /carts", "cart", ok=False), 2),
    ]
    [user] = [one for one in found(RULE, system_of(traces)) if one.place == "user"]
    assert user.severity == "warning"
    assert "; when it failed, the reply failed in 4 of 4 traces" in user.sentence


def test_failures_that_the_callers_survive_show_that_it_is_none() -> None:
    traces = [
        *many(lambda: request("POST /orders", "order", ok=False, fails=False)),
        *many(lambda: request("POST /carts", "cart", ok=False, fails=False)),
    ]
    assert "user" not in {one.place for one in found(RULE, system_of(traces))}


def test_one_entry_that_waits_for_it_is_none() -> None:
    def alone() -> list[Span]:
        return [entry("POST /carts", service="cart")]

    assert not found(RULE, system_of([*many(lambda: request("POST /orders", "order")), *many(alone)]))
