"""The process of `laban serve`: the collector and the HTTP API."""

import asyncio
import gc
import importlib.util
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

from laban_app.server.api import guarded
from laban_app.server.api_server import ApiServer, Front
from laban_app.server.collector import Endpoints
from laban_app.server.log_format import log_to_stderr
from laban_app.server.start import Start
from laban_collector.receive.access import Access
from laban_collector.receive.tls import Identity
from laban_collector.settings import Settings, misspelled_variables
from laban_collector.store.private_files import keep_new_files_private

_log = logging.getLogger(__name__)

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_SWITCH_INTERVAL_S: Final = 0.0005
"""Seconds after which a waiting thread gets the interpreter. The decoder releases the interpreter in each of
its many short calls of Arrow, and would wait for the receivers ten times as long with Python's default of 5
ms."""


def serve(settings: Settings, *, as_json: bool) -> None:
    """Receive spans, store them and answer questions until SIGINT or SIGTERM.

    When ready, prints the addresses: one line to standard error, and with `as_json` one JSON object to
    standard output.

    Raises:
        CollectorError: an address is in use or would be open to everyone, or the database cannot be opened.
    """
    log_to_stderr()
    keep_new_files_private()
    logging.getLogger("laban_collector").setLevel(logging.INFO)
    _log.setLevel(logging.INFO)
    for name, near in misspelled_variables(os.environ).items():
        _log.warning("%s is no setting. Did you mean %s?", name, near)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, as_json=as_json))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The event loop of uvloop if it is installed; None: the default loop."""
    if importlib.util.find_spec("uvloop") is None:  # as on Windows
        return None
    import uvloop

    return uvloop.new_event_loop


async def _serve(settings: Settings, *, as_json: bool) -> None:
    stop = _stop_requested()
    # checked before a database is created
    access, identity = Access.from_settings(settings), Identity.from_settings(settings)
    front = Front()
    server = ApiServer(settings.api, guarded(front, access), identity)
    async with AsyncExitStack() as running:
        running.push_async_callback(server.stop)
        api = await server.start()
        endpoints = await Start(settings, front, server, api).until(stop, running)
        if endpoints is not None:
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


def _announce(endpoints: Endpoints, api: str, *, as_json: bool) -> None:
    addresses = {"grpc": endpoints.grpc, "http": endpoints.http, "api": api}
    if as_json:
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
    sys.stderr.write("ready " + " ".join(f"{name}={address}" for name, address in addresses.items()) + "\n")
    sys.stderr.flush()
