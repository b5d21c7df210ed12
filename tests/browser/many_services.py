"""500 services and 2,000 calls among them."""

from dataclasses import replace
from typing import Final

from laban_collector.store.rows import Span
from tests.mapper.shop_spans import http_client, http_server

_STEPS: Final = (1, 7, 41, 139)
SERVICES: Final = 500
CALLS: Final = SERVICES * len(_STEPS)


def all_calls() -> list[Span]:
    """Each service calls four others, in a trace of its own for each call."""
    spans: list[Span] = []
    for number in range(SERVICES):
        for step in _STEPS:
            callee = (number * 3 + step) % SERVICES
            client = http_client(f"svc-{number:03}", "GET", 0, 20, http_server("web", "GET /", 0, 30))
            client = replace(client, parent_id=None, trace_id=f"{len(spans) + 1:032x}")
            spans += [client, http_server(f"svc-{callee:03}", "GET /", 5, 10, client)]
    return spans
