"""A full disk in each phase, `count` times: start, journal, load, checkpoint, retention, backup, clean stop.

As root, the disk is a small file system that is filled to the last byte; otherwise no file may grow. When
there is space again, every acknowledged span is stored once, compared span by span.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from ...serving import Serving, serving
from ..drills import report_of
from ..sending import Senders, stored
from . import Held, Size

_DISK: Final = 96 << 20
_PATIENCE_S: Final = 60


def drill(folder: Path, size: Size) -> Held:
    """Run the drill."""
    acknowledged, refused = 0, 0
    for _ in range(size.count):
        for name, phase in _PHASES.items():
            senders = Senders(threads=2)
            with _disk(folder / "disk") as place:
                path = place / "full.duckdb"
                phase(path, senders)
                _compare(path, senders, name)
            acknowledged += len(senders.acknowledged)
            refused += senders.statuses.get(503, 0)
            assert set(senders.statuses) <= {200, 503}, (name, senders.statuses)
            assert senders.retryable, name
    return Held(
        f"{size.count * len(_PHASES):,} times, in {len(_PHASES)} phases",
        f"{acknowledged:,} spans acknowledged, 0 lost; {refused:,} requests told to retry, none refused",
    )


def _compare(path: Path, senders: Senders, name: str) -> None:
    report = report_of(path)
    assert report.agrees, (name, report.in_words())
    names = stored(path)
    assert len(names) == len(set(names)), (name, "stored twice")
    lost = senders.acknowledged - set(names)
    assert not lost, (name, len(lost), sorted(lost)[:5])


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
            subprocess.run(["umount", str(folder)], check=True)


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


def _while_sending(
    path: Path, senders: Senders, *arguments: str, environment: Mapping[str, str] | None = None
) -> None:
    """Fill the disk while senders send; when there is space again, they are acknowledged again."""
    with serving(path, *arguments, environment=environment) as collector:
        with senders.sending(collector.http, at_least=2_000):
            with _full(path, collector.process.pid):
                _until(lambda: senders.statuses.get(503, 0) > 0)
                assert httpx.get(f"{collector.url}/readyz").status_code == 503
            before = len(senders.acknowledged)
            _until(lambda: len(senders.acknowledged) > before + 1_000)
        _until(lambda: httpx.get(f"{collector.url}/readyz").status_code == 200)


def _in_journal(path: Path, senders: Senders) -> None:
    _while_sending(path, senders)


def _in_retention(path: Path, senders: Senders) -> None:
    _while_sending(path, senders, "--retention", "1h")


def _in_load(path: Path, senders: Senders) -> None:
    """Spans are acknowledged, and cannot be loaded when a question asks for them."""
    with serving(path) as collector:
        with senders.sending(collector.http, at_least=1_000):
            pass
        with _full(path, collector.process.pid):
            httpx.get(f"{collector.url}/api/v1/status", timeout=30)
        _until(lambda: httpx.get(f"{collector.url}/readyz").status_code == 200)
        _until(lambda: _spans(collector) == len(senders.acknowledged))


def _at_stop(path: Path, senders: Senders) -> None:
    """The last load and the last checkpoint fail; the next start finds everything."""
    with serving(path) as collector:
        with senders.sending(collector.http, at_least=1_000):
            pass
        with _full(path, collector.process.pid):
            collector.process.terminate()
            collector.process.wait(_PATIENCE_S)


def _at_start(path: Path, senders: Senders) -> None:
    """A killed collector starts again on a full disk, and becomes ready when there is space."""
    with serving(path) as collector:
        with senders.sending(collector.http, at_least=1_000):
            pass
        collector.process.kill()
        collector.process.wait()
    with _full(path, os.getpid()) if path.parent.is_mount() else _nothing():
        _at_stop_of_a_start(path)
    with serving(path) as collector:
        assert httpx.get(f"{collector.url}/readyz").status_code == 200


def _at_stop_of_a_start(path: Path) -> None:
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


def _in_backup(path: Path, senders: Senders) -> None:
    """A backup that does not fit fails, leaves nothing, and harms no sender."""
    with serving(path) as collector:
        with senders.sending(collector.http, at_least=1_000):
            with _full(path, collector.process.pid):
                try:
                    answer = httpx.post(f"{collector.url}/api/v1/backup", timeout=30)
                    assert answer.status_code == 503, answer.status_code
                except httpx.TransportError as error:
                    print(f"the backup broke off: {error}", flush=True)
            before = len(senders.acknowledged)
            _until(lambda: len(senders.acknowledged) > before)
        assert not list(path.parent.glob("*laban-work*"))


def _spans(collector: Serving) -> int:
    answer = httpx.get(f"{collector.url}/api/v1/status", timeout=30)
    return int(answer.json()["spans"]) if answer.is_success else -1


@contextmanager
def _nothing() -> Generator[None, None, None]:
    yield


def _until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "the condition did not become true"
        time.sleep(0.01)


_PHASES: Final[dict[str, Callable[[Path, Senders], None]]] = {
    "journal": _in_journal,
    "load": _in_load,
    "retention": _in_retention,
    "backup": _in_backup,
    "stop": _at_stop,
    "start": _at_start,
}
