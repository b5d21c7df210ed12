"""Answers from a running `laban serve`, over its HTTP API."""

import ssl
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import IO, Any, Final, Literal, Self, TypeVar

import httpx

from laban_collector.importing import BATCH_TYPE
from laban_mapper.errors import AnswerRefused, BadWindow, MapperError, NoAnswerer, UnknownValue
from laban_mapper.model import (
    Answer,
    ImportRules,
    KnownValues,
    LagHistory,
    LagReport,
    LatencyHistory,
    ServiceMap,
    Status,
    Story,
)

_TIMEOUT: Final = httpx.Timeout(30.0, connect=2.0)
_PATIENCE: Final = httpx.Timeout(None, connect=2.0)

A = TypeVar("A", bound=Answer)


class RemoteAnswers:
    """Implements `Answers` by asking another process.

    Args:
        url: of its API.
        token: what it wants to be given, if anything.
        trusted: whose certificates are good, when the URL is https; None: the usual authorities'.
    """

    def __init__(self, url: str, token: str | None = None, trusted: ssl.SSLContext | None = None) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={} if token is None else {"authorization": f"Bearer {token}"},
            timeout=_TIMEOUT,
            trust_env=False,
            verify=True if trusted is None else trusted,
        )

    def story(
        self, key: str, value: str, since: datetime | None = None, until: datetime | None = None
    ) -> Story:
        """What happened to `key` `value`; raises UnknownValue with the nearest known ones."""
        return self._get("/story", Story, key=key, value=value, since=since, until=until)

    def service_map(self, since: datetime | None = None, until: datetime | None = None) -> ServiceMap:
        """Who talks to whom, and how."""
        return self._get("/map", ServiceMap, since=since, until=until)

    def lag(self) -> LagReport:
        """How far each consumer group is behind now."""
        return self._get("/lag", LagReport)

    def lag_history(self, since: datetime | None = None, until: datetime | None = None) -> LagHistory:
        """How far each consumer group was behind over time."""
        return self._get("/lag/history", LagHistory, since=since, until=until)

    def latency(
        self, by: Literal["edge", "route"], since: datetime | None = None, until: datetime | None = None
    ) -> LatencyHistory:
        """Percentiles over time, an edge or a route at a time."""
        return self._get("/latency", LatencyHistory, by=by, since=since, until=until)

    def known_values(
        self, key: str, limit: int = 50, since: datetime | None = None, until: datetime | None = None
    ) -> KnownValues:
        """The newest values of a business key."""
        return self._get("/values", KnownValues, key=key, limit=limit, since=since, until=until)

    def status(self) -> Status:
        """What the store holds."""
        return self._get("/status", Status)

    def download(self, what: Literal["export", "backup"], sink: IO[bytes]) -> None:
        """Write what the collector sends into a file; it may take long to begin.

        Raises:
            NoAnswerer: nobody answers, or the answer broke off.
            AnswerRefused: the collector refused.
        """
        try:
            with self._client.stream("POST", f"/{what}", timeout=_PATIENCE) as response:
                if response.status_code != HTTPStatus.OK:
                    response.read()
                    raise refusal(self.url, response, {})
                for piece in response.iter_bytes():
                    sink.write(piece)
        except httpx.HTTPError as error:
            raise NoAnswerer(f"The {what} from {self.url} did not come to its end: {error}.") from error

    def import_rules(self) -> ImportRules:
        """By which rules spans are to be decoded for this collector."""
        return self._get("/import", ImportRules)

    def hand_over(self, body: bytes) -> httpx.Response:
        """Send a batch of `laban import`; the answer, whatever it is.

        Raises:
            NoAnswerer: nobody answers, or the answer broke off: the batch may be stored or not.
        """
        headers = {"content-type": BATCH_TYPE}
        try:
            return self._client.post("/import", content=body, headers=headers, timeout=_PATIENCE)
        except httpx.HTTPError as error:
            raise NoAnswerer(
                f"{self.url} broke off ({error}). What it stored stays: import again, and nothing is stored "
                "twice."
            ) from error

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _get(self, path: str, answer: type[A], **parameters: object) -> A:
        given = {name: _text(value) for name, value in parameters.items() if value is not None}
        try:
            response = self._client.get(path, params=given)
        except httpx.HTTPError as error:
            raise NoAnswerer(
                f"Nobody answers at {self.url} ({error}). Is `laban serve` running there? "
                "Start it, or ask elsewhere with --url or --db."
            ) from error
        if response.status_code == HTTPStatus.OK:
            return answer.model_validate_json(response.content)
        raise refusal(self.url, response, given)


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def refusal(url: str, response: httpx.Response, given: Mapping[str, str]) -> MapperError:
    """The error that an answer other than 200 is."""
    try:
        body: dict[str, Any] = response.json()
    except ValueError:
        return AnswerRefused(
            f"{url} answered {response.status_code}, not as laban's API does. Is it `laban serve`?"
        )
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        return AnswerRefused(f"{url} wants a token, and not the one that was given: LABAN_TOKEN or --token.")
    if response.status_code == HTTPStatus.NOT_FOUND and "nearest" in body:
        return UnknownValue(given["key"], given["value"], list(body["nearest"]))
    if response.status_code == HTTPStatus.BAD_REQUEST:
        return BadWindow(str(body.get("error", body)))
    return AnswerRefused(f"{url} answered {response.status_code}: {body.get('error', body)}")
