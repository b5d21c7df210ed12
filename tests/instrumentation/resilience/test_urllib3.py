"""urllib3's own retries, below requests and alone: one span, with an event for each retry."""

from collections.abc import Generator

import pytest
import requests
import urllib3
from opentelemetry.trace import SpanKind
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from laban.http.requests import LabanRequestsInstrumentor
from laban.resilience.urllib3 import LabanUrllib3RetryInstrumentor

from ..http.http_service import Service, http_serving
from ..recording import EndedSpan, Recording
from .conftest import Instrument, caller

RETRY = {"laban.retry.library": "urllib3", "error.type": "503"}


@pytest.fixture
def service(recording: Recording, instrument: Instrument, current_conventions: None) -> Generator[Service]:
    instrument(LabanUrllib3RetryInstrumentor)
    instrumentor = LabanRequestsInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    with http_serving() as serving:
        yield serving
    instrumentor.uninstrument()


def get(url: str, retries: Retry) -> requests.Response:
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retries))
        return session.get(url, timeout=5)


def client_span(recording: Recording) -> EndedSpan:
    (span,) = recording.of_kind(SpanKind.CLIENT)
    return span


def test_the_span_of_requests_has_the_retries(recording: Recording, service: Service) -> None:
    assert get(f"{service.url}/flaky", Retry(3, status_forcelist=[503])).ok
    span = client_span(recording)
    assert span.attributes["laban.retry.attempt"] == 3
    assert span.attributes["laban.retry.library"] == "urllib3"
    assert span.attributes["http.request.resend_count"] == 2
    assert span.events == [
        ("laban.retry", RETRY | {"laban.retry.attempt": 1, "laban.retry.wait_ms": 0}),
        ("laban.retry", RETRY | {"laban.retry.attempt": 2, "laban.retry.wait_ms": 0}),
    ]


def test_the_wait_is_measured(recording: Recording, service: Service) -> None:
    get(f"{service.url}/flaky", Retry(3, status_forcelist=[503], backoff_factor=0.02))
    waits = [event["laban.retry.wait_ms"] for _, event in client_span(recording).events]
    assert waits[0] == 0
    assert 40 <= waits[1] < 1000


def test_the_last_attempt_allowed_is_told(recording: Recording, service: Service) -> None:
    with pytest.raises(requests.exceptions.RetryError):
        get(f"{service.url}/flaky", Retry(1, status_forcelist=[503]))
    span = client_span(recording)
    assert span.events[-1] == ("laban.retry.exhausted", RETRY | {"laban.retry.attempt": 2})
    assert span.attributes["http.request.resend_count"] == 1


def test_a_connection_that_cannot_be_made_is_repeated_by_its_type(
    recording: Recording, service: Service
) -> None:
    with pytest.raises(requests.ConnectionError):
        get("http://127.0.0.1:1/", Retry(1))
    types = [(name, event["error.type"]) for name, event in client_span(recording).events]
    assert types == [
        ("laban.retry", "NewConnectionError"),
        ("laban.retry.exhausted", "NewConnectionError"),
    ]


def test_a_call_that_may_not_be_repeated_has_no_events(recording: Recording, service: Service) -> None:
    with pytest.raises(requests.ConnectionError):
        get("http://127.0.0.1:1/", Retry(0))
    span = client_span(recording)
    assert span.events == []
    assert "laban.retry.attempt" not in span.attributes


def test_redirects_are_no_retries(recording: Recording, service: Service) -> None:
    with caller(recording), urllib3.PoolManager() as pool:
        assert pool.request("GET", f"{service.url}/moved").status == 200
        with pytest.raises(urllib3.exceptions.MaxRetryError):
            pool.request("GET", f"{service.url}/moved", retries=Retry(5, redirect=0))
    assert recording.one("caller").events == []


def test_without_a_client_span_the_events_are_on_the_callers(recording: Recording, service: Service) -> None:
    with caller(recording), urllib3.PoolManager() as pool:
        pool.request("GET", f"{service.url}/flaky", retries=Retry(3, status_forcelist=[503]))
    span = recording.one("caller")
    assert [event["laban.retry.attempt"] for _, event in span.events] == [1, 2]
    assert "laban.retry.attempt" not in span.attributes
