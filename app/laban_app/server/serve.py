"""`laban serve`: the collector and the API, wired into one process; stop mirrors start."""

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

from laban_app.answers.discovery import api_scheme, served_by
from laban_app.answers.local import LocalAnswers
from laban_app.server.api import build_api, guarded
from laban_app.server.collector import Collector, Endpoints
from laban_app.server.import_routes import add_importing
from laban_app.wiring import STORE
from laban_collector.errors import AddressInUse
from laban_collector.receive.access import Access
from laban_collector.receive.address import Address
from laban_collector.receive.header_limits import BoundedHttp
from laban_collector.receive.tls import Identity
from laban_collector.settings import Settings

_log = logging.getLogger(__name__)

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_SWITCH_S: Final = 0.0005
"""Seconds after which a thread that wants to run Python takes over: the decoder lets go of the interpreter in
each of its many short calls of Arrow, and would wait for the receivers ten times as long (Python's 5 ms)."""
_M_ARENA_MAX: Final = -8
"""As malloc.h of glibc names the option."""
_ARENAS: Final = 2
STALE_S: Final = 10.0
"""Seconds of the newest commits that a graph may miss, while a flood of them is counted."""
_STOP_GRACE_S: Final = 2
"""Seconds for answers in progress; the receivers have their own after it, and all must end within 10 s."""


class _Entrance(NamedTuple):
    """Who may ask, and by what certificate the asked one is known."""

    access: Access
    identity: Identity | None


def serve(settings: Settings, *, as_json: bool) -> None:
    """Receive, store and answer until SIGINT or SIGTERM.

    When all is ready, says where: one line on standard error, or one JSON object on standard output.

    Raises:
        CollectorError: an address is taken or open to strangers, or the database cannot be opened.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("laban_collector").setLevel(logging.INFO)
    _log.setLevel(logging.INFO)
    sys.setswitchinterval(_SWITCH_S)
    _use_one_allocator()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, as_json=as_json))


def _use_one_allocator() -> None:
    """Arrow's own pool, and an arena of glibc for each thread, keep 80 MB that others could use."""
    pa.set_memory_pool(pa.system_memory_pool())
    glibc = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if glibc is not None:  # musl has one arena anyway
        glibc(_M_ARENA_MAX, _ARENAS)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The faster loop, where there is one."""
    if importlib.util.find_spec("uvloop") is None:  # not on Windows
        return None
    import uvloop

    return uvloop.new_event_loop


async def _serve(settings: Settings, *, as_json: bool) -> None:
    stop = _stop_requested()
    entrance = _Entrance(Access.of(settings), Identity.of(settings))  # refuses before a database is made
    with contextlib.closing(STORE.recover(settings.db)) as store:
        collector = Collector(settings, store)
        async with (
            _collecting(collector) as endpoints,
            _answering(settings, entrance, collector) as api,
        ):
            with _noted(settings, api):
                _spare_the_collector()
                _announce(endpoints, api, as_json=as_json)
                await stop.wait()
                _log.info("Stopping: what was accepted is stored first.")


def _spare_the_collector() -> None:
    """What is there by now stays: looking through all of it for garbage, every few seconds, takes 0.1 s."""
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
    """The API; yields the HOST:PORT that it is bound to."""
    storage = collector.storage
    answers = LocalAnswers(storage.store.reader(staleness=STALE_S))
    api = build_api(answers, importlib.metadata.version("laban"), storage)
    add_importing(api, collector.batch_receiver, storage.metrics)
    identity = entrance.identity
    config = uvicorn.Config(
        guarded(api, entrance.access),
        http=BoundedHttp,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_STOP_GRACE_S,
        lifespan="off",
        ssl_certfile=None if identity is None else identity.certificate,
        ssl_keyfile=None if identity is None else identity.key,
    )
    server = _QuietServer(config)
    with _bound(settings.api) as listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            host, port = listener.getsockname()[:2]
            yield str(Address(host, port))
        finally:
            server.should_exit = True
            await running


class _QuietServer(uvicorn.Server):
    """A uvicorn server that leaves the signals to the process it is part of."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@contextmanager
def _bound(address: str) -> Generator[socket.socket, None, None]:
    where = Address.parse(address)
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((where.host, where.port))
        except OSError as error:
            raise AddressInUse(
                f"The API cannot listen on {address}: {error.strerror}. Choose another with --api HOST:PORT."
            ) from error
        yield listener
    finally:
        listener.close()


@contextmanager
def _noted(settings: Settings, api: str) -> Generator[None, None, None]:
    """Leave a note beside the database, so that `--db FILE` finds whom to ask."""
    note = served_by(settings.db)
    note.write_text(f"{api_scheme(settings)}://{api}\n", encoding="utf-8")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def _announce(endpoints: Endpoints, api: str, *, as_json: bool) -> None:
    places = {"grpc": endpoints.grpc, "http": endpoints.http, "api": api}
    if as_json:
        sys.stdout.write(json.dumps(places) + "\n")
        sys.stdout.flush()
    sys.stderr.write("ready " + " ".join(f"{name}={where}" for name, where in places.items()) + "\n")
    sys.stderr.flush()
