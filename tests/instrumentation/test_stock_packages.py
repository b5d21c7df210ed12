"""Programs answer, print and exit the same with and without laban, whatever stock instrumentations are there.

All instrumentations of `requirements-stock.txt` and of laban's extras are installed at once, as in an image
that is made for every service. The fifteen stock packages with the most downloads that trace something are
among them (PyPI, November 2026): requests, threading, FastAPI, urllib3, psycopg2, Django (in
`test_stock_django.py`), urllib, Flask, httpx, logging, SQLAlchemy, aiohttp-client, Redis, gRPC and botocore.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .database_servers import postgresql_server, redis_server
from .otlp_sink import Sink, sinking
from .processes import LABAN, PROGRAMS, environment, running, traced
from .stock import BothWays, path, stock

__all__ = ["stock"]

pytestmark = [pytest.mark.install]

PAGE = Path(__file__).parents[2] / "docs" / "instrumentation.md"

SPANS: dict[str, dict[str, str]] = {
    "aiohttp_client": {"aiohttp_client": "GET"},
    "asyncio_tasks": {},
    "asyncpg_orders": {"asyncpg": "INSERT"},
    "botocore_client": {"botocore": "S3.ListBuckets"},
    "celery_tasks": {},
    "django_configured": {"django": "GET orders/<int:number>"},
    "elasticsearch_orders": {"elasticsearch-api": "search"},
    "fastapi_service": {"fastapi": "GET /orders/{order}"},
    "flask_service": {"flask": "GET /orders/<int:order>"},
    "grpc_calls": {"grpc": "/shop.Orders/Show"},
    "httpx_client": {"httpx": "GET"},
    "jinja2_pages": {"jinja2": "jinja2.render"},
    "logging_lines": {},
    "psycopg2_orders": {"psycopg2": "INSERT"},
    "psycopg_orders": {"psycopg": "INSERT"},
    "pymongo_orders": {"pymongo": "shop.insert"},
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

DATABASES = {
    "asyncpg_orders": "postgresql/traced",
    "elasticsearch_orders": "elasticsearch",
    "psycopg2_orders": "postgresql/traced",
    "psycopg_orders": "postgresql/traced",
    "pymongo_orders": "mongodb/shop",
    "redis_orders": "redis/0",
    "sqlalchemy_orders": "postgresql/traced",
}
"""Program → the database on the map."""


@dataclass(frozen=True)
class Ran:
    """A program that has run both ways, and what it sent."""

    plain: tuple[int, str, str]
    traced: tuple[int, str, str]
    sink: Sink


Run = Callable[[str], Ran]
Servers = dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def servers() -> Generator[Servers]:
    """By driver: the URL of a database for the untraced run, and of one for the traced."""
    with ExitStack() as stack:
        postgresql = stack.enter_context(postgresql_server("plain", "traced"))
        redis = stack.enter_context(redis_server())
        databases = (f"{postgresql}plain", f"{postgresql}traced")
        yield dict.fromkeys(("sqlalchemy", "psycopg2", "psycopg", "asyncpg"), databases) | {
            "redis": (f"{redis}/1", f"{redis}/0")
        }


@pytest.fixture(scope="module")
def run(stock: Path, servers: Servers) -> Run:
    """Runs a program both ways; once, however often it is asked."""
    done: dict[str, Ran] = {}

    def run(program: str) -> Ran:
        if program not in done:
            command = [sys.executable, str(PROGRAMS / "stock" / f"{program}.py")]
            urls = servers.get(program.partition("_")[0])
            plain, with_laban = ([*command, url] if url else command for url in urls or (None, None))
            with sinking() as sink:
                variables = path(stock) | {
                    "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
                    "OTEL_SERVICE_NAME": program,
                    "GRPC_VERBOSITY": "NONE",  # at times, gRPC logs how a connection ended
                }
                without, within = BothWays(plain, with_laban, variables).results()
            done[program] = Ran(without, within, sink)
        return done[program]

    return run


@pytest.mark.parametrize("program", SPANS)
def test_a_program_does_the_same_traced(program: str, run: Run) -> None:
    ran = run(program)
    assert ran.traced == ran.plain
    assert "Traceback" not in ran.plain[2] or program in {"threads", "flask_service"}
    recorded = {
        (span.scope.removeprefix("opentelemetry.instrumentation."), span.name) for span in ran.sink.spans
    }
    assert recorded >= set(SPANS[program].items())


def test_the_span_of_urllib3_has_its_retries_and_its_timeout(run: Run) -> None:
    *_, retried, _refused = [
        span for span in run("urllib3_client").sink.spans if span.scope.endswith("urllib3")
    ]
    assert [name for name, _ in retried.events] == ["laban.retry", "laban.retry", "laban.retry.exhausted"]
    assert {event["error.type"] for _, event in retried.events} == {"404"}
    assert retried.attributes["laban.retry.attempt"] == 3
    assert retried.attributes["http.request.resend_count"] == 2
    assert retried.attributes["laban.timeout_ms"] == 8000
    scopes = {span.attributes["laban.timeout.scope"] for span in run("urllib3_client").sink.spans}
    assert scopes == {"none", "read"}


def test_exported_log_records_leave_the_programs_output_alone(stock: Path) -> None:
    command = [sys.executable, str(PROGRAMS / "stock" / "logging_lines.py")]
    exported = {"OTEL_LOGS_EXPORTER": "console", "OTEL_TRACES_EXPORTER": "none"}
    plain, traced = BothWays(command, command, path(stock) | exported).results()
    assert (traced[0], traced[2]) == (plain[0], plain[2])
    assert len(plain[2].splitlines()) == 4
    bodies = re.findall(r'"body": "(\w+)', traced[1])
    assert bodies == ["before", "root", "configured"]


def laban(*arguments: str) -> str:
    command = [str(LABAN), *arguments]
    done = subprocess.run(
        command, env=environment({"COLUMNS": "100"}), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported(bodies: list[bytes], folder: Path) -> str:
    """A database with these OTLP requests."""
    files = []
    for number, body in enumerate(bodies):
        files.append(folder / f"{number}.pb")
        files[-1].write_bytes(body)
    database = str(folder / "laban.duckdb")
    laban("import", "--db", database, *map(str, files))
    return database


def test_each_database_is_a_node_of_the_map(run: Run, tmp_path: Path) -> None:
    bodies = [body for program in DATABASES for body in run(program).sink.bodies]
    shown: dict[str, Any] = json.loads(laban("map", "--json", "--db", imported(bodies, tmp_path)))
    names = {node["id"]: node["name"] for node in shown["nodes"] if node["kind"] == "database"}
    found = {
        (edge["from"].removeprefix("service:"), names[edge["to"]])
        for edge in shown["edges"]
        if edge["to"] in names
    }
    assert found == set(DATABASES.items())


def test_what_keeps_connections_folds_in_the_story_and_is_counted(
    stock: Path, servers: Servers, tmp_path: Path
) -> None:
    used = {f"{name}_orders.py": servers[name][1] for name in ("sqlalchemy", "asyncpg", "psycopg")}
    command = [sys.executable, str(PROGRAMS / "stock" / "checkout.py")]
    command += [word for pair in used.items() for word in pair]
    with sinking() as sink, running(traced(sink.endpoint, "shop", *command), path(stock)) as process:
        output, _ = process.communicate(timeout=90)
        assert process.returncode == 0, output
    database = imported(sink.bodies, tmp_path)
    steps = json.loads(laban("order", "1001", "--json", "--db", database))["steps"]
    assert len(steps) == len(sink.spans)
    chatter = [step["operation"] for step in steps if step["chatter"]]
    assert {"connect", "BEGIN;", "COMMIT;", "SELECT", "SET", "select", "show"} == set(chatter)
    text = laban("order", "1001", "--db", database)
    [folded] = re.findall(r"POST /orders  \+ (\d+) small steps", text)
    assert int(folded) == len(chatter)
    assert not re.search(r"shop  (connect|BEGIN;|COMMIT;|SET|show)\b", text)
    assert re.search(r"shop  INSERT\b", text)


def rows() -> list[list[str]]:
    """The cells of the table of libraries, without its head."""
    section = PAGE.read_text(encoding="utf-8").partition("## Other libraries\n")[2]
    [table, *_] = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    return [re.split(r" *\| *", line.strip("| ")) for line in table.splitlines()[2:]]


def test_the_page_says_what_the_programs_record() -> None:
    for library, _, span, node, program in rows():
        name = program.strip("`").removesuffix(".py")
        assert span.strip("`") in SPANS[name].values(), library
        assert node.strip("`") == DATABASES.get(name, "").replace("/traced", "/shop"), library
    programs = {row[4].strip("`").removesuffix(".py") for row in rows()}
    assert programs >= set(DATABASES)
