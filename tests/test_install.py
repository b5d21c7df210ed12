"""The wheel in fresh environments outside the clone: it resolves with an old and a new pip, and works."""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import httpx
import pytest

from .broker import free_port

ROOT = Path(__file__).parents[1]
OLDEST, NEWEST = "pip==23.2.1", "pip"
"""The pip that Python 3.11 brings, and whatever is the newest today."""
MOST_PACKAGES = 25
OF_THE_VENV = frozenset({"pip", "setuptools"})
EXTRAS = "all,demo"
"""All of them: demo includes server. If they resolve together, each does."""

_INSTALL_S = 300
_STOP_S = 20

by_each_pip = pytest.mark.parametrize("light", [OLDEST, NEWEST], indirect=True, scope="module")
pytestmark = [pytest.mark.install, pytest.mark.timeout(2 * _INSTALL_S)]


@dataclass(frozen=True)
class Venv:
    """A fresh environment, and the folder outside the clone in which its commands run."""

    folder: Path
    work: Path

    @classmethod
    def make(cls, folder: Path, *options: str) -> "Venv":
        subprocess.run([sys.executable, "-m", "venv", *options, folder], check=True, env=plain_environment())
        work = folder / "work"
        work.mkdir()
        return cls(folder, work)

    def command(self, name: str, *arguments: str) -> list[str]:
        return [str(self.folder / "bin" / name), *arguments]

    def run(
        self, name: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(name, *arguments),
            cwd=self.work,
            env=plain_environment() | dict(environment or {}),
            capture_output=True,
            text=True,
            timeout=_INSTALL_S,
            check=False,
        )

    def install(self, *arguments: str) -> None:
        done = self.run("pip", "install", "--quiet", "--no-compile", *arguments)
        assert done.returncode == 0, done.stderr

    def packages(self) -> set[str]:
        return {package.name for package in self.installed()} - OF_THE_VENV

    def installed(self) -> list[Distribution]:
        (found,) = self.folder.glob("lib/python*/site-packages")
        return list(distributions(path=[str(found)]))


def plain_environment() -> dict[str, str]:
    """This environment without what leads to the clone or configures laban."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LABAN_", "OTEL_", "PYTHONPATH", "VIRTUAL_ENV"))
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once from this clone."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def venvs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Venv]:
    """For each pip an environment that has it and nothing else."""

    def make(pip: str) -> tuple[str, Venv, subprocess.CompletedProcess[str]]:
        venv = Venv.make(tmp_path_factory.mktemp("venv") / "venv")
        # Forced, so that without a network this fails even if that pip is there already.
        return pip, venv, venv.run("pip", "install", "--quiet", "--force-reinstall", "--retries", "1", pip)

    made: dict[str, Venv] = {}
    for pip, venv, done in map(make, (OLDEST, NEWEST)):
        if done.returncode != 0:
            pytest.skip(f"pip cannot reach the package index: {done.stderr.strip().splitlines()[-1]}")
        made[pip] = venv
    return made


Reports = dict[str, "Future[subprocess.CompletedProcess[str]]"]


@pytest.fixture(scope="module")
def resolutions(wheel: Path, venvs: dict[str, Venv]) -> Generator[Reports]:
    """What each pip would install for the extras; old pips take half a minute, so they work meanwhile."""
    with ThreadPoolExecutor(len(venvs)) as pool:
        yield {pip: pool.submit(resolve, venv, f"{wheel}[{EXTRAS}]") for pip, venv in venvs.items()}
        pool.shutdown(cancel_futures=True)


def resolve(venv: Venv, requirement: str) -> subprocess.CompletedProcess[str]:
    return venv.run(
        "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-", requirement
    )


@pytest.fixture(scope="module")
def light(request: pytest.FixtureRequest, wheel: Path, venvs: dict[str, Venv], resolutions: Reports) -> Venv:
    """The base install by the pip that the test names."""
    venv = venvs[request.param]
    venv.install(str(wheel))
    return venv


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, wheel: Path, venvs: dict[str, Venv]) -> Venv:
    """The wheel with all extras; installed by uv, which is quick, since pips are tested by the others."""
    venv = Venv.make(tmp_path_factory.mktemp("full") / "venv", "--without-pip")
    of_pip = venvs[NEWEST].run("pip", "config", "get", "global.index-url").stdout  # empty if there is none
    mirror = os.environ.get("UV_DEFAULT_INDEX", of_pip)
    index = {"UV_DEFAULT_INDEX": mirror.strip()} if mirror.strip() else {}
    uv = Path(sys.executable).with_name("uv")
    done = subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", venv.folder, f"{wheel}[{EXTRAS}]"],
        cwd=venv.work,
        env=plain_environment() | index | {"UV_SYSTEM_CERTS": "true"},
        capture_output=True,
        text=True,
        timeout=_INSTALL_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    share_bytecode(venv)
    return venv


def share_bytecode(venv: Venv) -> None:
    """Copy the compiled modules of this environment: to compile them takes longer than what the tests run.

    Python compiles a module anew whose source has another size or time.
    """
    ours = Path(sysconfig.get_path("purelib"))
    (theirs,) = venv.folder.glob("lib/python*/site-packages")
    for compiled in ours.glob("**/__pycache__/*.pyc"):
        package = theirs / compiled.parents[1].relative_to(ours)
        if (package / f"{compiled.name.partition('.')[0]}.py").exists():
            (package / "__pycache__").mkdir(exist_ok=True)
            shutil.copyfile(compiled, package / "__pycache__" / compiled.name)


@by_each_pip
def test_the_base_install_is_small(light: Venv) -> None:
    packages = light.packages()
    assert "laban" in packages
    assert len(packages) <= MOST_PACKAGES, sorted(packages)


@by_each_pip
def test_the_base_install_says_how_to_use_it(light: Venv) -> None:
    for option in ("--help", "--version"):
        done = light.run("laban", option)
        assert (done.returncode, done.stderr) == (0, "")
        assert "laban" in done.stdout


@by_each_pip
def test_the_base_install_traces_a_program(light: Venv) -> None:
    program = """
