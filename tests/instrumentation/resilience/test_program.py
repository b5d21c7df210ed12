"""A program with every library, with `laban run` and without: it does the same, its spans tell the rest."""

from ..otlp_sink import Received, sinking
from ..processes import program
from ..stock import BothWays

RETRIES = {"by tenacity": "tenacity", "by stamina": "stamina", "by urllib3": "urllib3"}
BREAKERS = ["circuitbreaker", "purgatory", "pybreaker", "aiobreaker"]
CLIENT = 3


def test_a_program_does_the_same_and_its_spans_tell_of_retries_and_breakers() -> None:
    command = program("resilience_calls")
    with sinking() as sink:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint, "OTEL_SERVICE_NAME": "shop"}
        plain, traced = BothWays(command, command, variables).results()
    assert traced == plain
    assert (plain[0], plain[2]) == (0, "")
    spans = {span.name: span for span in sink.spans if span.kind != CLIENT}
    for name, library in RETRIES.items():
        _check_retries(spans[name], calls_in(sink.spans, spans[name]), library)
    for library in BREAKERS:
        _check_breaker(spans[f"by {library}"], calls_in(sink.spans, spans[f"by {library}"]), library)


def calls_in(spans: list[Received], caller: Received) -> list[Received]:
    """The client spans of a caller, in the order in which they ended."""
    return [span for span in spans if span.parent == caller.id]


def _check_retries(caller: Received, calls: list[Received], library: str) -> None:
    # urllib3 repeats inside the one span of the call.
    of_retries = caller if library != "urllib3" else calls[0]
    [(name, event)] = of_retries.events
    assert (name, event["laban.retry.attempt"], event["laban.retry.library"]) == ("laban.retry", 1, library)
    assert event["error.type"] == ("503" if library == "urllib3" else "HTTPStatusError")
    numbers = [call.attributes.get("laban.retry.attempt") for call in calls]
    assert numbers == ([2] if library == "urllib3" else [None, 2])
    assert {call.attributes["laban.timeout_ms"] for call in calls} == {9000}
    assert {call.attributes["laban.timeout.scope"] for call in calls} == {"read"}


def _check_breaker(caller: Received, calls: list[Received], library: str) -> None:
    [guarded] = calls
    names = [
        (name, event["laban.circuit.name"], event["laban.circuit.state"]) for name, event in caller.events
    ]
    assert names == [("laban.circuit.changed", "down", "open"), ("laban.circuit.refused", "down", "open")]
    assert caller.attributes["laban.circuit.state"] == "open"
    assert guarded.attributes["laban.circuit.state"] == "closed"
    assert guarded.attributes["laban.circuit.library"] == library
