"""Answers from a running `laban serve` over its HTTP API."""

import importlib.metadata
import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import IO, Any, Final, Literal, Self, TypeVar

from pydantic import ValidationError

from laban_app.answers.http_client import ExchangeFailed, HttpClient, Response
from laban_app.errors import (
    AppError,
    CollectorUnreachable,
    NotInRange,
    OtherVersion,
    RequestRefused,
    SeveralKeys,
    TokenRefused,
    UnknownTrace,
    UnknownValue,
)
from laban_collector.importing import BATCH_TYPE
from laban_mapper.errors import InvalidTimeRange, MapperError, UnknownEntry, UnknownPlace
from laban_mapper.model import (
    Answer,
    Findings,
    ImportRules,
    KnownValues,
    LagHistory,
    LagReport,
    LatencyHistory,
    Logs,
    Neighbours,
    Orders,
    ServiceMap,
    Status,
    Story,
    UnknownAnswer,
)
from laban_mapper.model_alerts import Alerts
from laban_mapper.model_drift import Choreography
from laban_mapper.model_whatif import WhatIf
from laban_mapper.orders import OrdersQuestion
from laban_mapper.story.logs import MOST
from laban_mapper.trace import Trace
from laban_mapper.trace_ids import parse_trace_id
from laban_mapper.whatif.changes import ChangeTexts

_API: Final = "/api/v1"
_KEPT: Final = 50
"""Answers of which a client that asks again and again gets only the news that they are still true."""

A = TypeVar("A", bound=Answer)


