"""The process of `laban serve`: the collector and the HTTP API."""

import asyncio
import contextlib
import ctypes
import gc
import importlib.metadata
import importlib.util
import json
import logging
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, NamedTuple

import pyarrow as pa
import uvicorn

from laban_app.answers.arriving import ArrivingAnswers
from laban_app.answers.discovery import api_scheme, served_by
from laban_app.server.api import build_api, guarded
from laban_app.server.collector import Collector, Endpoints
from laban_app.server.import_routes import add_import_routes
from laban_app.server.log_format import log_to_stderr
from laban_app.wiring import STORE
from laban_collector.address import Address
from laban_collector.errors import AddressInUse
from laban_collector.receive.access import Access
from laban_collector.receive.fast_path import HeaderLimitProtocol
from laban_collector.receive.tls import Identity
from laban_collector.settings import Settings

_log = logging.getLogger(__name__)

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_SWITCH_INTERVAL_S: Final = 0.0005
"""Seconds after which a waiting thread gets the interpreter. The decoder releases the interpreter in each of
its many short calls of Arrow, and would wait for the receivers ten times as long with Python's default of 5
ms."""
_M_ARENA_MAX: Final = -8
"""The number of the option M_ARENA_MAX in malloc.h of glibc."""
_ARENAS: Final = 2
STALE_S: Final = 20.0
"""Seconds of the newest commits that a map may lack while very many spans arrive; it says so."""
_STOP_GRACE_S: Final = 2
"""Seconds for responses in progress; then the receivers stop, and everything must end within 10 s."""


class _Entrance(NamedTuple):
    """The access rules of the API, and its TLS certificate."""

    access: Access
    identity: Identity | None


def serve(settings: Settings, *, as_json: bool) -> None:
    """Receive spans, store them and answer questions until SIGINT or SIGTERM.

    When ready, prints the addresses: one line to standard error, and with `as_json` one JSON object to
    standard output.

    Raises:
        CollectorError: an address is in use or would be open to everyone, or the database cannot be opened.
    """
    log_to_stderr()
    logging.getLogger("laban_collector").setLevel(logging.INFO)
    _log.setLevel(logging.INFO)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    _share_one_allocator()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, as_json=as_json))


def _share_one_allocator() -> None:
    """Free 80 MB that Arrow's own pool and one glibc arena per thread would keep."""
    pa.set_memory_pool(pa.system_memory_pool())
    glibc = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if glibc is not None:  # musl has only one arena
        glibc(_M_ARENA_MAX, _ARENAS)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The event loop of uvloop if it is installed; None: the default loop."""
    if importlib.util.find_spec("uvloop") is None:  # as on Windows
        return None
    import uvloop

    return uvloop.new_event_loop


async def _serve(settings: Settings, *, as_json: bool) -> None:
    stop = _stop_requested()
    # checked before a database is created
    entrance = _Entrance(Access.from_settings(settings), Identity.from_settings(settings))
    with contextlib.closing(STORE.recover(settings.db)) as store:
        collector = Collector(settings, store)
        async with (
            _collecting(collector) as endpoints,
            _answering(settings, entrance, collector) as api,
        ):
            with _advertised(settings, api):
                _freeze_garbage_collection()
                _announce(endpoints, api, as_json=as_json)
                await stop.wait()
                _log.info("Stopping; accepted spans are stored first.")


def _freeze_garbage_collection() -> None:
    """Exclude all present objects from garbage collection, which would take 0.1 s every few seconds."""
    gc.collect()
    gc.freeze()


def _stop_requested() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def _collecting(collector: Collector) -> AsyncGenerator[Endpoints, None]:
    endpoints = await collector.start()
    try:
        yield endpoints
    finally:
        await collector.stop()


@asynccontextmanager
async def _answering(
    settings: Settings, entrance: _Entrance, collector: Collector
) -> AsyncGenerator[str, None]:
    """Run the API; yields the HOST:PORT that it is bound to."""
    storage = collector.storage
    answers = ArrivingAnswers(storage, STALE_S)
    api = build_api(answers, importlib.metadata.version("laban"), storage)
    add_import_routes(api, collector.batch_receiver, storage.metrics)
    identity = entrance.identity
    config = uvicorn.Config(
        guarded(api, entrance.access),
        http=HeaderLimitProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_STOP_GRACE_S,
        lifespan="off",
        ssl_certfile=None if identity is None else identity.certificate,
        ssl_keyfile=None if identity is None else identity.key,
    )
    server = _ServerWithoutSignals(config)
    with _listening(settings.api) as listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            host, port = listener.getsockname()[:2]
            yield str(Address(host, port))
        finally:
            server.should_exit = True
            await running


class _ServerWithoutSignals(uvicorn.Server):
    """A uvicorn server that does not handle signals."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@contextmanager
def _listening(address: str) -> Generator[socket.socket, None, None]:
    parsed = Address.parse(address)
    family = socket.AF_INET6 if ":" in parsed.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((parsed.host, parsed.port))
        except OSError as error:
            raise AddressInUse(
                f"The API cannot listen on {address}: {error.strerror}. "
                "Choose another address with --api HOST:PORT."
            ) from error
        yield listener
    finally:
        listener.close()


@contextmanager
def _advertised(settings: Settings, api: str) -> Generator[None, None, None]:
    """Write the URL of the API next to the database, so that `--db FILE` finds the collector."""
    file = served_by(settings.db)
    file.write_text(f"{api_scheme(settings)}://{api}\n", encoding="utf-8")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _announce(endpoints: Endpoints, api: str, *, as_json: bool) -> None:
    addresses = {"grpc": endpoints.grpc, "http": endpoints.http, "api": api}
    if as_json:
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
    sys.stderr.write("ready " + " ".join(f"{name}={address}" for name, address in addresses.items()) + "\n")
    sys.stderr.flush()
