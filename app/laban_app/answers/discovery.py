"""Finds a source of answers: a running collector, or a database file that no collector has open."""

import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from laban_app.answers.http_client import ExchangeFailed, HttpClient, Response
from laban_app.answers.protocol import TraceAnswers
from laban_app.answers.remote import RemoteAnswers
from laban_app.answers.served_by import STARTING, api_scheme, served_by
from laban_app.errors import CollectorUnreachable
from laban_collector.errors import StoreLocked
from laban_collector.settings import Settings, load_settings
from laban_collector.store.base import Store

if TYPE_CHECKING:
    import ssl

    from laban_app.answers.alert_settings import AlertSettings
    from laban_mapper.findings.thresholds import FindingsSettings

_PROBE_TIMEOUT: Final = 1.0
"""Seconds to wait for an answer of a collector that may not be running."""
_PATIENCE: Final = 5.0
"""Seconds to wait while the collector of a file starts or stops."""
_INTERVAL: Final = 0.1


def open_answers(
    url: str | None = None,
    db: Path | None = None,
    token: str | None = None,
    judged_by: "FindingsSettings | None" = None,
    alerting: "AlertSettings | None" = None,
) -> TraceAnswers:
    """Open a source of answers; the other arguments and errors are those of `open_store`.

    Args:
        url: of a collector.
        db: a database file.
        token: for the collector.
        judged_by: the limits of findings from a file; a collector has its own.
        alerting: when alerts fire, likewise.
    """
    store = open_store(url, db, token)
    if not isinstance(store, Store):
        return store
    from laban_app.answers.local import LocalAnswers  # a collector's answers need no database

    return LocalAnswers(store.reader(), judged_by=judged_by, alerting=alerting)


def open_store(
    url: str | None = None, db: Path | None = None, token: str | None = None
) -> RemoteAnswers | Store:
    """Open a running collector, or a database file for reading if no collector has it open.

    Without `url` and `db`, opens the collector at the configured API address, or else the configured file.

    Args:
        url: the API of a running `laban serve`; wins over `db`.
        db: a database file; if a `laban serve` has it open, that collector is opened instead.
        token: the token for the collector; None: the configured token.

    Raises:
        BadSettings: a setting is invalid.
        CollectorUnreachable: there is neither a collector nor a file.
        StoreError: the file cannot be read.
    """
    settings = load_settings(token=token)
    if url is not None:
        return remote(url, settings)
    if db is not None:
        return _from_file(db, settings)
    default = f"{api_scheme(settings)}://{settings.api}"
    if _is_running(default, settings):
        return remote(default, settings)
    if settings.db.exists():
        return _from_file(settings.db, settings)
    raise CollectorUnreachable(
        f"No collector answers at {default}, and there is no {settings.db} here. "
        "Start `laban serve` (or `laban demo`), or name a source: --url http://HOST:PORT or --db FILE."
    )


def collector_of(db: Path, settings: Settings) -> RemoteAnswers | None:
    """The collector that has a database open; None unless its URL is next to the database and it answers."""
    file = served_by(db)
    url = file.read_text(encoding="utf-8").strip() if file.exists() else ""
    return remote(url, settings) if url and _is_running(url, settings) else None


def remote(url: str, settings: Settings) -> RemoteAnswers:
    """The collector at a URL, with the token and the certificate authorities of the settings.

    Raises:
        CollectorUnreachable: it is no URL of HTTP or HTTPS.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise CollectorUnreachable(f"'{url}' is not a URL such as http://127.0.0.1:4320.")
    token = None if settings.token is None else settings.token.get_secret_value()
    try:
        return RemoteAnswers(url, token, _trusted(url, settings))
    except ValueError as error:
        raise CollectorUnreachable(f"'{url}' is not a URL such as http://127.0.0.1:4320: {error}.") from error


def _trusted(url: str, settings: Settings) -> "ssl.SSLContext | None":
    """The trusted certificate authorities; None for plain HTTP, which does not need the files read."""
    if not url.lower().startswith("https:"):
        return None
    from laban_collector.receive.tls import client_context

    return client_context(settings)


def _from_file(db: Path, settings: Settings) -> RemoteAnswers | Store:
    def open_file() -> Store:
        from laban_app.wiring import STORE  # loads DuckDB and Arrow

        return STORE.open(db, read_only=True)

    return file_or_collector(open_file, db, settings)


def file_or_collector(open_file: Callable[[], Store], db: Path, settings: Settings) -> RemoteAnswers | Store:
    """Open a file, or the collector that has it open; waits briefly while a collector starts or stops.

    Raises:
        StoreError: the file cannot be opened; another process than a collector has it open (StoreLocked).
    """
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return open_file()
        except StoreLocked:
            collector, waiting = collector_of(db, settings), time.monotonic() < until
            if collector is not None and not (waiting and _is_starting(collector.url, settings)):
                return collector
            if not waiting:
                raise
        time.sleep(_INTERVAL)


def _is_starting(url: str, settings: Settings) -> bool:
    response = _probe(url, "/readyz", settings)
    return response is not None and STARTING.encode() in response.content


def _is_running(url: str, settings: Settings) -> bool:
    response = _probe(url, "/healthz", settings)
    return response is not None and response.status_code == HTTPStatus.OK


def _probe(url: str, path: str, settings: Settings) -> Response | None:
    client = HttpClient(url, trusted=_trusted(url, settings))
    try:
        return client.request("GET", path, timeout=_PROBE_TIMEOUT, connect_timeout=_PROBE_TIMEOUT)
    except ExchangeFailed:
        return None