import laban
from opentelemetry import trace
with trace.get_tracer("program").start_as_current_span("request"):
    laban.correlate(order_id="1001")
print(laban.__file__)
"""
    done = light.run(
        "laban", "run", "--", "python", "-c", program, environment={"OTEL_TRACES_EXPORTER": "console"}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert '"order.id": "1001"' in done.stdout
    assert str(light.folder) in done.stdout


@pytest.mark.parametrize("light", [NEWEST], indirect=True)
def test_a_library_without_its_extra_is_named_once(light: Venv) -> None:
    python = light.command("python")[0]
    with_a_child = f"import subprocess; subprocess.run([{python!r}, '-c', 'pass'], check=True)"
    in_a_program = "import laban; laban.setup(); laban.setup()"
    nowhere = {"OTEL_TRACES_EXPORTER": "none"}
    line = "laban: pika is installed but not traced: pip install 'laban[pika]'\n"
    light.install("--no-deps", "pika")
    for command in (
        ["laban", "run", "--", python, "-c", with_a_child],
        ["python", "-c", in_a_program],
        ["opentelemetry-instrument", python, "-c", with_a_child],
    ):
        done = light.run(*command, environment=nowhere | {"OTEL_PYTHON_DISTRO": "laban"})
        assert (done.returncode, done.stderr) == (0, line)


@by_each_pip
def test_bootstrap_installs_what_is_missing(light: Venv) -> None:
    light.install("--no-deps", "redis", "aio-pika")
    wanted = {f"opentelemetry-instrumentation-{name}" for name in ("aio-pika", "redis")}
    before = light.packages()
    assert not before & wanted
    listed = light.run("laban", "bootstrap", "--json")
    assert (listed.returncode, listed.stderr) == (0, "")
    of_laban, *pinned = json.loads(listed.stdout)["needed"]
    assert "aio-pika" in of_laban
    done = light.run("laban", "bootstrap", "--install")
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["Installed."]), done.stderr
    assert light.packages() >= before | wanted
    assert {f"{package.name}=={package.version}" for package in light.installed()} >= set(pinned) != set()
    assert light.run("laban", "bootstrap").stdout.endswith("Nothing is missing.\n")


def test_the_collector_serves_and_stops(full: Venv) -> None:
    free = [part for name in ("--otlp-grpc", "--otlp-http", "--api") for part in (name, "127.0.0.1:0")]
    with started(full, "laban", "serve", "--json", *free) as process:
        assert process.stdout
        api = json.loads(process.stdout.readline())["api"]
        httpx.get(f"http://{api}/readyz").raise_for_status()
        process.send_signal(signal.SIGTERM)
        assert process.wait(_STOP_S) == 0


def test_the_demo_shows_every_hop(full: Venv) -> None:
    done = full.run("laban", "demo", "--once", "--orders", "3", "--json")
    assert done.returncode == 0, done.stderr
    assert "not traced" not in done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    assert len(summary["orders"]) == 3
    assert {edge["protocol"] for edge in summary["edges"]} == {"http", "grpc", "kafka"}
    assert summary["spans"] >= 3 * 14  # REST in, two calls out and their servers, two sends, seven processes


def test_the_dashboard_answers_and_stops(full: Venv) -> None:
    database = full.work / "laban.duckdb"  # left by the collector
    port = free_port()
    with started(full, "laban", "dashboard", "--db", str(database), "--port", str(port)) as process:
        # Retries while nobody listens yet, each after a longer pause.
        with httpx.Client(transport=httpx.HTTPTransport(retries=9), timeout=60) as client:
            client.get(f"http://127.0.0.1:{port}/_stcore/health").raise_for_status()
        process.send_signal(signal.SIGTERM)
        assert process.wait(_STOP_S) == 0


@pytest.mark.parametrize("pip", [OLDEST, NEWEST])
def test_extras_resolve(resolutions: Reports, pip: str) -> None:
    done = resolutions[pip].result()
    assert done.returncode == 0, done.stderr
    names = {package["metadata"]["name"] for package in json.loads(done.stdout)["install"]}
    assert {"laban", "opentelemetry-instrumentation-grpc"} <= names


@contextmanager
def started(venv: Venv, name: str, *arguments: str) -> Generator[subprocess.Popen[str]]:
    """A process whose output can be read; ended when the block ends, whatever happened."""
    with (
        (venv.work / "stderr.txt").open("w") as log,
        subprocess.Popen(
            venv.command(name, *arguments),
            cwd=venv.work,
            env=plain_environment(),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()
