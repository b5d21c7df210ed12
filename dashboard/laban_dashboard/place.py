"""Where the dashboard asks: a collector over HTTP, or a database file."""

import os
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from laban_app.answers.discovery import open_answers
from laban_app.answers.protocol import Answers

URL_VARIABLE = "LABAN_DASHBOARD_URL"
DB_VARIABLE = "LABAN_DASHBOARD_DB"


@dataclass(frozen=True, slots=True)
class Place:
    """What was given at the start; both None means: where the CLI would ask."""

    url: str | None
    db: Path | None

    def __str__(self) -> str:
        """In words for a notice."""
        if self.url:
            return self.url
        return str(self.db) if self.db else "the collector that laban finds by itself"


def place() -> Place:
    """The place that `launch` handed over in the environment."""
    db = os.environ.get(DB_VARIABLE)
    return Place(os.environ.get(URL_VARIABLE), Path(db) if db else None)


def answers() -> Answers:
    """Who answers; opened once for all sessions.

    Raises:
        CollectorUnreachable: nobody does. Nothing is remembered then, so the next call tries again.
        StoreError: the database file cannot be read.
    """
    where = place()
    return _opened(where.url, where.db)


def forget() -> None:
    """Open anew at the next question: who answered may have come back at another address."""
    _opened.clear()


@st.cache_resource(show_spinner=False)
def _opened(url: str | None, db: Path | None) -> Answers:
    return open_answers(url, db)
