"""A Django project does the same with and without laban, however it is started, and its requests are traced.

The stock instrumentation needs the settings of the project, which only the project can load.
"""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..broker import free_port
from .otlp_sink import Sink, sinking
from .processes import PROGRAMS, running, traced
from .stock import BothWays, path, stock
from .test_workers import request

__all__ = ["stock"]

pytestmark = [pytest.mark.install]

STOCK = PROGRAMS / "stock"
MANAGE = [sys.executable, str(STOCK / "django_manage.py")]
REQUESTS = {
    "/orders/7?user=ann": (200, '{"order": 7, "user": "ann"}'),
    "/stock": (202, "tea"),
    "/tables": (200, '{"answer": 42, "table": "django_content_type"}'),
    "/missing": (404, None),
    "/broken": (500, None),
}
ROUTES = {"GET orders/<int:number>", "GET stock", "GET tables", "GET broken"}
QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "50"}


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sinking() as collecting:
        yield collecting


@pytest.mark.parametrize(
    "command",
    [
        ["gunicorn", "--workers", "1", "django_shop.wsgi", "--bind", "127.0.0.1:{port}"],
        ["gunicorn", "--preload", "django_shop.wsgi", "--bind", "127.0.0.1:{port}"],
        [
            "uvicorn",
            "--workers",
            "2",
            "--timeout-worker-healthcheck",
            "60",
            "django_shop.asgi:application",
            "--port",
            "{port}",
        ],
        [*MANAGE, "runserver", "{port}"],
        [*MANAGE, "runserver", "{port}", "--noreload", "--nothreading"],
    ],
    ids=["gunicorn", "gunicorn preloaded", "uvicorn", "runserver with reload", "runserver"],
)
def test_a_project_answers_and_is_traced(stock: Path, sink: Sink, command: list[str]) -> None:
    port = free_port()
    started = [word.format(port=port) for word in command]
    with running(traced(sink.endpoint, "shop", *started), path(stock) | QUICK) as process:
        answers = {each: request(port, process, each) for each in REQUESTS}
        spans = sink.wait_for(len(REQUESTS), scope=".django")
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    for each, (status, body) in REQUESTS.items():
        assert answers[each][0] == status
        assert body is None or answers[each][1] == body
    assert {span.name for span in spans if span.scope.endswith(".django")} >= ROUTES


@pytest.mark.parametrize(
    "program",
    [
        ["django_manage.py", "check"],
        ["django_manage.py", "diffsettings"],
        ["django_manage.py", "migrate", "--plan"],
        ["django_manage.py", "nothing"],
        ["django_configured.py"],
        ["django_without_settings.py"],
    ],
    ids=" ".join,
)
def test_a_program_does_the_same_traced(stock: Path, sink: Sink, program: list[str]) -> None:
    command = [sys.executable, str(STOCK / program[0]), *program[1:]]
    variables = path(stock) | {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint}
    plain, traced = BothWays(command, command, variables).results()
    assert traced == plain
    routes = {span.name for span in sink.spans if span.kind == 2}
    assert routes == ({"GET orders/<int:number>", "GET"} if program == ["django_configured.py"] else set())


def test_a_disabled_instrumentation_traces_nothing(stock: Path, sink: Sink) -> None:
    command = [sys.executable, str(STOCK / "django_configured.py")]
    variables = path(stock) | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "django,urllib",
    }
    plain, traced = BothWays(command, command, variables).results()
    assert traced == plain
    assert sink.spans == []
