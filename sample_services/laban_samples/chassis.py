"""What every service of the shop stands on: HTTP, gRPC, Kafka, faults, and a clean stop.

A service module makes a `Chassis`, adds its routes, its gRPC servicer and its event handler, and calls `run`.
"""

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from functools import cached_property
from typing import NoReturn, TypeVar

import grpc
import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from pydantic import ValidationError
from pydantic_settings import CliApp, SettingsError

from laban_samples.admin import admin_routes, health_routes, translate_errors
from laban_samples.errors import SampleError
from laban_samples.events import PARTITIONS
from laban_samples.fault_state import FaultState
from laban_samples.grpc_faults import FaultInterceptor
from laban_samples.messaging.cluster import Cluster
from laban_samples.messaging.consumer import EventConsumer, Handler
from laban_samples.messaging.dead_letter import DeadLetters
from laban_samples.messaging.publisher import Publisher
from laban_samples.messaging.unreliable import UnreliablePublisher
from laban_samples.settings import ServiceSettings, explain

STOP_GRACE_S = 3
"""How long calls under way may take to finish once the service stops."""

GRPC_THREADS = 64
"""Enough for the callers who wait while somebody is slow: a queue here would add to their time-outs."""

log = logging.getLogger(__name__)
Resource = TypeVar("Resource")


class Chassis:
    """One service: its settings, its faults, its edges.

    Args:
        name: of the service; also its consumer group and Kafka client id.
        settings: what it was told.

    Attributes:
        routes: where the service adds its REST routes; faults strike them.
        faults: what is wrong with the service right now.
    """

    def __init__(self, name: str, settings: ServiceSettings) -> None:
        self.name = name
        self.settings = settings
        self.faults = FaultState(settings.starting_faults, settings.seed)
        self.cluster = Cluster(settings.kafka, settings.topic_prefix, settings.group_prefix)
        self.routes = APIRouter(dependencies=[Depends(self.faults.strike)])
        self._resources = ExitStack()
        self._awaited: dict[str, threading.Event] = {}
        self._on_stop: list[Callable[[], object]] = []
        self._consumers: list[EventConsumer] = []
        self._grpc: grpc.Server | None = None
        self._failed = False
        self._http: uvicorn.Server | None = None

    @classmethod
    def from_arguments(cls, name: str) -> "Chassis":
        """A chassis told by the command line and the environment; wrong settings end the process with 2."""
        logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {name} %(levelname)s %(message)s")
        # These tell of every request and every record fetched; what the shop does is what matters here.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        logging.getLogger("kafka").setLevel(logging.ERROR)
        try:
            return cls(name, CliApp.run(ServiceSettings))
        except ValidationError as error:
            sys.stderr.writelines(f"{name}: {line}\n" for line in explain(error))
        except SettingsError as error:
            sys.stderr.write(f"{name}: {error}\n")
        sys.exit(2)

    @cached_property
    def publisher(self) -> Publisher:
        """The producer of this service, made when it is first asked for."""
        self.cluster.create_topics(PARTITIONS)
        publisher = UnreliablePublisher(self.cluster, self.name, self.faults)
        self._resources.callback(publisher.close)
        return publisher

    def use(self, resource: AbstractContextManager[Resource]) -> Resource:
        """Enter something that is closed when the service stops: a client, a channel."""
        return self._resources.enter_context(resource)

    def on_stop(self, callback: Callable[[], object]) -> None:
        """Call this when the service begins to stop, before its servers and clients are closed."""
        self._on_stop.append(callback)

    def ready_when(self, what: str, happened: threading.Event) -> None:
        """Be ready no earlier than this has happened."""
        self._awaited[what] = happened

    def serve_grpc(self, register: Callable[[grpc.Server], None]) -> None:
        """Answer gRPC with the servicer that `register` adds to the server."""
        pool = ThreadPoolExecutor(max_workers=GRPC_THREADS, thread_name_prefix="grpc")
        server = grpc.server(pool, interceptors=[FaultInterceptor(self.faults)])
        register(server)
        server.add_insecure_port(self.settings.grpc_address(self.name))
        self._grpc = server

    def consume(self, topics: Sequence[str], handle: Handler) -> None:
        """Handle the events of some topics, as the consumer group of this service's name."""
        publisher = self.publisher
        group = self.cluster.group(self.name)
        dead_letters = DeadLetters(publisher, group, self.cluster.topic_prefix)
        consumer = EventConsumer(
            self.cluster, self.name, topics, handle, dead_letters, self.faults, self._fail
        )
        self._consumers.append(consumer)
        self.ready_when(f"group {group}", consumer.joined)

    def run(self) -> NoReturn:
        """Serve until SIGTERM or SIGINT, then stop cleanly; ends the process."""
        app = FastAPI(title=self.name, lifespan=self._lifespan)
        translate_errors(app)
        app.include_router(health_routes(self.name, self._waiting_for))
        app.include_router(admin_routes(self.faults))
        app.include_router(self.routes)
        host, port = self.settings.http_address(self.name)
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=STOP_GRACE_S,
        )
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        self._http = uvicorn.Server(config)
        self._http.run()
        sys.exit(1 if self._failed or not self._http.started else 0)

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncGenerator[None, None]:
        # Stopping belongs here and not after run(): uvicorn ends the process by the signal that stopped it.
        try:
            if self._grpc:
                self._grpc.start()
            for consumer in self._consumers:
                consumer.start()
            log.info("started in %s style", self.settings.style)
            yield
        finally:
            await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        self.faults.release()
        for consumer in reversed(self._consumers):
            consumer.stop()
        for callback in reversed(self._on_stop):
            callback()
        if self._grpc:
            self._grpc.stop(grace=STOP_GRACE_S).wait()
        self._resources.close()
        log.info("stopped")

    def _waiting_for(self) -> list[str]:
        return [what for what, happened in self._awaited.items() if not happened.is_set()]

    def _fail(self) -> None:
        self._failed = True
        if self._http:
            self._http.should_exit = True


def run_service(name: str, build: Callable[[Chassis], None]) -> NoReturn:
    """The `main` of a service: build it on a chassis and serve; what it cannot start with ends it with 1."""
    chassis = Chassis.from_arguments(name)
    try:
        build(chassis)
    except SampleError as error:
        sys.exit(f"{name}: {error}")
    chassis.run()
