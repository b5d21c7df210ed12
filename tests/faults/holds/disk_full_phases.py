"""A full disk in each phase, `count` times: journal, load, backup, clean stop, start, and retention.

As root, the disk is a small file system that is filled to the last byte; otherwise no file may grow. When
there is space again, every acknowledged span is stored once, compared span by span.
"""

import contextlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from ...serving import Serving, serving
from ..drills import report_of
from ..sending import Senders, stored
from . import Held, Size
from ._forked import forked
from .killed_in_retention import deleted_by_retention

_DISK: Final = 96 << 20
_PATIENCE_S: Final = 60


def drill(folder: Path, size: Size) -> Held:
    """Run the drill."""
    acknowledged, refused, deleted = 0, 0, 0
    for _ in range(size.count):
        for phases in (_one_collector, _retention):
            senders = Senders(threads=2)
            with _disk(folder / "disk") as place:
                phases(place / "full.duckdb", senders)
                deleted += _compare(place / "full.duckdb", senders, may_delete=phases is _retention)
            acknowledged += len(senders.acknowledged)
            refused += senders.statuses.get(503, 0)
            assert set(senders.statuses) <= {200, 503}, senders.statuses
            assert senders.retryable
    return Held(
        f"{size.count:,} × 6 phases",
        f"{acknowledged:,} spans acknowledged, {deleted:,} deleted by retention, 0 lost; {refused:,} "
        "requests told to retry",
    )


def _compare(path: Path, senders: Senders, *, may_delete: bool) -> int:
    """Compare the spans with the acknowledged ones; return how many retention deleted."""
    report = report_of(path)
    assert report.agrees, report.in_words()
    names = stored(path)
    assert len(names) == len(set(names)), "stored twice"
    if may_delete:
        return deleted_by_retention(names, senders)
    lost = senders.acknowledged - set(names)
    assert not lost, (len(lost), sorted(lost)[:5])
    return 0


@contextmanager
def _disk(folder: Path) -> Generator[Path, None, None]:
    """A small disk for root; an ordinary folder for others."""
    folder.mkdir(exist_ok=True)
    small = os.geteuid() == 0
    if small:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        if small:
            # Lazily: what a killed collector started ends a moment after it.
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def _full(path: Path, process: int) -> Generator[None, None, None]:
    """Fill the disk of a path, or let a process write no longer files, until the block ends."""
    filler, no_limit = path.parent / "filler", (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    if path.parent.is_mount():
        descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.write(descriptor, bytes(4096))
        except OSError:
            os.close(descriptor)
    else:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        filler.unlink(missing_ok=True)
        if Path(f"/proc/{process}").exists():  # not so if it was stopped in the block
            resource.prlimit(process, resource.RLIMIT_FSIZE, no_limit)


def _one_collector(path: Path, senders: Senders) -> None:
    with serving(path) as collector:
        _in_journal(path, senders, collector)
        _in_load(path, senders, collector)
        _in_backup(path, senders, collector)
        with senders.sending(collector.http, at_least=500):
            pass
        with _full(path, collector.process.pid):  # the last load and the last checkpoint fail
            collector.process.terminate()
            collector.process.wait(_PATIENCE_S)
    if path.parent.is_mount():
        with _full(path, os.getpid()):
            _start_and_stop(path)
    with serving(path) as collector:
        assert httpx.get(f"{collector.url}/readyz").status_code == 200


def _in_journal(path: Path, senders: Senders, collector: Serving) -> None:
    """Senders are told to retry; when there is space again, they are acknowledged again."""
    with senders.sending(collector.http, at_least=1_000):
        refused = senders.statuses.get(503, 0)
        with _full(path, collector.process.pid):
            _until(lambda: senders.statuses.get(503, 0) > refused)
            assert httpx.get(f"{collector.url}/readyz").status_code == 503
        before = len(senders.acknowledged)
        _until(lambda: len(senders.acknowledged) > before + 500)
    _until(lambda: httpx.get(f"{collector.url}/readyz").status_code == 200)


def _in_load(path: Path, senders: Senders, collector: Serving) -> None:
    """Spans are acknowledged, and cannot be loaded when a question asks for them."""
    with senders.sending(collector.http, at_least=500):
        pass
    with _full(path, collector.process.pid):
        httpx.get(f"{collector.url}/api/v1/status", timeout=30)
    _until(lambda: httpx.get(f"{collector.url}/readyz").status_code == 200)
    _until(lambda: _spans(collector) == len(senders.acknowledged))


def _in_backup(path: Path, senders: Senders, collector: Serving) -> None:
    """A backup that does not fit fails, leaves nothing, and harms no sender."""
    with _full(path, collector.process.pid), contextlib.suppress(httpx.TransportError):  # it may break off
        assert httpx.post(f"{collector.url}/api/v1/backup", timeout=30).status_code == 503
    assert not list(path.parent.glob("*laban-work*"))
    with senders.sending(collector.http, at_least=500):
        pass


def _retention(path: Path, senders: Senders) -> None:
    """Retention deletes all the time, and cannot."""
    with forked(path, retention="0.3s") as (process, address), senders.sending(address, at_least=1_000):
        assert process.pid is not None
        with _full(path, process.pid):
            refused = senders.statuses.get(503, 0)
            _until(lambda: senders.statuses.get(503, 0) > refused)
        before = len(senders.acknowledged)
        _until(lambda: len(senders.acknowledged) > before + 500)


def _start_and_stop(path: Path) -> None:
    """Start, and stop before there is space: whatever the start could do, nothing is lost."""
    command = [sys.executable, "-m", "laban", "serve", "--db", str(path)]
    command += ["--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--api", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "ready" in line or "cannot start yet" in line:
                break
        process.terminate()
        process.communicate(timeout=_PATIENCE_S)


def _spans(collector: Serving) -> int:
    answer = httpx.get(f"{collector.url}/api/v1/status", timeout=30)
    return int(answer.json()["spans"]) if answer.is_success else -1


def _until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "the condition did not become true"
        time.sleep(0.01)
