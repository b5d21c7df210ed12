"""A Flask or Django service that nothing traces says so once, when it handles its first request."""

import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from ...broker import free_port
from ..otlp_sink import sinking
from ..processes import PROGRAMS, environment, running, traced
from ..stock import path, stock
from ..test_workers import request

__all__ = ["stock"]

NOWHERE = {"OTEL_TRACES_EXPORTER": "none"}
FLASK = PROGRAMS / "stock" / "flask_service.py"
DJANGO = PROGRAMS / "stock" / "django_configured.py"


def line(framework: str) -> str:
    pin = f"opentelemetry-instrumentation-{framework.lower()}=={version('opentelemetry-instrumentation')}"
    return f"laban: {framework} handles requests that are not traced: pip install {pin}"


def errors(command: list[str], variables: dict[str, str]) -> list[str]:
    """What the command prints to stderr under `laban run`."""
    done = subprocess.run(
        traced("http://127.0.0.1:9", "shop", *command),
        env=environment(NOWHERE | variables),
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    return done.stderr.splitlines()


def test_flask_says_it_once() -> None:
    said = errors([sys.executable, str(FLASK)], path())
    assert said.count(line("Flask")) == 1
    assert said[0] == line("Flask")


@pytest.mark.parametrize("disabled", ["flask", "redis, flask", "*"])
def test_a_disabled_instrumentation_is_not_missed(disabled: str) -> None:
    variables = path() | {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": disabled}
    assert line("Flask") not in errors([sys.executable, str(FLASK)], variables)


def test_a_program_that_only_imports_flask_says_nothing() -> None:
    program = "import flask; flask.Flask('shop').route('/')(lambda: 'tea')"
    assert errors([sys.executable, "-c", program], {}) == []


def test_requests_inside_a_span_are_traced_already() -> None:
    program = """
import flask
from opentelemetry import trace
shop = flask.Flask("shop")
with trace.get_tracer("middleware").start_as_current_span("GET"):
    shop.test_client().get("/")
"""
    assert errors([sys.executable, "-c", program], {}) == []


def test_workers_say_it_once_for_all() -> None:
    port = free_port()
    command = ["gunicorn", "--workers", "3", "flask:Flask('shop')", "--bind", f"127.0.0.1:{port}"]
    with sinking() as sink, running(traced(sink.endpoint, "shop", *command)) as process:
        assert {request(port, process, "/")[0] for _ in range(20)} == {404}
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert said.count("not traced") == 1


@pytest.mark.install
@pytest.mark.parametrize("with_instrumentation", ["", "opentelemetry"])
def test_django_says_it_once(stock: Path, tmp_path: Path, with_instrumentation: str) -> None:
    for name in filter(None, ("django", "sqlparse", with_instrumentation)):
        for installed in stock.glob(f"{name}*"):
            (tmp_path / installed.name).symlink_to(installed)
    said = errors([sys.executable, str(DJANGO)], path(tmp_path))
    assert said.count(line("Django")) == (0 if with_instrumentation else 1)
