"""The HTTP API: the questions of `Answers` under `/api/v1`, described by OpenAPI."""

import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse

from laban_app.answers.protocol import Answers
from laban_app.server.admin_routes import add_keeping, collector_status
from laban_collector.errors import CollectorError
from laban_collector.ingest.storage_service import StorageService
from laban_collector.receive.access import Access
from laban_collector.receive.asgi import Headers, Scope, Send, respond
from laban_collector.receive.guard import Guard
from laban_collector.receive.otlp_responses import ErrorResponse
from laban_mapper.errors import BadWindow, MapperError, UnknownValue
from laban_mapper.model import (
    KnownValues,
    LagHistory,
    LagReport,
    LatencyHistory,
    Refused,
    ServiceMap,
    Status,
    Story,
    UnknownAnswer,
)
from laban_mapper.times import parse_time

_TIME = "How long ago (15m, 2h, 7d), `now`, or ISO 8601."
_FORM = (
    r"^(now|[0-9]{1,6}[smh]|[0-9]{1,4}[dw]"
    r"|20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?Z)?)$"
)
"""What tools that read the description may send; more is understood."""


def _beginning(default: str) -> Any:
    text = f"Beginning of the window. {_TIME} Default: {default} before its end."
    return Query(description=text, json_schema_extra={"pattern": _FORM})


Since = Annotated[str | None, _beginning("1 h")]
SinceADay = Annotated[str | None, _beginning("1 d")]
Until = Annotated[
    str | None,
    Query(
        description=f"End of the window. {_TIME} Default: the newest span.",
        json_schema_extra={"pattern": _FORM},
    ),
]
_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.BAD_REQUEST: {"model": Refused, "description": "The window is none"},
    HTTPStatus.UNAUTHORIZED: {"model": Refused, "description": "The token is missing or another one"},
    HTTPStatus.FORBIDDEN: {"model": Refused, "description": "The Host or the Origin is not served"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"model": Refused, "description": "The database does not answer"},
}
_UNKNOWN: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.NOT_FOUND: {"model": UnknownAnswer, "description": "No trace carries it"}
}
Key = Annotated[
    str, Query(description="A business key, or how it begins: `order`.", min_length=1, max_length=64)
]


def build_api(answers: Answers, version: str, storage: StorageService) -> FastAPI:
    """The application; every route asks `answers`, or the storage of the database that they are read from."""
    api = FastAPI(
        title="laban",
        version=version,
        description="What happened to order 123? Who talks to whom, and is it healthy?",
        docs_url=None,  # the pages behind these load scripts from a CDN
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    for router in (_router(answers, storage), _map_router(answers, storage)):
        api.include_router(router, prefix="/api/v1")
    add_keeping(api, storage)
    api.add_exception_handler(MapperError, _mapper_error)
    api.add_exception_handler(CollectorError, _mapper_error)

    @api.get("/healthz", summary="Whether the process answers", include_in_schema=False)
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return api


def guarded(api: FastAPI, access: Access) -> Guard:
    """Return the application behind access control; the health checks are open to everyone."""
    return Guard(api, access, _deny, "GET", frozenset({"/healthz", "/readyz"}))


async def _deny(_: Scope, send: Send, error: ErrorResponse, headers: Headers) -> None:
    body = json.dumps({"error": error.message}).encode()
    await respond(send, error.http_status, body, "application/json", headers)


def _router(answers: Answers, storage: StorageService) -> APIRouter:
    # What was acknowledged is in every answer.
    router = APIRouter(responses=_REFUSALS, dependencies=[Depends(storage.settle)])

    @router.get("/order/{order_id}", summary="What happened to an order", responses=_UNKNOWN)
    def order(order_id: str, since: Since = None, until: Until = None) -> Story:
        return answers.story("order", order_id, _time(since), _time(until))

    @router.get("/story", summary="What happened to a business key's value", responses=_UNKNOWN)
    def story(key: Key, value: str, since: Since = None, until: Until = None) -> Story:
        return answers.story(key, value, _time(since), _time(until))

    @router.get("/lag", summary="How far each consumer group is behind now")
    def lag() -> LagReport:
        return answers.lag()

    @router.get("/lag/history", summary="How far each consumer group was behind over time")
    def lag_history(since: Since = None, until: Until = None) -> LagHistory:
        return answers.lag_history(_time(since), _time(until))

    @router.get("/latency", summary="Percentiles over time")
    def latency(by: Literal["edge", "route"], since: Since = None, until: Until = None) -> LatencyHistory:
        return answers.latency(by, _time(since), _time(until))

    @router.get("/values", summary="The newest values of a business key")
    def known_values(
        key: Key,
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
        since: SinceADay = None,
        until: Until = None,
    ) -> KnownValues:
        return answers.known_values(key, limit, _time(since), _time(until))

    @router.get("/status", summary="What the store holds, and how the collector is doing")
    def status() -> Status:
        return answers.status().model_copy(update={"collector": collector_status(storage)})

    return router


def _map_router(answers: Answers, storage: StorageService) -> APIRouter:
    # Of very many spans that come in the newest may be missing in a graph.
    router = APIRouter(responses=_REFUSALS, dependencies=[Depends(storage.settle_edges)])

    @router.get(
        "/map",
        summary="Who talks to whom, and how",
        description="A window of five minutes and more is widened to whole minutes.",
    )
    def service_map(since: Since = None, until: Until = None) -> ServiceMap:
        return answers.service_map(_time(since), _time(until))

    return router


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text, datetime.now(UTC))


async def _mapper_error(_: Request, error: Exception) -> JSONResponse:
    """Our errors as statuses: only here, at the edge."""
    if isinstance(error, UnknownValue):
        body = {"error": str(error), "nearest": error.nearest}
        return JSONResponse(body, HTTPStatus.NOT_FOUND)
    status = HTTPStatus.BAD_REQUEST if isinstance(error, BadWindow) else HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse({"error": str(error)}, status)
