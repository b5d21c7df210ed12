"""Trace, correlation and request IDs on log records."""

import json
import logging
from collections.abc import Generator
from typing import Any, cast

import pytest
import structlog
from opentelemetry import context, propagate
from opentelemetry.trace import Span

from laban import logs

from .recording import Recording

logger = logging.getLogger("shop")


@pytest.fixture(autouse=True)
def installed() -> Generator[None]:
    logs.install()
    logs.install()
    yield
    logs.uninstall()
    assert not hasattr(logging.Logger.makeRecord, "__wrapped__")


@pytest.fixture
def request_span(recording: Recording) -> Generator[Span]:
    """The server span of a request with both IDs."""
    headers = {"X-Correlation-ID": "abc", "X-Request-ID": "request-1"}
    token = context.attach(propagate.extract(headers, context.Context()))
    with recording.tracer.start_as_current_span("entry") as span:
        yield span
    context.detach(token)


def test_a_handler_beside_the_root_logger_gets_what_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            received.append(record.getMessage())

    received: list[str] = []
    handler = Keeping(logging.WARNING)
    monkeypatch.setattr(logging.Logger, "callHandlers", logging.Logger.callHandlers)  # restored afterwards
    logging.getLogger().addHandler(handler)
    logs.take_from_root(handler)
    assert handler not in logging.getLogger().handlers
    apart = logging.getLogger("shop.apart")
    monkeypatch.setattr(apart, "propagate", False)
    apart.warning("not for the root logger")
    logger.warning("too few cups")
    logger.info("not important enough")
    logging.getLogger("shop.tea").error("no tea")
    assert received == ["too few cups", "no tea"]


def expected(span: Span) -> dict[str, str]:
    ids = span.get_span_context()
    return {
        "trace_id": f"{ids.trace_id:032x}",
        "span_id": f"{ids.span_id:016x}",
        "correlation_id": "abc",
        "request_id": "request-1",
    }


def ids_of(record: Any) -> dict[str, str]:
    return {name: getattr(record, name) for name in logs.FIELDS}


def test_a_log_record_has_the_ids_of_its_request(
    request_span: Span, caplog: pytest.LogCaptureFixture
) -> None:
    logger.warning("out of stock")
    assert ids_of(caplog.records[0]) == expected(request_span)


def test_fields_passed_as_extra_are_kept(request_span: Span, caplog: pytest.LogCaptureFixture) -> None:
    logger.warning("out of stock", extra={"request_id": "own"})
    assert ids_of(caplog.records[0]) == expected(request_span) | {"request_id": "own"}


def test_a_log_record_outside_a_request_has_empty_ids(caplog: pytest.LogCaptureFixture) -> None:
    logger.warning("started")
    assert set(ids_of(caplog.records[0]).values()) == {""}


def test_the_request_id_is_on_the_server_span_only(recording: Recording, request_span: Span) -> None:
    with recording.tracer.start_as_current_span("inner"):
        headers: dict[str, str] = {}
        propagate.inject(headers)
    assert "request.id" not in recording.one("inner").attributes
    assert cast("Any", request_span).attributes["request.id"] == "request-1"
    assert headers["X-Correlation-ID"] == "abc"
    assert "X-Request-ID" not in headers


def test_a_request_id_set_by_the_user_is_on_the_client_span(recording: Recording) -> None:
    with recording.tracer.start_as_current_span("call"):
        propagate.inject({"X-Request-ID": "request-2"})
    assert recording.one("call").attributes["request.id"] == "request-2"


def test_the_structlog_processor_adds_known_ids_and_keeps_existing_fields(request_span: Span) -> None:
    lines: list[Any] = []

    class Lines:
        def msg(self, line: str) -> None:
            lines.append(json.loads(line))

        info = msg

    chain: list[Any] = [logs.structlog_processor, structlog.processors.JSONRenderer()]
    structlog.wrap_logger(Lines(), processors=chain).info("sold", request_id="own")
    assert lines == [expected(request_span) | {"event": "sold", "request_id": "own"}]
