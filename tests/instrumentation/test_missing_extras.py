"""Installed libraries whose extra is missing are named in one line, with the command that installs it."""

import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from laban import missing_extras

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
EXTRAS: dict[str, list[str]] = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
NOT_OF_A_LIBRARY = {"all", "server", "demo", "threading", "mcp", "alerts"}
GRPC = "opentelemetry-instrumentation-grpc"


class Environment:
    """A folder of metadata as installers write it; the only place where packages are found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, *names: str, requires: str = "", requested: bool = False, version: str = "1.0") -> None:
        for name in names:
            info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
            info.mkdir()
            needed = f"Requires-Dist: {requires}\n" if requires else ""
            (info / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}\n"
            )
            if requested:
                (info / "REQUESTED").touch()


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    return Environment(tmp_path)


def said(capsys: pytest.CaptureFixture[str], **environment: str) -> str:
    missing_extras.warn(environment)
    return capsys.readouterr().err


def missing(environment: dict[str, str]) -> list[str]:
    return [traced.library for traced in missing_extras.find_missing(environment)]


def test_one_library_is_named_with_the_command(
    installed: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.install("grpcio")
    assert said(capsys) == "laban: grpcio is installed but not traced: pip install 'laban[grpc]'\n"


def test_several_libraries_share_one_line_and_one_command(
    installed: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.install("httpx", "httpx2", "boto3", "fastapi", "kafka-python", "nats-py")
    assert said(capsys) == (
        "laban: boto3, httpx and httpx2 are installed but not traced: pip install 'laban[httpx,sqs]'\n"
    )


def test_nothing_is_said_for_a_library_that_is_traced(
    installed: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.install("grpcio", GRPC)
    assert said(capsys) == ""


def test_a_library_is_traced_only_if_all_its_instrumentations_are_there(
    installed: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.install("aiohttp", "opentelemetry-instrumentation-aiohttp-client")
    assert "laban[aiohttp]" in said(capsys)
    installed.install("opentelemetry-instrumentation-aiohttp-server")
    assert said(capsys) == ""


@pytest.mark.parametrize(
    ("variable", "value", "missed"),
    [
        ("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "httpx", []),
        ("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "redis , httpx", []),
        ("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "*", []),
        ("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "requests", ["httpx"]),
        ("OTEL_SDK_DISABLED", "true", []),
        ("OTEL_SDK_DISABLED", "false", ["httpx"]),
    ],
)
def test_what_the_user_has_disabled_is_not_missed(
    installed: Environment, variable: str, value: str, missed: list[str]
) -> None:
    installed.install("httpx")
    assert missing({variable: value}) == missed


def test_a_library_is_disabled_only_with_all_its_instrumentations(
    installed: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.install("grpcio")
    names = ["grpc_client", "grpc_server", "grpc_aio_client", "grpc_aio_server"]
    assert said(capsys, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=",".join(names[:3])) != ""
    assert said(capsys, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=",".join(names)) == ""


def test_the_starlette_that_fastapi_brings_is_not_missed(
    installed: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.install("starlette")
    assert "laban[starlette]" in said(capsys)
    installed.install("fastapi", requires="starlette>=0.46")
    assert said(capsys) == ""


@pytest.mark.parametrize(
    ("package", "requirement", "missed"),
    [
        ("opentelemetry-exporter-otlp-proto-http", "requests~=2.7", []),
        ("shop", "requests>=2", ["requests"]),
        ("shop", "requests", ["requests"]),
        ("shop", "requests-oauthlib", []),
        ("shop", "requests; extra == 'http'", []),
    ],
)
def test_requests_is_missed_if_more_than_the_exporter_needs_it(
    installed: Environment, package: str, requirement: str, missed: list[str]
) -> None:
    installed.install("requests")
    installed.install(package, requires=requirement)
    assert missing({}) == missed


def test_requests_is_missed_if_the_user_has_installed_it_by_name(
    installed: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.install("requests", requested=True)
    assert "laban[requests]" in said(capsys)


def test_a_child_process_does_not_repeat_the_line(
    installed: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.install("grpcio")
    inherited: dict[str, str] = {}
    missing_extras.warn_once(inherited)
    assert capsys.readouterr().err != ""
    missing_extras.warn_once(inherited)
    assert capsys.readouterr().err == ""


def test_every_extra_of_a_library_is_listed_with_what_it_installs() -> None:
    declared = {
        extra: {Requirement(text).name for text in requirements}
        for extra, requirements in EXTRAS.items()
        if extra not in NOT_OF_A_LIBRARY
    }
    assert {traced.extra: set(traced.packages) for traced in missing_extras.LIBRARIES} == declared


def test_all_is_every_extra_of_a_traced_service() -> None:
    (everything,) = (Requirement(text) for text in EXTRAS["all"])
    assert everything.name == "laban"
    assert everything.extras == EXTRAS.keys() - {"all", "server", "demo", "mcp", "alerts"}


@pytest.mark.parametrize("traced", missing_extras.LIBRARIES, ids=lambda traced: traced.library)
def test_the_instrumentations_have_the_names_by_which_they_are_disabled(traced: Any) -> None:
    registered = {
        entry.name
        for package in traced.packages
        for entry in distribution(package).entry_points
        if entry.group == "opentelemetry_instrumentor"
    }
    assert set(traced.instrumentations) <= registered
    others = {
        name
        for other in missing_extras.LIBRARIES
        if other.extra == traced.extra
        for name in other.instrumentations
    }
    assert others == registered
