"""Sampled traces of small systems, and what is asked about them."""

from collections.abc import Callable, Sequence

from laban_collector.store.rows import Span
from laban_mapper.findings.facts import SampledEntry
from laban_mapper.model_whatif import WhatIf, WhatIfEntry
from laban_mapper.whatif.answering import what_if
from laban_mapper.whatif.changes import ChangeTexts

from ..findings.systems import many, system_of
from ..shop_spans import http_client, http_server

Trace = Sequence[Span]


def sampled(*makes: tuple[Callable[[], Trace], int]) -> Sequence[SampledEntry]:
    """The entries of a system: as many traces of each kind."""
    return system_of([trace for make, count in makes for trace in many(make, count)]).entries


def asked(
    entries: Sequence[SampledEntry],
    *,
    down: Sequence[str] = (),
    slow: Sequence[str] = (),
    turned: Sequence[str] = (),
    timeouts: Sequence[str] = (),
    retries: Sequence[str] = (),
) -> WhatIf:
    return what_if(entries, ChangeTexts(down, slow, turned, timeouts, retries))


def only(answer: WhatIf) -> WhatIfEntry:
    """The answer about the one entry of a system."""
    [entry] = answer.entries
    return entry


def call(caller: Span, service: str, at: float, took: float, **fields: object) -> list[Span]:
    """A call over HTTP, and the server span a millisecond inside of it."""
    client = http_client(caller.service, "GET", at, took, caller, peer_address=service, **fields)
    return [client, http_server(service, f"GET /{service}", at + 1, took - 2, client)]


def in_sequence() -> Trace:
    """100 ms: first a from 10 to 30, then b from 40 to 60."""
    root = http_server("web", "GET /", 0, 100)
    return [root, *call(root, "a", 10, 20), *call(root, "b", 40, 20)]


def at_once() -> Trace:
    """100 ms: a from 10 to 30, and meanwhile b from 10 to 60."""
    root = http_server("web", "GET /", 0, 100)
    return [root, *call(root, "a", 10, 20), *call(root, "b", 10, 50)]


def refused(*, handled: bool) -> Callable[[], Trace]:
    """A call that fails at once."""

    def make() -> Trace:
        status = 200 if handled else 503
        root = http_server("web", "GET /", 0, 100 if handled else 14, http_status=status)
        fields = {"status": 2, "error_type": "ConnectError", "peer_address": "a"}
        failing = http_client("web", "GET", 10, 3, root, **fields)
        return [root, failing, *(call(root, "b", 40, 20) if handled else ())]

    return make
