"""Routes of the HTTP API for operators: probes, metrics, export and backup."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from dataclasses import fields as dataclass_fields
from http import HTTPStatus
from pathlib import Path
from typing import IO, Annotated, Any, Final

from fastapi import FastAPI, Header, Response
from fastapi.responses import JSONResponse, StreamingResponse

from laban_app.server.metrics.page import MetricsPage
from laban_app.server.metrics.text import Form
from laban_collector.errors import StoreUnwritable
from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.damage import Rescue, Verification
from laban_mapper.model import CollectorStatus, LogCounts, LostCommitRange, RescueStatus, StoreVerification

_PIECE: Final = 1 << 20
"""Bytes that are sent at once."""


def add_admin_routes(api: FastAPI, storage: StorageService, page: MetricsPage) -> None:
    """Add the routes about the collector itself."""

    @api.get("/readyz", summary="Whether spans can be stored", include_in_schema=False)
    def readyz() -> Response:
        if storage.unready() is None:
            return JSONResponse({"status": "ready"})
        # The reason is in the log and in the status, because this route needs no token.
        return JSONResponse({"status": "unready"}, HTTPStatus.SERVICE_UNAVAILABLE)

    @api.get("/metrics", summary="Counters for Prometheus", include_in_schema=False)
    def metrics(accept: Annotated[str | None, Header()] = None) -> Response:
        form = Form.accepted(accept)
        return Response(page.render(form), headers={"content-type": form.value})

    # POST, although nothing changes: they are expensive, and no link or image in a page must trigger them.
    @api.post(
        "/api/v1/export", summary="All tables as Parquet files in a ZIP archive", response_class=Response
    )
    def export() -> StreamingResponse:
        storage.settle()
        return _sent(_archive(storage), "application/zip")

    @api.post("/api/v1/backup", summary="A consistent copy as a DuckDB file", response_class=Response)
    def backup() -> StreamingResponse:
        storage.settle()
        return _sent(_backup(storage), "application/octet-stream")


def collector_status(storage: StorageService) -> CollectorStatus:
    """How the collector is doing."""
    health = storage.health()
    fields: dict[str, Any] = {field.name: getattr(health, field.name) for field in dataclass_fields(health)}
    fields["verification"] = _verification(health.verification)
    fields["logs"] = LogCounts(**asdict(health.logs))
    fields["rescues"] = [_rescue(one) for one in health.rescues]
    return CollectorStatus(**fields)


def _verification(found: Verification) -> StoreVerification:
    age = None if found.verified is None else max(time.time() - found.verified, 0.0)
    return StoreVerification(**found.model_dump(), age_s=age)


def _rescue(record: Rescue) -> RescueStatus:
    losses = record.losses
    return RescueStatus(
        file=record.file,
        state=record.state,
        reason=record.reason,
        found=record.found,
        stored=record.stored,
        lost=record.lost,
        exact=None if losses is None else losses.exact,
        incomplete=0 if losses is None else losses.incomplete,
        commits=[] if losses is None else [LostCommitRange(**one.model_dump()) for one in losses.commits],
        sentence=record.in_words(),
    )


# Everything is written to a file next to the database first, which has no name any more when it is sent
# with its length: an error while the data are read becomes a status code, and a response that breaks off is
# shorter than it says. The file takes as much space as the response.


def _archive(storage: StorageService) -> IO[bytes]:
    """Write the archive of an export to a file.

    Raises:
        StoreError: the data cannot be read, or the file cannot be written.
    """
    file = tempfile.TemporaryFile(dir=storage.store.path.absolute().parent)  # noqa: SIM115 - closed when sent
    try:
        with contextlib.closing(storage.store.archive()) as pieces:
            for piece in pieces:
                file.write(piece)
    except OSError as error:
        file.close()
        raise StoreUnwritable(f"There is no space next to the database for the export: {error}") from error
    except BaseException:
        file.close()
        raise
    return file


def _backup(storage: StorageService) -> IO[bytes]:
    """Write a backup to a file; raises like `_archive`."""
    path = storage.store.path.absolute()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{path.name}.backup-") as folder:
        made = Path(folder) / path.name
        for _ in storage.store.backup(made):
            pass
        return made.open("rb")


def _sent(file: IO[bytes], kind: str) -> StreamingResponse:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)

    def pieces() -> Iterator[bytes]:
        with file:
            while piece := file.read(_PIECE):
                yield piece

    return StreamingResponse(pieces(), media_type=kind, headers={"content-length": str(size)})
