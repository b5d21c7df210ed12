"""Programs answer, print and exit the same with and without laban, whatever stock instrumentations are there.

All instrumentations of `requirements-stock.txt` and of laban's extras are installed at once, as in an image
that is made for every service. The fifteen stock packages with the most downloads that trace something are
among them (PyPI, November 2026): requests, threading, FastAPI, urllib3, psycopg2, Django (in
`test_stock_django.py`), urllib, Flask, httpx, logging, SQLAlchemy, aiohttp-client, Redis, gRPC and botocore.
"""

import sys
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .database_servers import postgresql_server, redis_server
from .otlp_sink import sinking
from .processes import PROGRAMS
from .stock import BothWays, path, stock

__all__ = ["stock"]

pytestmark = [pytest.mark.install]

TRACED: dict[str, dict[str, str]] = {
    "aiohttp_client": {"aiohttp_client": "GET"},
    "asyncio_tasks": {},
    "asyncpg_orders": {"asyncpg": "SELECT"},
    "botocore_client": {"botocore": "S3.ListBuckets"},
    "celery_tasks": {},
    "elasticsearch_orders": {"elasticsearch-api": "search"},
    "fastapi_service": {"fastapi": "GET /orders/{order}"},
    "flask_service": {"flask": "GET /orders/<int:order>"},
    "grpc_calls": {"grpc": "/shop.Orders/Show"},
    "httpx_client": {"httpx": "GET"},
    "jinja2_pages": {"jinja2": "jinja2.render"},
    "logging_lines": {},
    "psycopg2_orders": {"psycopg2": "INSERT"},
    "psycopg_orders": {"psycopg": "INSERT"},
    "pymongo_orders": {},
    "redis_orders": {"redis": "GET"},
    "requests_client": {"requests": "GET"},
    "sqlalchemy_orders": {"sqlalchemy": "INSERT traced", "psycopg2": "INSERT"},
    "sqlite3_orders": {"sqlite3": "SELECT"},
    "threads": {},
    "tornado_service": {"tornado": "GET /orders/{order}"},
    "urllib3_client": {"urllib3": "GET"},
    "urllib_client": {"urllib": "GET"},
}
"""Program → instrumentation, by its scope → a span that it records."""


@pytest.fixture(scope="module")
def servers() -> Generator[dict[str, tuple[str, str]]]:
    """By part of a program's name: the URL of a database for the untraced run, and of one for the traced."""
    with ExitStack() as stack:
        postgresql = stack.enter_context(postgresql_server("plain", "traced"))
        redis = stack.enter_context(redis_server())
        databases = (f"{postgresql}plain", f"{postgresql}traced")
        yield dict.fromkeys(("sqlalchemy", "psycopg2", "psycopg", "asyncpg"), databases) | {
            "redis": (f"{redis}/0", f"{redis}/1")
        }


@pytest.mark.parametrize("program", TRACED)
def test_a_program_does_the_same_traced(
    program: str, stock: Path, servers: dict[str, tuple[str, str]]
) -> None:
    file = str(PROGRAMS / "stock" / f"{program}.py")
    of_plain, of_traced = servers.get(program.partition("_")[0], ("", ""))
    with sinking() as sink:
        variables = path(stock) | {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint}
        plain, traced = BothWays(
            [sys.executable, file, *filter(None, [of_plain])],
            [sys.executable, file, *filter(None, [of_traced])],
            variables,
        ).results()
    assert traced == plain
    assert "Traceback" not in plain[2] or program in {"threads", "flask_service"}
    recorded = {(span.scope.removeprefix("opentelemetry.instrumentation."), span.name) for span in sink.spans}
    assert recorded >= set(TRACED[program].items())
