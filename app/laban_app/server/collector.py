"""The collector: starts its parts in order, and stops them in reverse order."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from laban.business_keys.keys import parse_rules
from laban_app.answers.profiling import profile_traces
from laban_collector.address import Address
from laban_collector.batch.namespaces import with_kubernetes_namespaces
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.decode.otlp_logs import LogDecoder
from laban_collector.errors import NotAccepting
from laban_collector.importing.batch_receiver import BatchReceiver
from laban_collector.ingest.group_commit import Limits
from laban_collector.ingest.pipeline import Pipeline
from laban_collector.ingest.storage_service import StorageService
from laban_collector.protect.protected_writer import ProtectedWriter
from laban_collector.protect.protection import Protection
from laban_collector.receive.access import Access
from laban_collector.receive.element_limit import LOGS
from laban_collector.receive.grpc import GrpcReceiver
from laban_collector.receive.http import HttpReceiver
from laban_collector.receive.intake import Intake, IntakeLimits
from laban_collector.receive.tls import Identity
from laban_collector.settings import Settings
from laban_collector.store.base import NameLimits, RetentionLimits, Store

if TYPE_CHECKING:
    from laban_collector.lag.poller import LagPoller


_LOGS_PART: Final = 4
"""Logs may have 1/4 of the bytes in flight, besides those of spans."""


class Endpoints(NamedTuple):
    """The addresses that the collector is bound to, HOST:PORT."""

    grpc: str
    http: str


class Collector:
    """Receives OTLP over gRPC and HTTP into one database, and polls Kafka for the lag.

    Args:
        settings: the addresses to listen on, the Kafka clusters to poll, and the limits.
        store: open for writing; the caller closes it after `stop`.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        names = NameLimits(
            services=settings.max_services,
            topics=settings.max_topics,
            peers=settings.max_peers,
            operations=settings.max_operations,
            edges=settings.max_edges,
        )
        self.storage = StorageService(
            store, _retention(settings), names, profile_traces, settings.metrics_edges
        )
        self._batch_receiver: BatchReceiver | None = None
        self._running = AsyncExitStack()

    @property
    def batch_receiver(self) -> BatchReceiver:
        """The receiver of `laban import`; raises NotAccepting before the collector is started."""
        if self._batch_receiver is None:
            raise NotAccepting("The collector is not running.")
        return self._batch_receiver

    async def start(self) -> Endpoints:
        """Start the storage, the pipeline, the receivers and the lag pollers.

        Raises:
            BadSettings: access would be open to everyone, or the certificate is not usable.
            AddressInUse: an address cannot be bound; nothing is left running.
            StoreError: the database cannot be written.
            OSError: the journal or the ledger file next to the database cannot be written.
        """
        access, identity = Access.from_settings(self._settings), Identity.from_settings(self._settings)
        async with AsyncExitStack() as starting:
            starting.push_async_callback(asyncio.to_thread, self.storage.stop)
            await asyncio.to_thread(self.storage.start)
            self._batch_receiver = batch_receiver = self._new_batch_receiver()
            starting.push_async_callback(asyncio.to_thread, batch_receiver.close)
            pipeline = self._new_pipeline()
            pipeline.start()
            starting.push_async_callback(asyncio.to_thread, pipeline.stop)
            intake = Intake(pipeline.submit, IntakeLimits.from_settings(self._settings), self.storage.metrics)
            logs = self._start_logs(starting) if self._settings.logs else None
            grpc = GrpcReceiver(Address.parse(self._settings.otlp_grpc), intake, access, identity, logs)
            http = HttpReceiver(Address.parse(self._settings.otlp_http), intake, access, identity, logs)
            # Registered before they start, because stopping a part that is not running does nothing. They
            # stop together, because each may have to wait for slow peers.
            pollers = self._new_pollers()
            stops = [partial(asyncio.to_thread, poller.stop) for poller in pollers]
            starting.push_async_callback(_stop_together, grpc.stop, http.stop, *stops)
            endpoints = [str(await receiver.start()) for receiver in (grpc, http)]
            for poller in pollers:
                poller.start()
            self._running = starting.pop_all()
        return Endpoints(*endpoints)

    async def stop(self) -> None:
        """Stop in reverse order; the pipeline stops when all accepted spans are on disk."""
        await self._running.aclose()

    def _new_pollers(self) -> "list[LagPoller]":
        """Return one poller for each Kafka cluster, so that one that is down costs only itself."""
        clusters = self._settings.kafka_clusters
        if not clusters:
            return []
        from laban_collector.lag.poller import LagPoller  # the Kafka client takes 0.2 s to import

        interval, write = self._settings.lag_interval, self.storage.write_lag
        history = self.storage.recent_lag
        return [LagPoller(cluster, interval, write, name, history) for name, cluster in clusters.items()]

    def _new_batch_receiver(self) -> BatchReceiver:
        settings = self._settings
        protection = Protection.from_settings(settings)
        protected = ProtectedWriter(self.storage, protection, k8s_namespaces=settings.k8s_namespaces)
        return BatchReceiver(protected, settings.keys, settings.max_request_bytes, settings.upload_timeout)

    def _start_logs(self, starting: AsyncExitStack) -> Intake:
        """Start to store logs; they have threads and limits of their own, so spans do not wait for them."""
        settings = self._settings
        limits = Limits(
            in_flight_bytes=max(settings.max_request_bytes, settings.max_in_flight_bytes // _LOGS_PART),
            commit_bytes=settings.commit_bytes,
            commit_delay=settings.commit_delay,
        )
        decoder = LogDecoder.from_settings(settings)
        pipeline = Pipeline(decoder.decode, self.storage.take_logs, limits, "-logs")
        pipeline.start()
        starting.push_async_callback(asyncio.to_thread, pipeline.stop)
        return Intake(pipeline.submit, IntakeLimits.from_settings(settings), self.storage.metrics, LOGS)

    def _new_pipeline(self) -> Pipeline[SpanBatch]:
        finder = KeyFinder(parse_rules(self._settings.keys))
        limits = Limits(
            in_flight_bytes=self._settings.max_in_flight_bytes,
            commit_bytes=self._settings.commit_bytes,
            commit_delay=self._settings.commit_delay,
        )
        decoder = OtlpDecoder(finder, Protection.from_settings(self._settings))
        take = self._take_with_namespaces if self._settings.k8s_namespaces else self.storage.take
        return Pipeline(decoder.decode, take, limits)

    def _take_with_namespaces(self, batch: SpanBatch) -> None:
        self.storage.take(with_kubernetes_namespaces(batch))


def _retention(settings: Settings) -> RetentionLimits:
    return RetentionLimits(
        settings.retention, settings.max_size, settings.logs_retention if settings.logs else None
    )


async def _stop_together(*stops: Callable[[], Coroutine[None, None, None]]) -> None:
    await asyncio.gather(*(stop() for stop in stops))
