"""Finds who can answer: a collector that runs, or a database file that nobody serves."""

import ssl
from pathlib import Path
from typing import Final

import httpx

from laban_app.answers.local import LocalAnswers
from laban_app.answers.protocol import Answers
from laban_app.answers.remote import RemoteAnswers
from laban_app.wiring import STORE
from laban_collector.errors import StoreLocked
from laban_collector.receive.tls import trusting
from laban_collector.settings import Settings, load_settings
from laban_collector.store.base import Store
from laban_mapper.errors import NoAnswerer

_KNOCK_TIMEOUT: Final = 1.0


def open_answers(url: str | None = None, db: Path | None = None, token: str | None = None) -> Answers:
    """Somebody who answers; the arguments and errors are those of `open_store`."""
    store = open_store(url, db, token)
    return LocalAnswers(store.reader()) if isinstance(store, Store) else store


def open_store(
    url: str | None = None, db: Path | None = None, token: str | None = None
) -> RemoteAnswers | Store:
    """A store: a collector that has it, or the file itself, opened to read, where nobody serves it.

    Args:
        url: the API of a running `laban serve`; wins over `db`.
        db: a database file; while a `laban serve` has it open, that one is asked.
            With neither, the collector at the configured API address, else the configured database file.
        token: for a collector that wants one; None: the configured one.

    Raises:
        BadSettings: what is configured is wrong.
        NoAnswerer: there is neither.
        StoreError: the file cannot be read.
    """
    settings = load_settings(token=token)
    if url is not None:
        return remote(url, settings)
    if db is not None:
        return _from_file(db, settings)
    default = f"{api_scheme(settings)}://{settings.api}"
    if _answers_at(default, settings):
        return remote(default, settings)
    if settings.db.exists():
        return _from_file(settings.db, settings)
    raise NoAnswerer(
        f"Nobody answers at {default}, and there is no {settings.db} here. "
        "Start `laban serve` (or `laban demo`), or say where to ask: --url http://HOST:PORT or --db FILE."
    )


def served_by(db: Path) -> Path:
    """The file beside a database in which the `laban serve` that has it open writes the URL of its API."""
    return db.with_name(f"{db.name}.served-by")


def api_scheme(settings: Settings) -> str:
    """The scheme in the URL of a collector's API."""
    return "http" if settings.tls_certificate is None else "https"


def collector_of(db: Path, settings: Settings) -> RemoteAnswers | None:
    """The collector that has a database open, if one left its note beside it and answers."""
    note = served_by(db)
    url = note.read_text(encoding="utf-8").strip() if note.exists() else ""
    return remote(url, settings) if url and _answers_at(url, settings) else None


def remote(url: str, settings: Settings) -> RemoteAnswers:
    """The collector whose API is there; with the token and the trust of the settings."""
    token = settings.token
    return RemoteAnswers(url, None if token is None else token.get_secret_value(), _trusted(url, settings))


def _trusted(url: str, settings: Settings) -> ssl.SSLContext | None:
    """What to trust at this URL; None for plain HTTP, which need not wait for the files to be read."""
    return trusting(settings) if url.startswith("https:") else None


def _from_file(db: Path, settings: Settings) -> RemoteAnswers | Store:
    try:
        return STORE.open(db, read_only=True)
    except StoreLocked:
        collector = collector_of(db, settings)
        if collector is None:
            raise
        return collector


def _answers_at(url: str, settings: Settings) -> bool:
    verify = _trusted(url, settings) or True
    try:
        return httpx.get(f"{url}/healthz", timeout=_KNOCK_TIMEOUT, trust_env=False, verify=verify).is_success
    except httpx.HTTPError:
        return False
