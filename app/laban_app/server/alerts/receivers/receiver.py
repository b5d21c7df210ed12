"""What a receiver of alerts can do."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import urlsplit, urlunsplit

from laban_app.answers.http_client import ExchangeFailed, HttpClient
from laban_collector.secret_values import without_secrets
from laban_mapper.alerts.tracking import Notice

_TIMEOUT: Final = 5.0
"""Seconds; a collector that stops waits for it."""
_SHOWN: Final = 200
"""Characters of an answer that an error shows."""


class NotDelivered(Exception):
    """A receiver did not take the notices; the text says why, without secrets."""


class Receiver(Protocol):
    """Somebody who is told of alerts."""

    @property
    def name(self) -> str:
        """Its name, the same after a restart."""
        ...

    @property
    def repeat(self) -> float:
        """Seconds after which it is told again what still fires."""
        ...

    def send(self, notices: Sequence[Notice], now: float) -> None:
        """Tell it; `now` is in seconds since the epoch.

        Raises:
            NotDelivered: it has to be told again later.
        """
        ...


def post(url: str, target: str, body: bytes, headers: Mapping[str, str], token: str | None = None) -> None:
    """Send a body to a receiver. Redirects are refused: what is sent must not go elsewhere.

    Args:
        url: its base URL.
        target: path and query below it.
        body: JSON.
        headers: further headers.
        token: sent as a bearer token.

    Raises:
        NotDelivered: there was no answer, or one that is not a success.
    """
    try:
        client = HttpClient(url, token)
        response = client.request(
            "POST",
            target,
            body=body,
            headers={"content-type": "application/json", **headers},
            timeout=_TIMEOUT,
            connect_timeout=_TIMEOUT,
        )
    except (ExchangeFailed, ValueError) as error:
        raise NotDelivered(without_secrets(str(error))) from None
    if not HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
        text = response.content[:_SHOWN].decode(errors="replace")
        raise NotDelivered(without_secrets(f"it answered {response.status_code} {text!r}"))


def base_and_target(url: str) -> tuple[str, str]:
    """Divide a URL into what `HttpClient` takes, and path and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "", "", "")), urlunsplit(
        ("", "", parts.path or "/", parts.query, "")
    )
