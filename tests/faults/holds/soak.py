"""A steady load for `seconds`: memory, threads and open files stay as they are after the first sixth."""

import asyncio
import threading
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from ...collector.requests import TRACE_ID
from ...serving import serving
from . import Held, Size, stop
from ._pressing import press

_SPANS_A_SECOND: Final = 5_000
_SPANS: Final = 100
_CONNECTIONS: Final = 16
_SAMPLES: Final = 60
_PATIENCE_S: Final = 60
_GROWTH: Final = 1.15
"""Largest ratio of the last third's median to that of the second sixth."""
_SLACK_MIB: Final = 40
_LONG_S: Final = 120
"""A shorter drill ends before the collector has warmed up, so it compares nothing."""


class _Sample(NamedTuple):
    rss_mib: int
    threads: int
    files: int


def drill(folder: Path, size: Size) -> Held:
    """Run the drill."""
    return hold_steady(folder, size)


def hold_steady(folder: Path, size: Size, *, one_trace: bool = False) -> Held:
    """Run the drill with a trace for each request, or with all spans in one trace."""
    samples: list[_Sample] = []
    over = threading.Event()
    with serving(folder / "soak.duckdb", "--retention", "10m", anew=True) as collector:

        def watch() -> None:
            while not over.wait(size.seconds / _SAMPLES):
                samples.append(_sample(collector.process.pid))

        watching = threading.Thread(target=watch)
        watching.start()
        rate = _SPANS_A_SECOND / _SPANS
        url = f"http://{collector.http}/v1/traces"
        try:
            pressed = asyncio.run(press(url, size.seconds, _CONNECTIONS, _SPANS, rate, one_trace=one_trace))
        finally:
            over.set()
            watching.join()
        for path in (
            "/readyz",
            "/api/v1/map",
            *([f"/api/v1/traces/{TRACE_ID.hex()}?limit=1000"] if one_trace else []),
        ):
            answer = httpx.get(f"{collector.url}{path}", timeout=_PATIENCE_S)
            assert answer.status_code == 200, f"{path}: {answer.text[:300]}"
        stop(collector.process)
    assert not pressed.final, pressed.final[:5]
    aside = [file.name for file in folder.glob("*.damaged-*")]
    assert not aside, aside
    early = _median(samples[len(samples) // 6 : len(samples) // 3])
    late = _median(samples[len(samples) * 2 // 3 :])
    if size.seconds >= _LONG_S:
        assert late.rss_mib <= early.rss_mib * _GROWTH + _SLACK_MIB, (early, late)
        assert late.threads <= early.threads + 2, (early, late)
        assert late.files <= early.files + 2 + _CONNECTIONS, (early, late)
    sent = len(pressed.acknowledged) * _SPANS
    return Held(
        f"{size.seconds:g} s, {sent / max(size.seconds, 1):,.0f} spans/s",
        f"{sent:,} spans acknowledged; {early.rss_mib} → {late.rss_mib} MiB, {early.threads} → "
        f"{late.threads} threads, {early.files} → {late.files} files",
    )


def _sample(process: int) -> _Sample:
    status = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    )
    files = len(list(Path(f"/proc/{process}/fd").iterdir()))
    return _Sample(int(status["VmRSS"].split()[0]) // 1024, int(status["Threads"]), files)


def _median(samples: list[_Sample]) -> _Sample:
    middle = len(samples) // 2
    return _Sample(*(sorted(column)[middle] for column in zip(*samples, strict=True)))
