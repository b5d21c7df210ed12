"""An order in `count` traces: the answer is bounded, says what it left out, and comes in time."""

import struct
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
_MAX_TRACES: Final = 200
"""Traces in an answer."""
_OF_MORE: Final = 100
"""Traces in an answer if there are more: the first and the newest ones."""


def drill(folder: Path, size: Size) -> Held:
    """Run the drill."""
    with serving(folder / "many.duckdb", anew=True) as collector, httpx.Client(timeout=_PATIENCE_S) as client:
        for first in range(0, size.count, _REQUEST):
            spans = []
            for number in range(first, min(first + _REQUEST, size.count)):
                one = span(number, {"order.id": "1001"})
                one.trace_id = struct.pack(">QQ", 7, number + 1)
                spans.append(one)
            url = f"http://{collector.http}/v1/traces"
            client.post(url, content=body(*spans), headers=PROTOBUF).raise_for_status()
        assert client.get(f"{collector.url}/api/v1/status").json()["spans"] == size.count
        began = time.monotonic()
        answer = client.get(f"{collector.url}/api/v1/order/1001")
        seconds = time.monotonic() - began
        assert answer.status_code == 200, answer.text[:300]
        story = answer.json()
        found = len(story["traces"])
        assert found == (size.count if size.count <= _MAX_TRACES else _OF_MORE), found
        assert story["truncated"] == (size.count >= _MAX_TRACES)
        memory = peak_rss_mib(collector.process.pid)
        assert client.get(f"{collector.url}/readyz").status_code == 200
        stop(collector.process)
    return Held(
        f"an order in {size.count:,} traces",
        f"{found:,} traces in the answer, in {seconds:.1f} s ({len(answer.content) / 1e6:,.1f} MB); at most "
        f"{memory:,} MiB",
    )
