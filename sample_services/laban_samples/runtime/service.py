"""The runtime of every service of the shop: HTTP, gRPC, Kafka, faults, and a clean shutdown.

A service module adds its routes, its gRPC servicer and its event handler to a `Service`, and calls `run`.
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

from laban_samples.errors import BadKafkaSecurity, SampleError
from laban_samples.faults.active_faults import ActiveFaults
from laban_samples.faults.grpc_interceptor import FaultInterceptor
from laban_samples.messaging.cluster import KafkaCluster
from laban_samples.messaging.consumer import EventConsumer, Handler
from laban_samples.messaging.dead_letters import DeadLetterPublisher
from laban_samples.messaging.events import PARTITIONS
from laban_samples.messaging.faulty_publisher import FaultyPublisher
from laban_samples.messaging.publisher import Publisher
from laban_samples.messaging.security import KafkaSecurity
from laban_samples.runtime.common_routes import admin_routes, health_routes, translate_errors
from laban_samples.runtime.settings import ServiceSettings, describe_errors

STOP_GRACE_S = 3
"""The time that active calls have to finish when the service stops."""

GRPC_THREADS = 64
"""Enough threads for all callers that wait for a slow service; a queue would add to their timeouts."""

log = logging.getLogger(__name__)
Resource = TypeVar("Resource")


class Service:
    """One service with its settings, faults, servers and clients.

    Args:
        name: the service name; also its consumer group and Kafka client ID.
        settings: the settings of the service.

    Attributes:
        routes: the router for the REST routes of the service; faults apply to each request.
        faults: the active faults.
    """

    def __init__(self, name: str, settings: ServiceSettings) -> None:
        self.name = name
        self.settings = settings
        self.faults = ActiveFaults(settings.initial_faults, settings.seed)
        security = KafkaSecurity.load().client_options()
        self.cluster = KafkaCluster(settings.kafka, settings.topic_prefix, settings.group_prefix, security)
        self.routes = APIRouter(dependencies=[Depends(self.faults.apply)])
        self._resources = ExitStack()
        self._awaited: dict[str, threading.Event] = {}
        self._on_stop: list[Callable[[], object]] = []
        self._consumers: list[EventConsumer] = []
        self._grpc: grpc.Server | None = None
        self._failed = False
        self._http: uvicorn.Server | None = None

    @classmethod
    def from_arguments(cls, name: str) -> "Service":
        """Create a service from the command line and the environment; exit with 2 if a setting is invalid."""
        logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {name} %(levelname)s %(message)s")
        # These loggers report every request and every fetched record, which hides the shop's own messages.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        logging.getLogger("kafka").setLevel(logging.ERROR)
        try:
            return cls(name, CliApp.run(ServiceSettings))
        except ValidationError as error:
            sys.stderr.writelines(f"{name}: {line}\n" for line in describe_errors(error))
        except (SettingsError, BadKafkaSecurity) as error:
            sys.stderr.write(f"{name}: {error}\n")
        sys.exit(2)

    @cached_property
    def publisher(self) -> Publisher:
        """The producer of this service, created on first use."""
        self.cluster.create_topics(PARTITIONS)
        publisher = FaultyPublisher(self.cluster, self.name, self.faults)
        self._resources.callback(publisher.close)
        return publisher

    def manage(self, resource: AbstractContextManager[Resource]) -> Resource:
        """Enter a resource, such as a client or a channel; it is closed when the service stops."""
        return self._resources.enter_context(resource)

    def on_stop(self, callback: Callable[[], object]) -> None:
        """Call `callback` when the service starts to stop, before its servers and clients are closed."""
        self._on_stop.append(callback)

    def ready_when(self, condition: str, happened: threading.Event) -> None:
        """Delay readiness until the event is set; `/healthz` names the condition."""
        self._awaited[condition] = happened

    def serve_grpc(self, register: Callable[[grpc.Server], None]) -> None:
        """Serve gRPC with the servicer that `register` adds to the server."""
        pool = ThreadPoolExecutor(max_workers=GRPC_THREADS, thread_name_prefix="grpc")
        server = grpc.server(pool, interceptors=[FaultInterceptor(self.faults)])
        register(server)
        server.add_insecure_port(self.settings.grpc_address(self.name))
        self._grpc = server

    def consume(self, topics: Sequence[str], handle: Handler) -> None:
        """Handle the events of these topics in the consumer group named after this service."""
        publisher = self.publisher
        group = self.cluster.group(self.name)
        dead_letters = DeadLetterPublisher(publisher, group, self.cluster.topic_prefix)
        consumer = EventConsumer(
            self.cluster, self.name, topics, handle, dead_letters, self.faults, self._fail
        )
        self._consumers.append(consumer)
        self.ready_when(f"group {group}", consumer.joined)

    def run(self) -> NoReturn:
        """Serve until SIGTERM or SIGINT, then stop cleanly and exit."""
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
        # The shutdown runs here, not after run(): uvicorn ends the process with the signal that it received.
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
        return [condition for condition, happened in self._awaited.items() if not happened.is_set()]

    def _fail(self) -> None:
        self._failed = True
        if self._http:
            self._http.should_exit = True


def run_service(name: str, configure: Callable[[Service], None]) -> NoReturn:
    """Create, configure and run a service: the `main` of a service module. Exits 1 if it cannot start."""
    service = Service.from_arguments(name)
    try:
        configure(service)
    except SampleError as error:
        sys.exit(f"{name}: {error}")
    service.run()
