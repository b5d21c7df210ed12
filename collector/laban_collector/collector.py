"""The collector: the parts in the order in which they start, and stop in reverse."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import NamedTuple

from laban.keys import parse_rules
from laban_collector.address import Address
from laban_collector.correlations import KeyFinder
from laban_collector.decode import otlp_protobuf
from laban_collector.kafka_lag import LagPoller
from laban_collector.pipeline import Limits, Pipeline
from laban_collector.receive.grpc import GrpcReceiver
from laban_collector.receive.http import HttpReceiver
from laban_collector.settings import Settings
from laban_collector.store.duckdb.database import Database
from laban_collector.store.duckdb.writer import DuckDBWriter


class Endpoints(NamedTuple):
    """Where the collector really listens, HOST:PORT."""

    grpc: str
    http: str


class Collector:
    """Receives OTLP over gRPC and HTTP into one database, and polls Kafka for the lag.

    Args:
        settings: what to listen at, what to poll, how much to take.
        database: open for writing; the caller closes it after `stop`.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._running = AsyncExitStack()

    async def start(self) -> Endpoints:
        """Start: writer, pipeline, receivers, lag poller.

        Raises:
            AddressInUse: an address cannot be bound; nothing is left running.
            StoreError: the database refused.
        """
        async with AsyncExitStack() as starting:
            writer = DuckDBWriter(self._database)
            pipeline = self._pipeline(writer)
            pipeline.start()
            starting.push_async_callback(asyncio.to_thread, pipeline.stop)
            limit = self._settings.max_request_bytes
            grpc = GrpcReceiver(Address.parse(self._settings.otlp_grpc), pipeline.submit, limit)
            http = HttpReceiver(Address.parse(self._settings.otlp_http), pipeline.submit, limit)
            endpoints = []
            for receiver in (grpc, http):
                endpoints.append(str(await receiver.start()))
                starting.push_async_callback(receiver.stop)
            if self._settings.kafka is not None:
                poller = LagPoller(self._settings.kafka, self._settings.lag_interval, writer.write_lag)
                poller.start()
                starting.push_async_callback(asyncio.to_thread, poller.stop)
            self._running = starting.pop_all()
        return Endpoints(*endpoints)

    async def stop(self) -> None:
        """Stop in reverse: poller, receivers, then the pipeline, when all that was accepted is on disk."""
        await self._running.aclose()

    def _pipeline(self, writer: DuckDBWriter) -> Pipeline:
        finder = KeyFinder(parse_rules(self._settings.keys))
        limits = Limits(
            in_flight_bytes=self._settings.max_in_flight_bytes,
            commit_bytes=self._settings.commit_bytes,
            commit_delay=self._settings.commit_delay,
        )
        return Pipeline(partial(otlp_protobuf.decode, finder=finder), writer, limits)
