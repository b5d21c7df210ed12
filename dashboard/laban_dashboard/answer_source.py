"""Where the dashboard gets its answers: a collector over HTTP, or a database file."""

import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import streamlit as st

from laban_app.answers.discovery import open_answers
from laban_app.answers.findings_settings import findings_settings
from laban_app.answers.protocol import TraceAnswers
from laban_collector.settings import load_settings
from laban_dashboard.sharing import shared
from laban_mapper.model import Findings, Orders, ServiceMap
from laban_mapper.model_whatif import WhatIf
from laban_mapper.orders import OrdersQuestion
from laban_mapper.whatif.changes import ChangeTexts

URL_VARIABLE = "LABAN_DASHBOARD_URL"
DB_VARIABLE = "LABAN_DASHBOARD_DB"
BESIDE_VARIABLE = "LABAN_DASHBOARD_BESIDE"
"""A JSON object: the files and collectors that can be compared with, by name."""
_ORDERS = timedelta(seconds=10)
"""How long browsers share the stories of the newest orders."""
_MINUTE = timedelta(minutes=1)
"""How long they share what takes a second: the findings of a time range in whole minutes."""


@dataclass(frozen=True, slots=True)
class AnswerSource:
    """The sources set at startup.

    Attributes:
        url: of the collector.
        db: the database. If both are None, the source is discovered as in the CLI.
        beside: names, and the files or URLs of collectors that can be compared with.
    """

    url: str | None
    db: Path | None
    beside: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Return the text for a notice."""
        if self.url:
            return self.url
        return str(self.db) if self.db else "the collector that laban discovers"


def configured_source() -> AnswerSource:
    """Return the source that `launch` passed in the environment."""
    db = os.environ.get(DB_VARIABLE)
    beside: dict[str, str] = json.loads(os.environ.get(BESIDE_VARIABLE, "{}"))
    return AnswerSource(os.environ.get(URL_VARIABLE), Path(db) if db else None, tuple(beside.items()))


def shared_answers() -> TraceAnswers:
    """Return the source's answers, opened once; all sessions share it, and its answers for some seconds.

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
    """Return the findings of a time range, asked once in a minute for all browsers.

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


def known_services() -> list[str]:
    """Return the names of the services of the last hour, asked once in a minute for all browsers.

    Raises:
        AppError, StoreError: as `shared_answers`.
    """
    source = configured_source()
    return _services(source.url, source.db)


def predicted(texts: ChangeTexts, since: datetime, until: datetime) -> WhatIf:
    """Return what would become of the requests of a time range, asked once in minutes for all browsers.

    Raises:
        InvalidChange, UnknownPlace: as `TraceAnswers.what_if`.
        AppError, StoreError: as `shared_answers`.
    """
    source = configured_source()
    return _predicted(source.url, source.db, texts, since, until)


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
    _services.clear()
    _predicted.clear()
    grafana_url.clear()


@st.cache_resource(show_spinner=False)
def _opened(url: str | None, db: Path | None) -> TraceAnswers:
    return shared(open_answers(url, db, judged_by=findings_settings(load_settings())))


@st.cache_resource(ttl=_ORDERS, show_spinner=False)
def _orders(url: str | None, db: Path | None, limit: int, since: datetime) -> Orders:
    return _opened(url, db).orders(OrdersQuestion(limit=limit), since)


@st.cache_resource(ttl=_MINUTE, show_spinner=False)
def _findings(url: str | None, db: Path | None, since: datetime, until: datetime) -> Findings:
    return _opened(url, db).findings(since, until)


@st.cache_resource(ttl=_MINUTE, show_spinner=False)
def _past_map(url: str | None, db: Path | None, since: datetime, until: datetime) -> ServiceMap:
    return _opened(url, db).service_map(since, until)


@st.cache_resource(ttl=_MINUTE, show_spinner=False)
def _services(url: str | None, db: Path | None) -> list[str]:
    return sorted(node.name for node in _opened(url, db).service_map().nodes if node.kind == "service")


@st.cache_resource(ttl=timedelta(minutes=5), show_spinner=False, max_entries=50)
def _predicted(
    url: str | None, db: Path | None, texts: ChangeTexts, since: datetime, until: datetime
) -> WhatIf:
    return _opened(url, db).what_if(texts, since, until)
