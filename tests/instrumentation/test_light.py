"""The base install: OpenTelemetry and wrapt are enough, and other commands name the extra that they need."""

import subprocess
import sys
from pathlib import Path

import pytest

from laban.commands import command_names, find_command
from laban_collector.store.duckdb.store import DuckDBStore

from ..base_install import make_base_install
from .processes import environment

HEAVY = ["duckdb", "streamlit", "numba", "pandas", "pyarrow", "typer", "laban_collector", "laban_mapper"]
LIBRARIES = [
    *("grpc", "fastapi", "httpx", "kafka", "starlette", "uvicorn"),
    *("aio_pika", "boto3", "celery", "nats", "pika"),
]
"""Libraries that a traced program may use, but does not have to."""

USE = """
import laban, laban.distro, laban.business_keys.keys, laban.vocabulary
laban.setup(service="order")
from opentelemetry import trace
with trace.get_tracer("program").start_as_current_span("request"):
    laban.correlate(order_id="1001")
"""


def python(program: str, without: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python in which some modules cannot be imported."""
    hidden = "import sys\n" + "".join(f"sys.modules[{name!r}] = None\n" for name in without)
    return subprocess.run(
        [sys.executable, "-c", hidden + program, *arguments],
        capture_output=True,
        text=True,
        env=environment({"OTEL_TRACES_EXPORTER": "console"}),
        timeout=60,
        check=False,
    )


def test_the_api_works_without_the_extras() -> None:
    done = python(USE, HEAVY)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"order.id": "1001"' in done.stdout


def test_the_api_works_without_the_libraries_that_it_traces() -> None:
    done = python(USE, HEAVY + LIBRARIES)
    assert done.returncode == 0
    assert '"order.id": "1001"' in done.stdout


def test_importing_laban_loads_neither_the_sdk_nor_a_library() -> None:
    unwanted = [*HEAVY, *LIBRARIES, "opentelemetry.sdk", "opentelemetry.instrumentation.utils"]
    loaded = f"import laban, sys; print([name for name in {unwanted} if name in sys.modules])"
    assert python(loaded, []).stdout == "[]\n"


@pytest.fixture(scope="module")
def base_install(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base_install")
    make_base_install(folder)
    return folder


def laban(base_install: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run laban as installed without any extra."""
    return subprocess.run(
        [sys.executable, "-S", "-m", "laban", *arguments],
        capture_output=True,
        text=True,
        env=environment({"PYTHONPATH": str(base_install), "COLUMNS": "200"}),
        timeout=60,
        check=False,
    )


def test_help_lists_every_command_with_the_extra_that_it_needs(base_install: Path) -> None:
    done = laban(base_install, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert laban(base_install, "-h").stdout == laban(base_install, "help").stdout == done.stdout
    shown = " ".join(done.stdout.split())  # long summaries continue on the next line
    for name in command_names():
        command = find_command(name)
        assert command is not None
        needs = f" (needs laban[{command.extra}])" if command.extra else ""
        assert f" {name} {command.summary}{needs} " in shown


def test_laban_alone_prints_the_help_and_exits_2(base_install: Path) -> None:
    done = laban(base_install)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == laban(base_install, "--help").stdout


@pytest.mark.parametrize(
    ("command", "extra"),
    [("order", "server"), ("serve", "server"), ("dashboard", "server"), ("demo", "demo")],
)
def test_a_command_without_its_extra_says_what_to_install(
    base_install: Path, command: str, extra: str
) -> None:
    needs = f"`laban {command}` needs laban[{extra}]: pip install 'laban[{extra}]'"
    done = laban(base_install, command, "1001")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"laban: {needs}\n")
    help_text = laban(base_install, command, "--help")
    assert (help_text.returncode, help_text.stderr) == (0, "")
    assert needs in help_text.stdout


def test_shell_completion_without_the_extra_says_what_to_install(base_install: Path) -> None:
    done = laban(base_install, "--install-completion")
    assert done.returncode == 2
    assert done.stderr == "laban: shell completion needs laban[server]: pip install 'laban[server]'\n"


@pytest.mark.parametrize(("typed", "meant"), [("oder", "order"), ("--verion", "--version")])
def test_an_unknown_command_or_option_names_the_nearest(base_install: Path, typed: str, meant: str) -> None:
    done = laban(base_install, typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"`{typed}`. Did you mean: {meant}" in done.stderr


RUN = "from laban.__main__ import main\nsys.argv[0] = 'laban'\nmain()"


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its questions need DuckDB and the terminal library; those to a collector may need neither."""
    path = tmp_path_factory.mktemp("database") / "empty.duckdb"
    DuckDBStore.open(path).close()
    return str(path)


@pytest.mark.parametrize("missing", ["typer", "duckdb", "rich"])
def test_one_missing_package_of_an_extra_names_the_extra(missing: str, empty_database: str) -> None:
    done = python(RUN, [missing], "map", "--db", empty_database)
    assert done.returncode == 2
    assert done.stderr == "laban: `laban map` needs laban[server]: pip install 'laban[server]'\n"


@pytest.mark.parametrize("missing", ["ipaddress", "laban_mapper", "laban_app.answers.local"])
def test_a_bug_is_not_taken_for_a_missing_extra(missing: str, empty_database: str) -> None:
    done = python(RUN, [missing], "map", "--db", empty_database)
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr
