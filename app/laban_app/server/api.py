"""The HTTP API: the questions of `Answers` under `/api/v1`, documented by OpenAPI."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import Field

from laban_app.answers.protocol import TraceAnswers
from laban_app.answers.sides import side_of
from laban_app.answers.story_logs import told_with_logs
from laban_app.errors import AppError, NotInRange, SeveralKeys, UnknownTrace, UnknownValue
from laban_app.server.admin_routes import add_admin_routes, collector_status
from laban_app.server.metrics.page import MetricsPage
from laban_app.server.remembered import Remembered
from laban_collector.errors import CollectorError
from laban_collector.ingest.storage_service import StorageService
from laban_collector.receive.access import Access
from laban_collector.receive.asgi import App, Headers, Scope, Send, respond
from laban_collector.receive.guard import Guard
from laban_collector.receive.otlp_responses import ErrorResponse
from laban_mapper.drift.comparison.comparing import compare as compare_sides
from laban_mapper.drift.comparison.windows import parse_window
from laban_mapper.drift.file_writer import to_yaml
from laban_mapper.errors import (
    InvalidChange,
    InvalidTimeRange,
    InvalidTraceId,
    MapperError,
    UnknownEntry,
    UnknownPlace,
)
from laban_mapper.model import (
    CauseKind,
    Findings,
    KnownValues,
    LagHistory,
    LagReport,
    LatencyHistory,
    Logs,
    Neighbours,
    Orders,
    Refused,
    ServiceMap,
    Status,
    Story,
    UnknownAnswer,
)
from laban_mapper.model_alerts import Alerts
from laban_mapper.model_compare import Comparison
from laban_mapper.model_drift import Choreography
from laban_mapper.model_whatif import WhatIf
from laban_mapper.orders import OrderFilter, OrdersQuestion, Sort
from laban_mapper.printable import printable
from laban_mapper.story.forms.rendering import MEDIA_TYPES, StoryForm, write
from laban_mapper.story.logs import MOST, MOST_TRACES
from laban_mapper.times import parse_time
from laban_mapper.trace import Trace
from laban_mapper.whatif.changes import MOST_CHANGES, ChangeTexts

_TIME = "A duration ago (15m, 2h, 7d), `now`, or ISO 8601."
_FORM = (
    r"^(now|[0-9]{1,6}[smh]|[0-9]{1,4}[dw]"
    r"|20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?Z)?)$"
)
"""The forms that tools may generate from the OpenAPI document; the API accepts more."""


def _beginning(default: str | None) -> Any:
    default = "any time" if default is None else f"{default} before its end"
    text = f"Start of the time range. {_TIME} Default: {default}."
    return Query(description=text, json_schema_extra={"pattern": _FORM})


Since = Annotated[str | None, _beginning("1 h")]
SinceEver = Annotated[str | None, _beginning(None)]
SinceADay = Annotated[str | None, _beginning("1 d")]
Until = Annotated[
    str | None,
    Query(
        description=f"End of the time range. {_TIME} Default: now, or the newest span of an old import.",
        json_schema_extra={"pattern": _FORM},
    ),
]
_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.BAD_REQUEST: {"model": Refused, "description": "Invalid time range"},
    HTTPStatus.UNAUTHORIZED: {"model": Refused, "description": "The token is missing or wrong"},
    HTTPStatus.FORBIDDEN: {"model": Refused, "description": "The Host or the Origin is not allowed"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"model": Refused, "description": "The database is not available"},
}
_UNKNOWN: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.NOT_FOUND: {
        "model": UnknownAnswer,
        "description": "No trace carries it, or several business keys have the value",
    }
}
_STORY: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.OK: {
        "description": "The story, in the form that was asked for",
        "content": {media_type: {"schema": {"type": "string"}} for media_type in MEDIA_TYPES.values()},
    },
    **_UNKNOWN,
}
_UNKNOWN_TRACE: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.BAD_REQUEST: {"model": Refused, "description": "Not the ID of a trace"},
    HTTPStatus.NOT_FOUND: {"model": Refused, "description": "No span of the trace is stored"},
}
_WHAT_IF: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.BAD_REQUEST: {"model": Refused, "description": "Nothing is changed, or it is not understood"},
    HTTPStatus.NOT_FOUND: {"model": Refused, "description": "No trace has such a service or call"},
}
_CHANGE: Final = Field(max_length=1000, json_schema_extra={"maxLength": 60, "pattern": "^[ -~]+$"})
Changed = Annotated[
    tuple[Annotated[str, _CHANGE], ...], Field(max_length=MOST_CHANGES, json_schema_extra={"maxItems": 3})
]
"""As with times, the document names less than what is accepted: tools make up addresses that are too long."""
TraceId = Annotated[
    str,
    Path(
        description="32 hex digits, or 16 for an ID of 64 bits; upper case and dashes are fine.",
        json_schema_extra={"pattern": "^([0-9a-f]{32}|[0-9a-f]{16})$"},
    ),
]
LoggedTrace = Annotated[str, Field(json_schema_extra={"pattern": "^([0-9a-f]{32}|[0-9a-f]{16})$"})]
WithLogs = Annotated[
    bool,
    Query(
        description="With the log records of the steps: `logs` in JSON; in `mermaid` the worst warnings only."
    ),
]
Limit = Annotated[
    int | None, Query(ge=1, le=10_000_000, description="Maximum number of spans. Default: all.")
]
StoryFormat = Annotated[
    Literal["json", StoryForm],
    Query(
        alias="format",
        description="`json`; `markdown` for a ticket; `mermaid`, a sequence diagram; `html`, one file.",
    ),
]
_CHOREOGRAPHY: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.OK: {
        "description": "The choreography, in the form that was asked for",
        "content": {"application/yaml": {"schema": {"type": "object"}}},
    }
}
ChoreographyFormat = Annotated[
    Literal["json", "yaml"], Query(alias="format", description="`json`, or `yaml`: the file.")
]
TimeRange = Annotated[
    str,
    Query(
        description="A time range: `SINCE..UNTIL`, each as elsewhere; without UNTIL it ends now. Or `today`, "
        "`yesterday`, in UTC.",
        json_schema_extra={"pattern": r"^(today|yesterday|[1-9][0-9]?h\.\.([0-9]{1,2}s|now)?)$"},
    ),
]
_UNKNOWN_ENTRY: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.NOT_FOUND: {
        "model": Refused,
        "description": "No sampled trace begins with the entry operation",
    }
}
Entry = Annotated[
    str | None,
    Query(
        description="An entry operation, such as `POST /orders`: only the edges in sampled traces of it.",
        min_length=1,
        max_length=300,
    ),
]
Unseen = Annotated[bool, Query(description="Also show the callers that were not seen, as one node.")]
Key = Annotated[
    str, Query(description="A business key or its first part, such as `order`.", min_length=1, max_length=64)
]


def build_api(
    answers: TraceAnswers,
    version: str,
    storage: StorageService,
    metrics: MetricsPage,
    alerts: Callable[[], Alerts],
    quiet: float = 0.0,
) -> FastAPI:
    """Build the application; its routes read from `answers` and from the storage behind them.

    Args:
        answers: to the questions.
        version: of laban.
        storage: behind the answers.
        metrics: the page `/metrics`.
        alerts: what fires now.
        quiet: seconds since the last change of the storage.
    """
    api = FastAPI(
        title="laban",
        version=version,
        description="What happened to order 123? Which service calls which, and is it healthy?",
        docs_url=None,  # these pages load scripts from a CDN
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    for router in (_router(answers), _settled_router(answers, storage, alerts)):
        api.include_router(router, prefix="/api/v1")
    add_admin_routes(api, storage, metrics)
    api.add_middleware(Remembered, changes=lambda: storage.changes, quiet=quiet)
    for error in (AppError, MapperError, CollectorError):
        api.add_exception_handler(error, _error_response)

    @api.get("/healthz", summary="Whether the process is running", include_in_schema=False)
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return api


def guarded(api: App, access: Access) -> Guard:
    """Return the application behind access control; the health checks are open to everyone."""
    return Guard(api, access, _deny, "GET", frozenset({"/healthz", "/readyz"}))


async def _deny(_: Scope, send: Send, error: ErrorResponse, headers: Headers) -> None:
    body = json.dumps({"error": error.message}).encode()
    await respond(send, error.http_status, body, "application/json", headers)


def _router(answers: TraceAnswers) -> APIRouter:
    # These answers wait only for the spans that they need.
    router = APIRouter(responses=_REFUSALS)

    @router.get(
        "/order/{order_id}", summary="What happened to an order", response_model=Story, responses=_STORY
    )
    def order(
        order_id: str,
        since: Since = None,
        until: Until = None,
        form: StoryFormat = "json",
        logs: WithLogs = False,
    ) -> Story | Response:
        found = answers.story("order", order_id, _time(since), _time(until))
        return _in_form(told_with_logs(answers, found) if logs else found, form)

    @router.get(
        "/story", summary="What happened to a business key value", response_model=Story, responses=_STORY
    )
    def story(
        key: Key,
        value: str,
        since: Since = None,
        until: Until = None,
        form: StoryFormat = "json",
        logs: WithLogs = False,
    ) -> Story | Response:
        found = answers.story(key, value, _time(since), _time(until))
        return _in_form(told_with_logs(answers, found) if logs else found, form)

    @router.get(
        "/traces/{trace_id}/story",
        summary="What happened in a trace, and what followed from it",
        responses=_UNKNOWN_TRACE,
    )
    def story_of_trace(trace_id: TraceId, logs: WithLogs = False) -> Story:
        found = answers.story_of_trace(trace_id)
        return told_with_logs(answers, found) if logs else found

    @router.get(
        "/logs",
        summary="What was logged in some traces",
        description="The records by time. A collector stores the logs of traces if `LABAN_LOGS` is set.",
        responses={HTTPStatus.BAD_REQUEST: {"model": Refused, "description": "Not the ID of a trace"}},
    )
    def logs_of_traces(
        trace: Annotated[list[LoggedTrace], Query(min_length=1, max_length=MOST_TRACES)],
        limit: Annotated[int, Query(ge=1, le=MOST, description="Maximum number of records.")] = MOST,
    ) -> Logs:
        return answers.logs(trace, limit)

    @router.get(
        "/traces/{trace_id}",
        summary="One trace with all that was sent",
        description="The spans by start, then a summary. A trace of very many spans comes piece by piece; "
        "if the collector fails meanwhile, the JSON is cut off.",
        response_model=Trace,
        responses=_UNKNOWN_TRACE,
    )
    def trace(trace_id: TraceId, limit: Limit = None) -> StreamingResponse:
        return StreamingResponse(answers.trace_json(trace_id, limit), media_type="application/json")

    @router.get(
        "/map",
        summary="Which service calls which, and how",
        description="A time range of five minutes or more is widened to whole minutes.",
        responses=_UNKNOWN_ENTRY,
    )
    def service_map(
        since: Since = None, until: Until = None, unseen: Unseen = False, entry: Entry = None
    ) -> ServiceMap:
        return answers.service_map(_time(since), _time(until), unseen=unseen, entry=entry)

    return router


def _settled_router(
    answers: TraceAnswers, storage: StorageService, firing: Callable[[], Alerts]
) -> APIRouter:
    # All acknowledged spans are in the tables before these answers begin.
    router = APIRouter(responses=_REFUSALS, dependencies=[Depends(storage.settle)])

    @router.get("/lag", summary="How far behind each consumer group is now")
    def lag(
        waiting: Annotated[
            bool, Query(description="Also name the messages that wait, and what made the queue.")
        ] = False,
    ) -> LagReport:
        return answers.waiting() if waiting else answers.lag()

    @router.get(
        "/choreography",
        summary="What ran, sorted and without IDs in names, with counts and a proof of each part",
        description="`yaml` is the file of `laban choreography`, without counts and times. The time range is "
        "as in `/map`.",
        response_model=Choreography,
        responses=_CHOREOGRAPHY,
    )
    def choreography(
        since: Since = None, until: Until = None, form: ChoreographyFormat = "json"
    ) -> Choreography | Response:
        found = answers.choreography(_time(since), _time(until))
        return found if form == "json" else Response(to_yaml(found), media_type="application/yaml")

    @router.get(
        "/compare", summary="Two time ranges side by side: calls, latencies, lag, and what has changed"
    )
    def compare(a: TimeRange, b: TimeRange) -> Comparison:
        now = datetime.now(UTC)
        ranges = [(text, parse_window(text, now)) for text in (a, b)]
        before, after = (side_of(answers, text, *window) for text, window in ranges)
        return compare_sides(before, after)

    @router.get("/lag/history", summary="How far behind each consumer group was over time")
    def lag_history(since: Since = None, until: Until = None) -> LagHistory:
        return answers.lag_history(_time(since), _time(until))

    @router.get("/latency", summary="Latency percentiles over time")
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

    @router.get(
        "/neighbours",
        summary="The orders before and after one",
        description="Among all orders, and among those that share another business key, such as a customer.",
    )
    def neighbours(key: Key, value: str) -> Neighbours:
        return answers.neighbours(key, value)

    @router.get(
        "/orders",
        summary="The newest orders, or the worst, with what became of them",
        description="`failed`, `slow` and `waiting` together show orders for which one of them is true; the "
        "other filters have to fit, too. At most the newest 2,000 orders are examined: see `looked_at` and "
        "`truncated`.",
    )
    def orders(
        key: Key = "order",
        failed: Annotated[bool, Query(description="Orders that failed.")] = False,
        slow: Annotated[bool, Query(description="Orders with a cause of the kind slow.")] = False,
        waiting: Annotated[bool, Query(description="Orders with a message that waits in a queue.")] = False,
        service: Annotated[
            str | None, Query(description="Orders that this service took part in, or that it is blamed for.")
        ] = None,
        cause: Annotated[CauseKind | None, Query(description="Orders with a cause of this kind.")] = None,
        since: SinceEver = None,
        until: Until = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
        sort: Annotated[Sort, Query(description="The newest, or the worst of those examined.")] = "newest",
    ) -> Orders:
        only = OrderFilter(failed=failed, slow=slow, waiting=waiting, service=service, cause=cause)
        return answers.orders(OrdersQuestion(key, only, limit, sort), _time(since), _time(until))

    @router.get(
        "/findings",
        summary="What is wrong with how the services talk",
        description="Rules judge the map, the lag and a sample of the traces: see `looked_at`. The worst "
        "findings first, those that `laban.toml` ignores last.",
    )
    def findings(since: Since = None, until: Until = None) -> Findings:
        return answers.findings(_time(since), _time(until))

    @router.get(
        "/alerts",
        summary="What is wrong now, by the conditions of alerts",
        description="With `[alerts]` in `laban.toml`, as of the last look, and with new findings.",
    )
    def alerts() -> Alerts:
        return firing()

    @router.get(
        "/whatif",
        summary="What would become of the requests if something changed",
        description="Replays a sample of the traces of the time range, with all the changes together.",
        responses=_WHAT_IF,
    )
    def what_if(
        down: Annotated[Changed, Query(description="A service, database or host that does not answer.")] = (),
        slow: Annotated[
            Changed,
            Query(description="`pricing=500ms`: each request takes longer; also `order->pricing=50ms`."),
        ] = (),
        turned: Annotated[
            Changed,
            Query(alias="async", description="`order->inventory`: a message instead of this call."),
        ] = (),
        timeout: Annotated[Changed, Query(description="`order->pricing=300ms`: how long it waits.")] = (),
        retries: Annotated[Changed, Query(description="`order->pricing=2`: how often it tries again.")] = (),
        since: Since = None,
        until: Until = None,
    ) -> WhatIf:
        texts = ChangeTexts(down, slow, turned, timeout, retries)
        return answers.what_if(texts, _time(since), _time(until))

    @router.get("/status", summary="What is stored, and how the collector is doing")
    def status() -> Status:
        return answers.status().model_copy(update={"collector": collector_status(storage)})

    return router


def _in_form(story: Story, form: Literal["json", StoryForm]) -> Story | Response:
    """Return a story, or its text in a form. A browser that shows the HTML treats it as a stranger's."""
    if form == "json":
        return story
    headers = {"Content-Security-Policy": "sandbox"} if form == "html" else {}
    return Response(write(story, form), media_type=f"{MEDIA_TYPES[form]}; charset=utf-8", headers=headers)


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text, datetime.now(UTC))


async def _error_response(_: Request, error: Exception) -> JSONResponse:
    """Translate an error of laban into a status code and a JSON body."""
    text = printable(str(error))
    if isinstance(error, UnknownValue):
        return _not_found(UnknownAnswer(error=text, nearest=error.nearest, keys=error.keys))
    if isinstance(error, SeveralKeys):
        return _not_found(UnknownAnswer(error=text, nearest=[], keys=error.keys, several=True))
    if isinstance(error, NotInRange):
        return _not_found(UnknownAnswer(error=text, nearest=[], first=error.first, last=error.last))
    return JSONResponse({"error": text}, _status_of(error))


def _status_of(error: Exception) -> HTTPStatus:
    match error:
        case UnknownTrace() | UnknownPlace() | UnknownEntry():
            return HTTPStatus.NOT_FOUND
        case InvalidTimeRange() | InvalidTraceId() | InvalidChange():
            return HTTPStatus.BAD_REQUEST
        case _:
            return HTTPStatus.SERVICE_UNAVAILABLE


def _not_found(answer: UnknownAnswer) -> JSONResponse:
    return JSONResponse(answer.model_dump(mode="json", exclude_none=True), HTTPStatus.NOT_FOUND)
