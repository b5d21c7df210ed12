"""The light install: laban runs with OpenTelemetry and wrapt only; other commands name the missing extra."""

import subprocess
import sys

import pytest

from .processes import environment

HEAVY = ["duckdb", "streamlit", "numba", "pandas", "pyarrow", "typer", "laban_collector", "laban_mapper"]
LIBRARIES = [
    *("grpc", "fastapi", "httpx", "kafka", "starlette", "uvicorn"),
    *("aio_pika", "boto3", "celery", "nats", "pika"),
]
"""Libraries that a traced program can use but need not have."""

USE = """
import laban, laban.distro, laban.business_keys.keys, laban.vocabulary
laban.setup(service="order")
from opentelemetry import trace
with trace.get_tracer("program").start_as_current_span("request"):
    laban.correlate(order_id="1001")
"""


def python(program: str, without: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python process that cannot import some modules."""
    hidden = "import sys\n" + "".join(f"sys.modules[{name!r}] = None\n" for name in without)
    return subprocess.run(
        [sys.executable, "-c", hidden + program, *arguments],
        capture_output=True,
        text=True,
        env=environment({"OTEL_TRACES_EXPORTER": "console"}),
        timeout=60,
        check=False,
    )


def test_laban_works_without_the_server_part() -> None:
    done = python(USE, HEAVY)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"order.id": "1001"' in done.stdout


def test_laban_works_without_the_libraries_that_it_traces() -> None:
    done = python(USE, HEAVY + LIBRARIES)
    assert done.returncode == 0
    assert '"order.id": "1001"' in done.stdout


def test_importing_laban_loads_neither_the_sdk_nor_a_library() -> None:
    unwanted = [*HEAVY, *LIBRARIES, "opentelemetry.sdk", "opentelemetry.instrumentation.utils"]
    loaded = f"import laban, sys; print([name for name in {unwanted} if name in sys.modules])"
    assert python(loaded, []).stdout == "[]\n"


@pytest.mark.parametrize("missing", ["laban_mapper", "typer", "duckdb", "rich"])
def test_a_server_command_without_the_server_part_names_the_extra_to_install(missing: str) -> None:
    program = "from laban.__main__ import main\nsys.argv[0] = 'laban'\nmain()"
    done = python(program, [missing], "order", "1001")
    assert done.returncode == 2
    assert done.stderr == "laban: `laban order` needs the server part: pip install 'laban[server]'\n"


def test_a_bug_in_the_server_part_is_not_reported_as_a_missing_extra() -> None:
    program = "from laban.__main__ import main\nmain()"
    done = python(program, ["ipaddress", "importlib.metadata"], "order", "1001")
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr
