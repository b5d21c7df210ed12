"""`count` connections send a byte of a body, or of the headers, now and then; others are not delayed.

All of them are closed after the time that a body or the headers may take. Meanwhile each round of another
sender is acknowledged, and the collector stops in time.
"""

import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx

from ...collector.requests import body, span
from ...serving import serving
from ..sending import PROTOBUF
from . import Held, Size

_TIMEOUT: Final = 2.0
"""Seconds that a body may take in this drill; the headers may take ten."""
_HEAD: Final = b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\n"
_STOP_S: Final = 10.0


def drill(folder: Path, size: Size) -> Held:
    """Run the drill."""
    path, environment = folder / "slow.duckdb", {"LABAN_UPLOAD_TIMEOUT": str(_TIMEOUT)}
    with serving(path, environment=environment) as collector, ExitStack() as opened:
        host, _, port = collector.http.rpartition(":")
        slow = [opened.enter_context(socket.create_connection((host, int(port)))) for _ in range(size.count)]
        for number, one in enumerate(slow):
            one.sendall(_HEAD + (b"content-length: 1000000\r\n\r\n" if number % 2 else b"x-slow: "))
        longest, sent, closed = 0.0, 0, 0
        with httpx.Client(timeout=30) as client:
            bodies = slow[1::2]
            while closed < len(bodies):
                began = time.monotonic()
                answer = client.post(
                    f"http://{collector.http}/v1/traces", content=body(span(sent)), headers=PROTOBUF
                )
                answer.raise_for_status()
                longest, sent = max(longest, time.monotonic() - began), sent + 1
                closed = sum(not _drip(one) for one in bodies)
        began = time.monotonic()
        collector.process.terminate()
        assert collector.process.wait(_STOP_S * 3) == 0
        stopped = time.monotonic() - began
    assert stopped < _STOP_S, f"stopped after {stopped:.1f} s"
    return Held(
        f"{size.count:,} slow connections",
        f"{sent:,} requests of another sender acknowledged, each within {longest:.2f} s; stopped in "
        f"{stopped:.1f} s",
    )


def _drip(one: socket.socket) -> bool:
    """Send one more byte; return whether the connection is open."""
    try:
        one.send(b"x", socket.MSG_DONTWAIT)
        one.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)  # the refusal, or the end
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
