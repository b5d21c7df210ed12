"""Overload: for `seconds`, three times as much as fits is sent at once; nothing is lost.

The collector may hold one megabyte of requests that are not answered. 64 connections send bodies of 50 kB,
three times that much, again as soon as they are answered.
"""

import asyncio
from pathlib import Path
from typing import Final

import httpx

from ...serving import serving
from ..drills import report_of
from ..sending import stored
from . import Held, Size, peak_rss_mib, stop
from ._pressing import press

_CONNECTIONS: Final = 64
_SPANS: Final = 500
_LIMITS: Final = {"LABAN_MAX_IN_FLIGHT_BYTES": str(1 << 20), "LABAN_MAX_REQUEST_BYTES": str(1 << 20)}


def drill(folder: Path, size: Size) -> Held:
    """Run the drill."""
    path = folder / "overload.duckdb"
    with serving(path, environment=_LIMITS, anew=True) as collector:
        pressed = asyncio.run(press(f"http://{collector.http}/v1/traces", size.seconds, _CONNECTIONS, _SPANS))
        memory = peak_rss_mib(collector.process.pid)
        assert httpx.get(f"{collector.url}/readyz", timeout=30).status_code == 200
        stopped = stop(collector.process)
    assert not pressed.final, pressed.final[:5]
    assert pressed.acknowledged
    report = report_of(path)
    assert report.agrees, report.in_words()
    names = stored(path)
    assert len(names) == len(set(names)), "stored twice"
    sent = {f"span {number * _SPANS + one}" for number in pressed.acknowledged for one in range(_SPANS)}
    lost = sent - set(names)
    assert not lost, len(lost)
    refused = sum(count for status, count in pressed.statuses.items() if status != 200)
    return Held(
        f"{size.seconds:g} s, {_CONNECTIONS} connections",
        f"{len(sent):,} spans acknowledged, 0 lost; {refused:,} of {sum(pressed.statuses.values()):,} "
        f"requests told to retry; at most {memory:,} MiB; stopped in {stopped:.0f} s",
    )
