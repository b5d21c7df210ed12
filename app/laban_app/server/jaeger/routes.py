"""The routes of Jaeger's query API, and its errors."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import Response

from laban_app.errors import AppError, UnknownTrace
from laban_app.server.jaeger.parameters import BadParameter, NoTraces, Parameters
from laban_app.server.jaeger.queries import JaegerQueries
from laban_app.server.jaeger.v1_routes import V1Routes, v1_error
from laban_app.server.jaeger.v3_routes import V3Routes, v3_error
from laban_collector.errors import CollectorError
from laban_mapper.errors import MapperError
from laban_mapper.printable import printable

Answer = Callable[[Parameters], Any]
ErrorBody = Callable[[HTTPStatus, str, str | None], Any]

_INDENT: Final = 4
_RETRY: Final = {"retry-after": "1"}


def add_jaeger_routes(api: FastAPI, queries: JaegerQueries) -> None:
    """Add the routes. They are Jaeger's, so laban's OpenAPI document does not describe them."""
    v1, v3 = V1Routes(queries), V3Routes(queries)
    for path, answer, error in (
        ("/api/services", v1.services, v1_error),
        ("/api/services/{service:path}/operations", v1.operation_names, v1_error),
        ("/api/operations", v1.operations, v1_error),
        ("/api/traces", v1.traces, v1_error),
        ("/api/traces/{trace_id}", v1.trace, v1_error),
        ("/api/dependencies", v1.dependencies, v1_error),
        ("/api/v3/services", v3.services, v3_error),
        ("/api/v3/operations", v3.operations, v3_error),
        ("/api/v3/traces", v3.traces, v3_error),
        ("/api/v3/traces/{trace_id:path}", v3.trace, v3_error),
        ("/api/v3/trace-summaries", v3.summaries, v3_error),
        ("/api/v3/dependencies", v3.dependencies, v3_error),
    ):
        api.add_api_route(path, _endpoint(answer, error), methods=["GET"], include_in_schema=False)


def _endpoint(answer: Answer, error: ErrorBody) -> Callable[[Request], Response]:
    """Return a function that FastAPI runs in a thread for each request."""

    def respond(request: Request) -> Response:
        given = {name: request.query_params.getlist(name) for name in request.query_params}
        parameters = Parameters(given, request.path_params)
        pretty = parameters.text("prettyPrint") not in (None, "false")
        try:
            return as_json(answer(parameters), HTTPStatus.OK, pretty=pretty)
        except BadParameter as bad:
            return as_json(error(HTTPStatus.BAD_REQUEST, str(bad), None), HTTPStatus.BAD_REQUEST)
        except UnknownTrace as unknown:
            body = error(HTTPStatus.NOT_FOUND, "trace not found", unknown.trace_id)
            return as_json(body, HTTPStatus.NOT_FOUND)
        except NoTraces as nothing:
            return as_json(error(HTTPStatus.NOT_FOUND, str(nothing), None), HTTPStatus.NOT_FOUND)
        except (AppError, MapperError, CollectorError) as failed:
            body = error(HTTPStatus.SERVICE_UNAVAILABLE, printable(str(failed)), None)
            return as_json(body, HTTPStatus.SERVICE_UNAVAILABLE, headers=_RETRY)

    return respond


def as_json(
    body: Any, status: HTTPStatus, *, pretty: bool = False, headers: dict[str, str] | None = None
) -> Response:
    """Return JSON in ASCII: text of spans cannot break the encoding."""
    shape: dict[str, Any] = {"indent": _INDENT} if pretty else {"separators": (",", ":")}
    return Response(json.dumps(body, **shape), status, headers, "application/json")
