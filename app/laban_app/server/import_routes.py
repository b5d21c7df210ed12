"""Routes of the HTTP API that `laban import` uses while a collector has the database open."""

import asyncio
import math
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from laban_collector.decode.results import AcceptedRequest
from laban_collector.errors import CollectorError, UploadTooSlow
from laban_collector.importing import BATCH_TYPE
from laban_collector.importing.batch_receiver import BatchReceiver
from laban_collector.metrics import Metrics
from laban_collector.receive.asgi import Disconnected, read_body
from laban_collector.receive.otlp_responses import error_response
from laban_mapper.model import Imported, ImportRules, Refused

_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {BATCH_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}
_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.BAD_REQUEST: {"model": Refused, "description": "The body is not a batch of spans"},
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: {"model": Refused, "description": "The batch is over the limit"},
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: {
        "model": Refused,
        "description": "The content type is not that of a batch",
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
        summary="Store spans that `laban import` has decoded",
        response_model=Imported,
        responses=_REFUSALS,
        openapi_extra=_BODY,
    )
    async def store(request: Request) -> Response:
        if request.headers.get("content-type") != BATCH_TYPE:
            return JSONResponse(
                {"error": f"This route is for `laban import`, which sends {BATCH_TYPE}."},
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            )
        try:
            body = await _body(request, batch_receiver)
            written = await asyncio.to_thread(batch_receiver.store, body)
        except CollectorError as error:
            metrics.count_refused(error)
            return _refused(error)
        except Disconnected:
            return Response()  # the client is gone
        metrics.count_accepted(AcceptedRequest(written.spans + written.duplicates))
        return JSONResponse({"stored": written.spans, "duplicates": written.duplicates})


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
