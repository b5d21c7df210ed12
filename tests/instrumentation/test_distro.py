"""The distro's set-up, observed inside a program."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from laban.distro import DEFAULTS

from .processes import environment, traced

SETUP = """
import laban
laban.setup(service="order")
"""
SHOW = """
import json, os
from opentelemetry import trace
provider = trace.get_tracer_provider()
print(json.dumps({"environment": dict(os.environ), "resource": dict(provider.resource.attributes)}))
"""


def run(program: str, **extra: str) -> Any:
    """Run a program and return its JSON output."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment({"OTEL_TRACES_EXPORTER": "none"} | extra),
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_setup_does_what_laban_run_does() -> None:
    shown = run(SETUP + SHOW)
    expected = DEFAULTS | {"OTEL_TRACES_EXPORTER": "none"}
    assert {name: shown["environment"][name] for name in DEFAULTS} == expected
    assert shown["resource"]["service.name"] == "order"
    assert {"service.instance.id", "process.pid", "host.name"} <= shown["resource"].keys()


def test_opentelemetry_instrument_sets_up_the_same() -> None:
    command = Path(sys.executable).parent / "opentelemetry-instrument"
    own = {"OTEL_PYTHON_DISTRO": "laban", "OTEL_SERVICE_NAME": "order", "OTEL_TRACES_EXPORTER": "none"}
    done = subprocess.run(
        [str(command), sys.executable, "-c", SHOW],
        capture_output=True,
        text=True,
        env=environment(own),
        timeout=60,
        check=True,
    )
    shown = json.loads(done.stdout)
    assert DEFAULTS.keys() <= shown["environment"].keys()
    assert shown["resource"]["service.name"] == "order"


def test_setup_under_laban_run_or_a_second_time_does_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    command = traced("http://127.0.0.1:9", "outside", sys.executable, "-c", SETUP + SETUP + SHOW)
    subprocess.run(command, env=environment({"OTEL_TRACES_EXPORTER": "none"}), timeout=60, check=True)
    shown, said = capfd.readouterr()
    assert json.loads(shown)["resource"]["service.name"] == "outside"
    assert said == ""


def test_a_variable_set_by_the_user_is_kept() -> None:
    shown = run(SETUP + SHOW, OTEL_BSP_MAX_QUEUE_SIZE="7000")
    assert shown["environment"]["OTEL_BSP_MAX_QUEUE_SIZE"] == "7000"


def test_the_users_propagators_are_kept_and_wrapped() -> None:
    program = (
        SETUP
        + """
from opentelemetry import propagate
import json
print(json.dumps(sorted(propagate.get_global_textmap().fields)))
"""
    )
    assert run(program, OTEL_PROPAGATORS="tracecontext") == ["X-Correlation-ID", "traceparent", "tracestate"]


def test_upstreams_kafka_instrumentor_becomes_labans() -> None:
    program = (
        SETUP
        + """
from kafka import KafkaConsumer
from opentelemetry.instrumentation.kafka import KafkaInstrumentor
import json
instrumentor = KafkaInstrumentor()
instrumented = hasattr(KafkaConsumer.poll, "__wrapped__")
instrumentor.uninstrument()
print(json.dumps([type(instrumentor).__name__, instrumented, hasattr(KafkaConsumer.poll, "__wrapped__")]))
"""
    )
    assert run(program) == ["LabanKafkaInstrumentor", True, False]


def test_health_metrics_and_admin_urls_are_not_traced_but_similar_urls_are() -> None:
    program = (
        SETUP
        + """
import json
from opentelemetry.util.http import get_excluded_urls
excluded = get_excluded_urls("FASTAPI")
paths = ["/healthz", "/metrics?x=1", "/admin/faults"]
paths += ["/orders", "/administrators", "/orders/metrics", "/orders?a=/admin"]
print(json.dumps([path for path in paths if excluded.url_disabled("http://shop:80" + path)]))
"""
    )
    assert run(program) == ["/healthz", "/metrics?x=1", "/admin/faults"]


def test_a_failure_inside_laban_is_logged_and_the_program_continues() -> None:
    program = """
import sys
sys.modules["laban.grpc.server"] = None
import laban
laban.setup()
import grpc, kafka
print(hasattr(kafka.KafkaConsumer.poll, "__wrapped__"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment({"OTEL_TRACES_EXPORTER": "none"}),
        timeout=60,
        check=True,
    )
    assert done.stdout == "True\n"
    assert "laban cannot patch the instrumentation of grpc_server" in done.stderr


def test_a_library_is_instrumented_on_import_and_not_loaded_before() -> None:
    program = (
        SETUP
        + """
import json, sys
from laban.distro import DEFERRED
loaded = sorted(set(DEFERRED.values()) & sys.modules.keys())
import httpx, requests, aiohttp, starlette.applications, fastapi, grpc
from aiohttp import web
wrapped = [httpx.HTTPTransport.handle_request, requests.Session.send, aiohttp.ClientSession._request]
wrapped += [web.Application.__init__, starlette.applications.Starlette.__init__]
print(json.dumps([loaded, [hasattr(each, "__wrapped__") for each in wrapped], fastapi.FastAPI.__name__]))
"""
    )
    assert run(program) == [[], [True] * 5, "_InstrumentedFastAPI"]


@pytest.mark.parametrize("name", ["HTTPXClientInstrumentor", "HTTPX2ClientInstrumentor"])
def test_upstreams_module_can_be_imported_before_the_library(name: str) -> None:
    program = (
        SETUP
        + f"""
import json
from opentelemetry.instrumentation.httpx import {name}
import httpx
print(json.dumps([type({name}()).__name__, hasattr(httpx.HTTPTransport.handle_request, "__wrapped__")]))
"""
    )
    assert run(program) == [name.replace("HTTPXClient", "LabanHttpx"), True]


def test_work_in_a_thread_pool_is_in_the_trace_that_submitted_it() -> None:
    program = (
        SETUP
        + """
import json
from concurrent.futures import ThreadPoolExecutor
from opentelemetry import trace
current = lambda: trace.get_current_span().get_span_context().trace_id
with ThreadPoolExecutor(1) as pool, trace.get_tracer("program").start_as_current_span("request"):
    print(json.dumps(pool.submit(current).result() == current()))
"""
    )
    assert run(program) is True
