"""One trace of `count` spans: all are stored, and its order is answered, bounded, saying so."""

import time
from pathlib import Path
from typing import Final

import httpx

from ...collector.requests import body, span
from ...serving import serving
from ..sending import PROTOBUF
from . import Held, Size, peak_rss_mib, stop

_REQUEST: Final = 500
_PATIENCE_S: Final = 300
_MAX_SPANS: Final = 20_000
"""Spans in an answer."""


def drill(folder: Path, size: Size) -> Held:
    """Run the drill."""
    with serving(folder / "wide.duckdb", anew=True) as collector, httpx.Client(timeout=_PATIENCE_S) as client:
        for first in range(0, size.count, _REQUEST):
            spans = [
                span(number, {"order.id": "1001"})
                for number in range(first, min(first + _REQUEST, size.count))
            ]
            url = f"http://{collector.http}/v1/traces"
            client.post(url, content=body(*spans), headers=PROTOBUF).raise_for_status()
        status = client.get(f"{collector.url}/api/v1/status").json()
        assert status["spans"] == size.count, status["spans"]
        began = time.monotonic()
        answer = client.get(f"{collector.url}/api/v1/order/1001")
        seconds = time.monotonic() - began
        assert answer.status_code == 200, answer.text[:300]
        story = answer.json()
        assert story["spans"] == min(size.count, _MAX_SPANS), story["spans"]
        assert story["truncated"] == (size.count >= _MAX_SPANS)
        memory = peak_rss_mib(collector.process.pid)
        assert client.get(f"{collector.url}/readyz").status_code == 200
        stop(collector.process)
    return Held(
        f"{size.count:,} spans in one trace",
        f"all stored; {story['spans']:,} of them in its order, in {seconds:.1f} s "
        f"({len(answer.content) / 1e6:,.1f} MB); at most {memory:,} MiB",
    )
