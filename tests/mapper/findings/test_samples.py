"""Entries of sampled traces, and the names of callees that sent no span."""

from dataclasses import replace

from laban_collector.store.rows import Peer, SampledRef, Span
from laban_mapper.findings.samples import entries_of, with_known_callees

from .shop import call, entry
from .systems import many, system_of


def asked(callee: str, port: int, *, answered: bool = True) -> list[Span]:
    root = entry()
    client: dict[str, object] = {"peer_address": "10.0.0.1", "peer_port": port}
    return [root, *call("order", callee, 5, 50, root, answered=answered, ok=answered, client=client)]


def silent(spans: list[Span], peers: dict[Peer, str] | None = None) -> list[str | None]:
    """The services that calls without an answer are known to have gone to."""
    return [one.peer_service for one in with_known_callees(spans, peers) if one.kind == 3 and one.status == 2]


def test_a_callee_that_is_down_has_the_name_that_it_had_when_it_was_up() -> None:
    down = [replace(one, trace_id="f" * 32) for one in asked("pricing", 80, answered=False)]
    assert silent([*asked("pricing", 80), *down]) == ["pricing"]


def test_an_address_at_which_two_services_or_none_answered_names_nobody() -> None:
    down = [replace(one, trace_id="f" * 32) for one in asked("pricing", 80, answered=False)]
    assert silent([*asked("pricing", 81), *down]) == [None]
    assert silent([*asked("pricing", 80), *asked("user", 80), *down]) == [None]


def test_a_callee_that_was_up_before_these_traces_has_the_name_that_it_had_then() -> None:
    peers = {Peer("10.0.0.1", 80, None): "pricing"}
    assert silent(asked("pricing", 80, answered=False), peers) == ["pricing"]
    assert silent(asked("pricing", 81, answered=False), peers) == [None]
    down = [replace(one, trace_id="f" * 32) for one in asked("pricing", 80, answered=False)]
    assert silent([*asked("user", 80), *down], peers) == ["user"]  # what was seen beside it is newer


def test_a_name_that_stands_for_several_operations_is_counted_by_their_shares() -> None:
    names = ("GET /a", "GET /a", "GET /a", "GET /b")
    system = system_of([[replace(entry(name), name="GET")] for name in names])
    traces = [trace for one in system.entries for trace in one.traces]
    refs = [SampledRef(None, "order", "GET", 1_000, trace.trace_id, 1) for trace in traces]
    assert [(one.name, one.seen) for one in entries_of(refs, traces)] == [
        ("order GET /a", 750),
        ("order GET /b", 250),
    ]


def test_the_busiest_entry_comes_first() -> None:
    system = system_of([*many(lambda: [entry("GET /a")], 2), *many(lambda: [entry("GET /b")], 3)])
    assert [one.name for one in system.entries] == ["order GET /b", "order GET /a"]
