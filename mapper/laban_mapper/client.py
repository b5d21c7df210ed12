"""Finds who can answer: a collector that runs, or a database file that nobody serves."""

from pathlib import Path
from typing import Final

import httpx

from laban_collector.errors import StoreLocked
from laban_collector.settings import load_settings
from laban_collector.store.duckdb.database import Database
from laban_collector.store.duckdb.reader import DuckDBReader
from laban_mapper.answers import Answers
from laban_mapper.errors import NoAnswerer
from laban_mapper.local import LocalAnswers
from laban_mapper.remote import RemoteAnswers

_KNOCK_TIMEOUT: Final = 1.0


def open_answers(url: str | None = None, db: Path | None = None) -> Answers:
    """Somebody who answers.

    Args:
        url: the API of a running `laban serve`; wins over `db`.
        db: a database file; while a `laban serve` has it open, that one is asked.
            With neither, the collector at the configured API address, else the configured database file.

    Raises:
        NoAnswerer: there is neither.
        StoreError: the file cannot be read.
    """
    if url is not None:
        return RemoteAnswers(url)
    if db is not None:
        return _from_file(db)
    settings = load_settings()
    default = f"http://{settings.api}"
    if _answers_at(default):
        return RemoteAnswers(default)
    if settings.db.exists():
        return _from_file(settings.db)
    raise NoAnswerer(
        f"Nobody answers at {default}, and there is no {settings.db} here. "
        "Start `laban serve` (or `laban demo`), or say where to ask: --url http://HOST:PORT or --db FILE."
    )


def served_by(db: Path) -> Path:
    """The file beside a database in which the `laban serve` that has it open writes the URL of its API."""
    return db.with_name(f"{db.name}.served-by")


def _from_file(db: Path) -> Answers:
    try:
        return LocalAnswers(DuckDBReader(Database.open(db, read_only=True)))
    except StoreLocked:
        note = served_by(db)
        url = note.read_text(encoding="utf-8").strip() if note.exists() else ""
        if url and _answers_at(url):
            return RemoteAnswers(url)
        raise


def _answers_at(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=_KNOCK_TIMEOUT, trust_env=False).is_success
    except httpx.HTTPError:
        return False
