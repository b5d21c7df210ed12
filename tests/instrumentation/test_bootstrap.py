"""`laban bootstrap` lists the libraries of an environment, and what traces them, or would."""

import json
from importlib.metadata import version
from typing import Any

import pytest
from opentelemetry.instrumentation import bootstrap_gen
from packaging.requirements import Requirement

from laban import bootstrap, missing_extras

from .test_missing_extras import Environment, installed

__all__ = ["installed"]

CORE = version("opentelemetry-instrumentation")
FLASK = f"opentelemetry-instrumentation-flask=={CORE}"


@pytest.fixture(autouse=True)
def core(installed: Environment) -> None:
    """OpenTelemetry's core, which every laban has, and pip."""
    installed.install("opentelemetry-instrumentation", version=CORE)
    (installed.folder / "pip.py").touch()


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        bootstrap.bootstrap(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert run("--json") == 0
    answered: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answered


def statuses(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    return {each["library"]: each["status"] for each in answer(capsys)["libraries"]}


def test_a_library_without_its_instrumentation_is_listed_with_the_pinned_package(
    installed: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.install("Flask", version="3.1")
    answered = answer(capsys)
    assert answered["libraries"] == [
        {
            "library": "flask",
            "version": "3.1",
            "status": "missing",
            "instrumentations": [
                {
                    "package": "opentelemetry-instrumentation-flask",
                    "requirement": FLASK,
                    "supports": ">=1.0",
                    "version": None,
                    "extra": None,
                }
            ],
        }
    ]
    assert answered["needed"] == [FLASK]
    assert answered["command"] == f"pip install {FLASK}"


def test_extras_of_laban_are_used_where_there_are(
    installed: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.install("flask", "grpcio", "aiohttp", version="3.1")
    assert run() == 0
    last = capsys.readouterr().out.splitlines()[-2:]
    assert last == ["To trace aiohttp, flask, grpcio:", f"pip install 'laban[aiohttp,grpc]' {FLASK}"]


def test_extras_alone_keep_the_installed_version_of_opentelemetry(
    installed: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.install("pika")
    assert answer(capsys)["needed"] == ["laban[pika]", f"opentelemetry-instrumentation=={CORE}"]


def test_a_traced_library_needs_nothing(installed: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    installed.install("redis", version="6.2")
    installed.install("opentelemetry-instrumentation-redis", version=CORE)
    assert run() == 0
    said = capsys.readouterr().out
    assert f"redis    6.2      redis {CORE}\n" in said
    assert said.endswith("\nNothing is missing.\n")
    assert answer(capsys)["command"] is None


def test_one_of_two_packages_is_not_enough(
    installed: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.install("aiohttp", version="3.13")
    installed.install("opentelemetry-instrumentation-aiohttp-client", version=CORE)
    assert statuses(capsys) == {"aiohttp": "missing"}


@pytest.mark.parametrize(
    ("library", "number", "status"),
    [
        ("sqlalchemy", "9.9", "unsupported"),
        ("elasticsearch", "8.13.1", "traced"),
        ("elasticsearch", "8.12.0", "unsupported"),
        ("nats-py", "2.9", "traced"),
        ("jinja2", "3.1", "optional"),
        ("psycopg2-binary", "2.9", "missing"),
        ("PyMySQL", "1.1", "missing"),
        ("django", "6.0rc1", "missing"),
    ],
)
def test_the_version_and_the_kind_of_a_library_decide(
    installed: Environment, capsys: pytest.CaptureFixture[str], library: str, number: str, status: str
) -> None:
    installed.install(library, version=number)
    assert list(statuses(capsys).values()) == [status]
    assert run() == 0
    said = capsys.readouterr().out
    assert ("pip install" in said) == (status == "missing")
    assert all(len(line) <= 80 for line in said.splitlines() if "pip install" not in line)


@pytest.mark.parametrize(
    ("package", "status"),
    [
        ("opentelemetry-exporter-http-transport", "optional"),
        ("requests", "optional"),
        ("botocore", "optional"),
        ("shop", "missing"),
    ],
)
def test_urllib3_is_needed_if_a_package_without_spans_of_its_own_uses_it(
    installed: Environment, capsys: pytest.CaptureFixture[str], package: str, status: str
) -> None:
    installed.install("urllib3", version="2.5")
    installed.install(package, requires="urllib3>=2", version="1.40")
    assert statuses(capsys)["urllib3"] == status


def test_an_environment_without_libraries(installed: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    assert capsys.readouterr().out == "No library that can be traced is installed here.\n"
    assert answer(capsys) == {"libraries": [], "needed": [], "command": None}
    assert run("--install") == 0


def test_installing_without_an_installer_fails_with_the_reason(
    installed: Environment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed.install("flask", version="3.1")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("sys.executable", str(installed.folder / "python"))
    (installed.folder / "pip.py").unlink()
    assert run("--install") == bootstrap.FAILED
    assert "neither pip nor uv" in capsys.readouterr().err


def test_a_failed_installation_is_a_failure(
    installed: Environment, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed.install("flask", version="3.1")
    refusing = installed.folder / "python"
    refusing.write_text("#!/bin/sh\necho no network; exit 9\n")
    refusing.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(refusing))
    assert run("--install") == bootstrap.FAILED
    said = capfd.readouterr()
    assert said.out == ""
    assert "no network\n" in said.err
    assert "(exit code 9, see above)" in said.err


def test_wrong_use_exits_2() -> None:
    assert run("--instal", "flask") == 2


def test_every_extra_installs_packages_of_opentelemetrys_list() -> None:
    listed = {Requirement(entry["instrumentation"]).name for entry in bootstrap_gen.libraries}
    listed |= {Requirement(text).name for text in bootstrap_gen.default_instrumentations}
    assert {package for traced in missing_extras.LIBRARIES for package in traced.packages} <= listed


def test_the_lists_of_exceptions_name_what_opentelemetry_lists_or_not() -> None:
    names = {Requirement(entry["library"]).name for entry in bootstrap_gen.libraries}
    assert names >= bootstrap.NO_CALLS
    assert names.isdisjoint(bootstrap.BY_THEMSELVES)
