"""The start of a collector: opens the database, waits where it must, and then opens the API."""

import asyncio
import contextlib
import importlib.metadata
import logging
import time
from contextlib import AsyncExitStack
from typing import Final

from fastapi import FastAPI
from starlette.routing import Route

from laban.business_keys.keys import parse_rules
from laban_app.answers.alert_settings import alert_settings
from laban_app.answers.arriving import ArrivingAnswers
from laban_app.answers.findings_settings import findings_settings
from laban_app.answers.served_by import advertised
from laban_app.server.alerts.start import alert_engine, receivers_of
from laban_app.server.api import build_api
from laban_app.server.api_server import ApiServer, Front
from laban_app.server.collector import Collector, Endpoints
from laban_app.server.import_routes import add_import_routes
from laban_app.server.jaeger.queries import JaegerQueries
from laban_app.server.jaeger.routes import add_jaeger_routes
from laban_app.server.mcp_endpoint import PATH as MCP_PATH
from laban_app.server.mcp_endpoint import McpEndpoint
from laban_app.server.metrics.observer import Observer
from laban_app.server.metrics.orders import OrdersTally
from laban_app.server.metrics.page import MetricsPage
from laban_app.wiring import STORE
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.errors import StoreLocked, StoreUnwritable
from laban_collector.settings import Settings
from laban_collector.store.kept_state import KeptState
from laban_mapper.spans import NS_PER_S

_log = logging.getLogger(__name__)

STALE_S: Final = 20.0
"""Seconds of the newest commits that a map may lack while very many spans arrive; it says so."""
_PATIENCE: Final = 5.0
"""Seconds to wait for another process, such as a query, that has the database open."""
_SOON: Final = 0.1
_RETRY: Final = 1.0
"""Seconds between two attempts on a full disk."""
_LOG_INTERVAL: Final = 30.0


class Start:
    """Starts a collector; waits for space on a full disk, and briefly for a locked database.

    Args:
        settings: of the collector.
        front: says what the collector does until it is ready.
        server: answers already; it stops before the collector.
        api: the HOST:PORT of the server.
    """

    def __init__(self, settings: Settings, front: Front, server: ApiServer, api: str) -> None:
        self._settings = settings
        self._judged_by = findings_settings(settings)
        self._alerting = alert_settings(settings)
        self._receivers = receivers_of(self._alerting)
        self._front = front
        self._server = server
        self._api = api
        self._locked_until = time.monotonic() + _PATIENCE
        self._quiet_until = 0.0

    async def until(self, stop: asyncio.Event, running: AsyncExitStack) -> Endpoints | None:
        """Start; `running` stops everything. Returns None if the stop event is set before that.

        Raises:
            CollectorError: an address is in use, or the database cannot be opened.
        """
        while not stop.is_set():
            try:
                async with AsyncExitStack() as starting:
                    endpoints = await self._once(starting)
                    await running.enter_async_context(starting.pop_all())
                    return endpoints
            except StoreLocked:
                if time.monotonic() >= self._locked_until or self._is_served():
                    raise
                wait = _SOON
            except StoreUnwritable as error:
                self._say(error)
                wait = _RETRY
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)
        return None

    async def _once(self, starting: AsyncExitStack) -> Endpoints:
        settings, front = self._settings, self._front
        store = await asyncio.to_thread(STORE.recover, settings.db)
        starting.callback(store.close)
        collector = Collector(settings, store)
        endpoints = await collector.start()
        starting.push_async_callback(collector.stop)
        front.open(self._api_of(collector, starting))
        starting.push_async_callback(self._server.stop)
        advertising = asyncio.create_task(self._advertise())
        starting.push_async_callback(_end, advertising)
        await asyncio.sleep(0)  # the file is written before the collector says that it is ready
        return endpoints

    def _api_of(self, collector: Collector, starting: AsyncExitStack) -> FastAPI:
        """The API, with the threads that watch for metrics and alerts."""
        storage, settings = collector.storage, self._settings
        answers = ArrivingAnswers(storage, STALE_S, self._judged_by, self._alerting)
        look = answers.alerts_look()
        reader = storage.store.reader(staleness=STALE_S)
        orders = OrdersTally(answers, reader, KeptState(storage.store.path, "orders"), time.time_ns)
        window = self._alerting.limits.window
        engine = None
        if settings.alerts:
            engine = alert_engine(storage.store, answers, look, self._alerting, self._receivers)
        firing = answers.alerts if engine is None else engine.alerts
        observer = Observer(answers, reader, orders, settings.metrics_findings, look.entries, window, firing)
        for thread in (observer, engine):
            if thread is not None:
                starting.push_async_callback(asyncio.to_thread, thread.stop)
                thread.start()
        stored = reader.counted_to()
        api = build_api(
            answers,
            importlib.metadata.version("laban"),
            storage,
            MetricsPage(storage, observer, engine),
            firing,
            0.0 if stored is None else max(time.time() - stored / NS_PER_S, 0.0),
        )
        add_import_routes(api, collector.batch_receiver, storage.metrics)
        if settings.jaeger_api:
            keys = KeyFinder(parse_rules(settings.keys))
            add_jaeger_routes(api, JaegerQueries(answers, reader, storage.settle, keys))
        mcp = McpEndpoint(answers, storage, enabled=settings.mcp)
        starting.push_async_callback(mcp.stop)
        api.router.routes.append(Route(MCP_PATH, mcp))
        return api

    async def _advertise(self) -> None:
        """Tell `--db FILE` where this collector is, as soon as there is space on the disk."""
        warned = False
        while True:
            try:
                with advertised(self._settings, self._api):
                    await asyncio.Event().wait()
            except OSError as error:
                if not warned:
                    _log.warning("`--db` does not find this collector yet: %s.", error)
                    warned = True
            await asyncio.sleep(_RETRY)

    def _say(self, error: StoreUnwritable) -> None:
        self._front.doing = f"it cannot start yet. {error}"
        if time.monotonic() >= self._quiet_until:
            _log.error("The collector cannot start yet, and tries again every second. %s", error)
            self._quiet_until = time.monotonic() + _LOG_INTERVAL

    def _is_served(self) -> bool:
        """Whether another collector has the database open; then waiting is useless."""
        from laban_app.answers.discovery import collector_of  # its HTTP client takes 0.2 s to import

        return collector_of(self._settings.db, self._settings) is not None


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