class RemoteAnswers:
    """Implements `Answers` by asking a running collector.

    Args:
        url: the URL of its API.
        token: the token that it requires, if any.
        trusted: the trusted certificate authorities for https; None: those of the system.
    """

    def __init__(self, url: str, token: str | None = None, trusted: ssl.SSLContext | None = None) -> None:
        self.url = url.rstrip("/")
        self._client = HttpClient(self.url, token, trusted)
        self._kept: dict[tuple[str, ...], tuple[str, Answer]] = {}
        """By the question, the newest answers with their ETags; nobody may change an answer."""

    def story(
        self, key: str, value: str, since: datetime | None = None, until: datetime | None = None
    ) -> Story:
        """What happened to a business key value; raises UnknownValue with the nearest known values."""
        return self._get("/story", Story, key=key, value=value, since=since, until=until)

    def story_of_trace(self, trace_id: str) -> Story:
        """What happened in one trace, and what followed from it; raises UnknownTrace."""
        wanted = parse_trace_id(trace_id)
        response = self._request(f"/traces/{wanted}/story", {})
        if response.status_code == HTTPStatus.OK:
            return self._read(response, Story)
        raise UnknownTrace(wanted) if _is_unknown(response) else error_of(self.url, response, {})

    def orders(
        self,
        asked: OrdersQuestion | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Orders:
        """The newest orders, or the worst, with what became of them."""
        key, only, limit, sort = asked or OrdersQuestion()
        return self._get(
            "/orders",
            Orders,
            key=key,
            failed=only.failed or None,
            slow=only.slow or None,
            waiting=only.waiting or None,
            service=only.service,
            cause=only.cause,
            limit=limit,
            sort=sort,
            since=since,
            until=until,
        )

    def neighbours(self, key: str, value: str) -> Neighbours:
        """The orders before and after one; none from a collector that does not know the question."""
        response = self._request("/neighbours", {"key": key, "value": value})
        if response.status_code == HTTPStatus.OK:
            return Neighbours.model_validate_json(response.content)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return Neighbours(key=key, value=value, rows=[])
        raise error_of(self.url, response, {})

    def service_map(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        unseen: bool = False,
        entry: str | None = None,
    ) -> ServiceMap:
        """Which service calls which, and how; raises UnknownEntry."""
        found = self._get("/map", ServiceMap, since=since, until=until, unseen=unseen or None, entry=entry)
        if entry is not None and found.entry is None:
            raise OtherVersion(
                f"The collector at {self.url} is too old to limit a map to an entry operation. Update it."
            )
        return found

    def findings(self, since: datetime | None = None, until: datetime | None = None) -> Findings:
        """What is wrong with how the services talk; the worst first."""
        return self._get("/findings", Findings, since=since, until=until)

    def choreography(self, since: datetime | None = None, until: datetime | None = None) -> Choreography:
        """What ran, with counts and a proof of each part."""
        return self._get("/choreography", Choreography, since=since, until=until)

    def alerts(self) -> Alerts:
        """What is wrong now, by the conditions of alerts."""
        return self._get("/alerts", Alerts)

    def what_if(
        self, texts: ChangeTexts, since: datetime | None = None, until: datetime | None = None
    ) -> WhatIf:
        """What would become of the requests if something changed; raises UnknownPlace."""
        given = [
            *(("down", text) for text in texts.down),
            *(("slow", text) for text in texts.slow),
            *(("async", text) for text in texts.turned),
            *(("timeout", text) for text in texts.timeouts),
            *(("retries", text) for text in texts.retries),
            *((name, end.isoformat()) for name, end in (("since", since), ("until", until)) if end),
        ]
        response = self._request("/whatif", given)
        if response.status_code == HTTPStatus.OK:
            return self._read(response, WhatIf)
        if _is_unknown(response):
            raise UnknownPlace(response.json()["error"])
        raise error_of(self.url, response, {})

    def trace(self, trace_id: str, limit: int | None = None) -> Trace:
        """One trace with all that was sent; raises UnknownTrace."""
        return Trace.model_validate_json(b"".join(self.trace_json(trace_id, limit)))

    def trace_json(self, trace_id: str, limit: int | None = None) -> Iterator[bytes]:
        """The same as JSON, piece by piece; ends with CollectorUnreachable if the connection breaks."""
        wanted = parse_trace_id(trace_id)
        query = "" if limit is None else f"?limit={limit}"
        try:
            with self._client.stream("GET", f"{_API}/traces/{wanted}{query}") as (status, pieces):
                if status != HTTPStatus.OK:
                    response = Response(status, {}, b"".join(pieces))
                    raise UnknownTrace(wanted) if _is_unknown(response) else error_of(self.url, response, {})
                yield from pieces
        except ExchangeFailed as error:
            raise self._unreachable(error) from error

    def logs(self, trace_ids: Sequence[str], limit: int = MOST) -> Logs:
        """What was logged in some traces."""
        given = [("trace", parse_trace_id(trace_id)) for trace_id in trace_ids]
        response = self._request("/logs", [*given, ("limit", str(limit))])
        if response.status_code == HTTPStatus.OK:
            return Logs.model_validate_json(response.content)
        raise error_of(self.url, response, {})

    def lag(self) -> LagReport:
        """How far behind each consumer group is now."""
        return self._get("/lag", LagReport)

    def waiting(self) -> LagReport:
        """How far behind each consumer group is, which messages wait, and why."""
        return self._get("/lag", LagReport, waiting="true")

    def lag_history(self, since: datetime | None = None, until: datetime | None = None) -> LagHistory:
        """How far behind each consumer group was over time."""
        return self._get("/lag/history", LagHistory, since=since, until=until)

    def latency(
        self, by: Literal["edge", "route"], since: datetime | None = None, until: datetime | None = None
    ) -> LatencyHistory:
        """Latency percentiles by edge or by route over time."""
        return self._get("/latency", LatencyHistory, by=by, since=since, until=until)

    def known_values(
        self, key: str, limit: int = 50, since: datetime | None = None, until: datetime | None = None
    ) -> KnownValues:
        """The newest values of a business key."""
        return self._get("/values", KnownValues, key=key, limit=limit, since=since, until=until)

    def status(self) -> Status:
        """What is stored, and how the collector is doing."""
        return self._get("/status", Status)

    def download(self, what: Literal["export", "backup"], sink: IO[bytes]) -> None:
        """Download an export or a backup into a file; the collector may need long to begin.

        Raises:
            CollectorUnreachable: no collector answers, or the connection broke.
            RequestRefused: the collector refused.
        """
        try:
            with self._client.stream("POST", f"{_API}/{what}") as (status, pieces):
                if status != HTTPStatus.OK:
                    raise error_of(self.url, Response(status, {}, b"".join(pieces)), {})
                for piece in pieces:
                    sink.write(piece)
        except ExchangeFailed as error:
            raise CollectorUnreachable(f"The {what} from {self.url} is incomplete: {error}.") from error

    def import_rules(self) -> ImportRules:
        """The rules by which a client decodes spans for this collector."""
        return self._get("/import", ImportRules)

    def send_batch(self, body: bytes) -> Response:
        """Send a batch of `laban import`, and return the response, whatever its status.

        Raises:
            CollectorUnreachable: no collector answers, or the connection broke; the batch may be stored or
            not.
        """
        headers = {"content-type": BATCH_TYPE}
        try:
            return self._client.request("POST", f"{_API}/import", body=body, headers=headers, timeout=None)
        except ExchangeFailed as error:
            raise CollectorUnreachable(
                f"The connection to {self.url} broke ({error}). Stored spans stay stored. "
                "Import again: nothing is stored twice."
            ) from error

    def close(self) -> None:
        """Do nothing: each request has a connection of its own."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _get(self, path: str, answer: type[A], **parameters: object) -> A:
        given = {name: _text(value) for name, value in parameters.items() if value is not None}
        question = (path, *map("=".join, given.items()))
        tag, known = self._kept.get(question, (None, None))
        response = self._request(path, given, {} if tag is None else {"if-none-match": tag})
        if response.status_code == HTTPStatus.NOT_MODIFIED and isinstance(known, answer):
            return known
        if response.status_code == HTTPStatus.OK:
            found = self._read(response, answer)
            self._keep(question, response.headers.get("etag"), found)
            return found
        raise error_of(self.url, response, given)

    def _keep(self, question: tuple[str, ...], tag: str | None, found: Answer) -> None:
        if tag is not None:
            if len(self._kept) >= _KEPT:  # other threads may still read the old ones
                self._kept = {}
            self._kept[question] = (tag, found)

    def _read(self, response: Response, answer: type[A]) -> A:
        try:
            return answer.model_validate_json(response.content)
        except ValidationError as error:
            raise OtherVersion(
                f"{self.url} answered in a form that this laban does not know "
                f"({error.error_count()} fields). Run the same version of laban on both sides."
            ) from error

    def _request(
        self,
        path: str,
        parameters: Mapping[str, str] | Sequence[tuple[str, str]],
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        try:
            return self._client.request("GET", f"{_API}{path}", parameters=parameters, headers=headers)
        except ExchangeFailed as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: ExchangeFailed) -> CollectorUnreachable:
        return CollectorUnreachable(
            f"No collector answers at {self.url} ({error}). Is `laban serve` running there? "
            "Start it, or name another source with --url or --db."
        )


def _is_unknown(response: Response) -> bool:
    """Whether a collector says that it has no span of a trace; an older one has no such path."""
    if response.status_code != HTTPStatus.NOT_FOUND:
        return False
    try:
        return "error" in response.json()
    except ValueError:
        return False


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def error_of(url: str, response: Response, given: Mapping[str, str]) -> AppError | MapperError:
    """The error for a response other than 200."""
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found.keys() & {"error", "detail", "nearest"}:
        return RequestRefused(
            f"{url} answered {response.status_code}, but not as the API of laban. The line `ready` of "
            "`laban serve` has the address of its API (api=…), which is not one for OTLP."
        )
    body: dict[str, Any] = found
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        return TokenRefused(f"{url} requires a valid token. Set LABAN_TOKEN (commands also take --token).")
    if response.status_code == HTTPStatus.NOT_FOUND and "detail" in body:
        return OtherVersion(
            f"{url} does not know this question: its laban is older than "
            f"{importlib.metadata.version('laban')}. Update it."
        )
    if response.status_code == HTTPStatus.NOT_FOUND and "nearest" in body:
        unknown = UnknownAnswer.model_validate(body)
        if unknown.first and unknown.last:
            return NotInRange(given["key"], given["value"], unknown.first, unknown.last)
        if unknown.several:
            return SeveralKeys(given["key"], given["value"], unknown.keys)
        return UnknownValue(given["key"], given["value"], unknown.nearest, unknown.keys)
    if response.status_code == HTTPStatus.NOT_FOUND and "entry" in given and "error" in body:
        return UnknownEntry(str(body["error"]))
    if response.status_code == HTTPStatus.BAD_REQUEST:
        return InvalidTimeRange(str(body.get("error", body)))
    return RequestRefused(f"{url} answered {response.status_code}: {body.get('error', body)}")
