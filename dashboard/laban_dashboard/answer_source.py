"""Where the dashboard gets its answers: a collector over HTTP, or a database file."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import streamlit as st

from laban_app.answers.discovery import open_answers
from laban_app.answers.protocol import Answers
from laban_collector.settings import load_settings
from laban_mapper.model import Findings, Orders, ServiceMap
from laban_mapper.orders import OrdersQuestion

URL_VARIABLE = "LABAN_DASHBOARD_URL"
DB_VARIABLE = "LABAN_DASHBOARD_DB"
_SHARED = timedelta(seconds=4)
"""How long browsers share an answer that is expensive."""


@dataclass(frozen=True, slots=True)
class AnswerSource:
    """The source set at startup. If both are None, the source is discovered as in the CLI."""

    url: str | None
    db: Path | None

    def __str__(self) -> str:
        """Return the text for a notice."""
        if self.url:
            return self.url
        return str(self.db) if self.db else "the collector that laban discovers"


def configured_source() -> AnswerSource:
    """Return the source that `launch` passed in the environment."""
    db = os.environ.get(DB_VARIABLE)
    return AnswerSource(os.environ.get(URL_VARIABLE), Path(db) if db else None)


def shared_answers() -> Answers:
    """Return the source's answers, opened once and shared by all sessions.

    Raises:
        AppError: no source answers. The failure is not cached, so the next call tries again.
        StoreError: the database file cannot be read.
    """
    source = configured_source()
    return _opened(source.url, source.db)


def newest_orders(limit: int, since: datetime) -> Orders:
    """Return the newest orders with a span since then, asked once in a few seconds for all browsers.

    Raises:
        AppError, StoreError: as `shared_answers`.
    """
    source = configured_source()
    return _orders(source.url, source.db, limit, since)


def found_between(since: datetime, until: datetime) -> Findings:
    """Return the findings of a time range, asked once in a few seconds for all browsers.

    Raises:
        AppError, StoreError: as `shared_answers`.
    """
    source = configured_source()
    return _findings(source.url, source.db, since, until)


def past_map(since: datetime, until: datetime) -> ServiceMap:
    """Return the map of a time range that is over, asked once in a minute for all browsers.

    Raises:
        AppError, StoreError: as `shared_answers`.
    """
    source = configured_source()
    return _past_map(source.url, source.db, since, until)


@st.cache_resource(show_spinner=False)
def grafana_url() -> str | None:
    """Return the URL of the Grafana dashboard that is set, if there is one."""
    return load_settings().grafana_url


def reconnect() -> None:
    """Open the source again on the next query: the collector may have moved to another address."""
    _opened.clear()
    _orders.clear()
    _findings.clear()
    _past_map.clear()
    grafana_url.clear()


@st.cache_resource(show_spinner=False)
def _opened(url: str | None, db: Path | None) -> Answers:
    return open_answers(url, db)


@st.cache_resource(ttl=_SHARED, show_spinner=False)
def _orders(url: str | None, db: Path | None, limit: int, since: datetime) -> Orders:
    return _opened(url, db).orders(OrdersQuestion(limit=limit), since)


@st.cache_resource(ttl=3 * _SHARED, show_spinner=False)
def _findings(url: str | None, db: Path | None, since: datetime, until: datetime) -> Findings:
    return _opened(url, db).findings(since, until)


@st.cache_resource(ttl=timedelta(minutes=1), show_spinner=False)
def _past_map(url: str | None, db: Path | None, since: datetime, until: datetime) -> ServiceMap:
    return _opened(url, db).service_map(since, until)
