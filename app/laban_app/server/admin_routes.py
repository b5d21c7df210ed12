"""The part of the HTTP API for those who keep a collector: probes, metrics, export and backup."""

from collections.abc import Generator, Iterator
from dataclasses import asdict
from http import HTTPStatus

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, StreamingResponse

from laban_collector.ingest.storage_service import StorageService
from laban_collector.metrics import CONTENT_TYPE
from laban_mapper.model import CollectorStatus


def add_keeping(api: FastAPI, storage: StorageService) -> None:
    """Add the routes that are about the collector itself."""

    @api.get("/readyz", summary="Whether spans can be stored", include_in_schema=False)
    def readyz() -> Response:
        if storage.unready() is None:
            return JSONResponse({"status": "ready"})
        # Why is in the log and in the status: this route is open to everybody.
        return JSONResponse({"status": "unready"}, HTTPStatus.SERVICE_UNAVAILABLE)

    @api.get("/metrics", summary="Counters for Prometheus", include_in_schema=False)
    def metrics() -> Response:
        return Response(storage.metrics.text(), media_type=CONTENT_TYPE)

    # POST, though they change nothing: they cost much, and no link or picture in a page must set them off.
    @api.post(
        "/api/v1/export", summary="All tables as Parquet files in a ZIP archive", response_class=Response
    )
    def export() -> StreamingResponse:
        storage.settle()
        return StreamingResponse(_begun(storage.store.archive()), media_type="application/zip")

    @api.post("/api/v1/backup", summary="A consistent copy as a DuckDB file", response_class=Response)
    def backup() -> StreamingResponse:
        storage.settle()
        return StreamingResponse(_begun(storage.store.stream_backup()), media_type="application/octet-stream")


def collector_status(storage: StorageService) -> CollectorStatus:
    """How the collector is doing, as an answer."""
    return CollectorStatus(**asdict(storage.health()))


def _begun(pieces: Generator[bytes, None, None]) -> Iterator[bytes]:
    """The pieces, the first one made now: an error before it still becomes a status."""
    first = next(pieces, b"")

    def all_pieces() -> Generator[bytes, None, None]:
        try:
            yield first
            yield from pieces
        finally:
            pieces.close()

    return all_pieces()
