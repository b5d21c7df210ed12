"""Routes of the HTTP API to import: batches of `laban import`, and small files as they are."""

import asyncio
import math
import time
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from laban_app.answers.import_report import as_json
from laban_collector.decode.results import AcceptedRequest
from laban_collector.errors import CollectorError, RequestTooLarge, UploadTooSlow
from laban_collector.importing import BATCH_TYPE
from laban_collector.importing.batch_receiver import BatchReceiver
from laban_collector.importing.importer import Report
from laban_collector.metrics import Metrics
from laban_collector.receive.asgi import Disconnected, decompressed, read_body
from laban_collector.receive.element_limit import too_many_json_elements
from laban_collector.receive.otlp_responses import error_response
from laban_mapper.model import Imported, ImportRules, Refused

_FILE_TYPES: Final = (
    "application/json",
    "application/x-ndjson",
    "application/x-protobuf",
    "application/octet-stream",
)
"""The media types of files; what a file is, its content tells."""
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            BATCH_TYPE: _BINARY,
            "application/json": {"schema": {}},
            "application/octet-stream": _BINARY,
        },
    }
}
_MAX_ELEMENTS: Final = 1_000_000
"""Objects and lists in one file: each takes about 100 bytes when parsed."""
_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.BAD_REQUEST: {
        "model": Refused,
        "description": "The body is damaged, or no batch of spans",
    },
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: {"model": Refused, "description": "The batch is over the limit"},
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: {
        "model": Refused,
        "description": "The content type is not that of a batch or a file",
    },
    HTTPStatus.SERVICE_UNAVAILABLE: {"model": Refused, "description": "Retry after the time in Retry-After"},
}


def add_import_routes(api: FastAPI, batch_receiver: BatchReceiver, metrics: Metrics) -> None:
    """Add the routes; imported spans are counted like spans from senders."""

    @api.get("/api/v1/import", summary="The rules for decoding spans")
    def rules() -> ImportRules:
        return ImportRules(keys=batch_receiver.rules)

    @api.post(
        "/api/v1/import",
        summary="Store the spans of a file, or spans that `laban import` has decoded",
        description="A file in any format that `laban import` reads, up to `max_request_bytes`, also with "
        "gzip or zstd. The answer then also has what was refused, noted and unknown.",
        response_model=Imported,
        responses=_REFUSALS,
        openapi_extra=_BODY,
    )
    async def store(request: Request) -> Response:
        sent_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if sent_type not in (BATCH_TYPE, *_FILE_TYPES):
            text = f"Send a file as {' or '.join(_FILE_TYPES)}, or use `laban import`."
            return JSONResponse({"error": text}, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            body = await _body(request, batch_receiver)
            if sent_type != BATCH_TYPE:
                report = await asyncio.to_thread(_import_file, batch_receiver, body)
                metrics.count_accepted(AcceptedRequest(report.spans))
                return JSONResponse(as_json(report, time.time_ns()))
            written = await asyncio.to_thread(batch_receiver.store, body)
        except CollectorError as error:
            metrics.count_refused(error)
            return _refused(error)
        except Disconnected:
            return Response()  # the client is gone
        metrics.count_accepted(AcceptedRequest(written.spans + written.duplicates))
        return JSONResponse({"stored": written.spans, "duplicates": written.duplicates})


def _import_file(batch_receiver: BatchReceiver, body: bytes) -> Report:
    content = decompressed(body, batch_receiver.limit)
    if too_many_json_elements(content, _MAX_ELEMENTS):
        raise RequestTooLarge(f"The file has more than {_MAX_ELEMENTS} JSON elements. Use `laban import`.")
    return batch_receiver.import_file(content)


async def _body(request: Request, batch_receiver: BatchReceiver) -> bytes:
    try:
        async with asyncio.timeout(batch_receiver.timeout):
            return await read_body(request.receive, "identity", batch_receiver.limit, lambda _: None)
    except TimeoutError as error:
        raise UploadTooSlow(
            f"The body took longer than {batch_receiver.timeout:g} s (upload_timeout)."
        ) from error


def _refused(error: CollectorError) -> JSONResponse:
    response = error_response(error)
    after = response.retry_after
    headers = {} if after is None else {"retry-after": str(math.ceil(after))}
    return JSONResponse({"error": response.message}, response.http_status, headers)
