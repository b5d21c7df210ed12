"""Routes of the HTTP API for operators: probes, metrics, export and backup."""

from collections.abc import Generator, Iterator
from dataclasses import asdict
from http import HTTPStatus

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, StreamingResponse

from laban_collector.ingest.storage_service import StorageService
from laban_collector.metrics import CONTENT_TYPE
from laban_mapper.model import CollectorStatus


def add_admin_routes(api: FastAPI, storage: StorageService) -> None:
    """Add the routes about the collector itself."""

    @api.get("/readyz", summary="Whether spans can be stored", include_in_schema=False)
    def readyz() -> Response:
        if storage.unready() is None:
            return JSONResponse({"status": "ready"})
        # The reason is in the log and in the status, because this route needs no token.
        return JSONResponse({"status": "unready"}, HTTPStatus.SERVICE_UNAVAILABLE)

    @api.get("/metrics", summary="Counters for Prometheus", include_in_schema=False)
    def metrics() -> Response:
        return Response(storage.metrics.text(), media_type=CONTENT_TYPE)

    # POST, although nothing changes: they are expensive, and no link or image in a page must trigger them.
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
    """How the collector is doing."""
    return CollectorStatus(**asdict(storage.health()))


def _begun(pieces: Generator[bytes, None, None]) -> Iterator[bytes]:
    """Produce the first piece now, so that an error before it still becomes a status code."""
    first = next(pieces, b"")

    def all_pieces() -> Generator[bytes, None, None]:
        try:
            yield first
            yield from pieces
        finally:
            pieces.close()

    return all_pieces()
