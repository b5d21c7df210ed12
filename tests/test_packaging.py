"""Checks what is committed and installed: the lock, the light base, the commands, no path of a machine."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from laban.commands import Command

from .base_install import closure

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements-dev.txt"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# A traced service must not have to install these.
HEAVY = frozenset({"duckdb", "grpcio", "kafka-python", "numba", "numpy", "pandas", "pyarrow", "streamlit"})

REGISTRY_HOST = re.compile(
    r"pypi\.org|files\.pythonhosted|registry\.npmjs|repo1?\.maven\.(org|apache)|deb\.debian\.org"
    r"|(index-url|find-links)[ =]+(https?|file):"
)
MACHINE_PATH = re.compile(r"(?<![\w.:/$}-])/(root|home|work|Users)/\w")


def locked() -> dict[str, str]:
    """Return the locked version of each package."""
    pins = re.findall(
        r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {canonicalize_name(name): version for name, version in pins}


def declared() -> list[Requirement]:
    """Return all requirements of pyproject.toml: base, extras and development."""
    project = PROJECT["project"]
    groups = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    ]
    requirements = [Requirement(text) for group in groups for text in group]
    return [requirement for requirement in requirements if requirement.name != project["name"]]


def committed_texts() -> list[tuple[str, str]]:
    """Return the path and text of each file that is committed or not ignored."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    return [
        (str(path.relative_to(ROOT)), path.read_text(encoding="utf-8", errors="ignore"))
        for path in paths
        if path.is_file() and not path.is_symlink()
    ]


def test_the_lock_names_no_host() -> None:
    text = LOCK.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*-", text.replace("    --hash=", "    hash="), re.MULTILINE)


def test_every_locked_package_carries_a_hash() -> None:
    blocks = re.split(r"\n(?=\S)", LOCK.read_text(encoding="utf-8").strip())
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_lock_has_a_matching_version_of_every_dependency() -> None:
    versions = locked()
    unfit = [
        str(requirement)
        for requirement in declared()
        if versions.get(canonicalize_name(requirement.name), "none") not in requirement.specifier
    ]
    assert unfit == []


def test_the_base_install_is_opentelemetry_and_wrapt() -> None:
    names = [Requirement(text).name for text in PROJECT["project"]["dependencies"]]
    assert [name for name in names if not name.startswith("opentelemetry-")] == ["wrapt"]


def test_the_base_install_is_small_and_nothing_heavy_follows_from_it() -> None:
    base: set[str] = {
        canonicalize_name(Requirement(text).name) for text in PROJECT["project"]["dependencies"]
    }
    packages = closure(base) | {"laban"}
    assert packages & HEAVY == set()
    assert len(packages) <= 25, sorted(packages)


def test_resolvers_choose_the_instrumentations_first() -> None:
    """See docs/decisions/0012: a requirement with `==` is chosen before the others, by pip 23.2 to 25.0."""
    chosen_first = {
        requirement.name
        for requirement in declared()
        if any(specifier.operator == "==" for specifier in requirement.specifier)
    }
    instrumentations = {
        requirement.name
        for requirement in declared()
        if requirement.name.startswith("opentelemetry-instrumentation-")
    }
    assert chosen_first == instrumentations


def test_every_package_is_in_the_wheel_and_typed() -> None:
    listed = {ROOT / folder for folder in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
    parts = ("instrumentation", "collector", "mapper", "app", "dashboard", "sample_services")
    there = {init.parent for part in parts for init in (ROOT / part).glob("*/__init__.py")}
    assert listed == there
    assert [folder.name for folder in listed if not (folder / "py.typed").is_file()] == []


def test_the_installed_command_prints_its_version() -> None:
    command = Path(sys.executable).with_name("laban")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert PROJECT["project"]["version"] in done.stdout


@pytest.mark.parametrize("group", list(PROJECT["project"]["entry-points"]))
def test_every_entry_point_can_be_loaded(group: str) -> None:
    for name in PROJECT["project"]["entry-points"][group]:
        (entry,) = entry_points(group=group, name=name)
        loaded = entry.load()
        assert callable(loaded.load() if isinstance(loaded, Command) else loaded)


@pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="not a git checkout: the committed files are unknown"
)
def test_no_committed_file_names_a_registry_or_a_path_of_a_machine() -> None:
    found = [
        f"{path}: {match.group()}"
        for path, text in committed_texts()
        for pattern in (REGISTRY_HOST, MACHINE_PATH)
        for match in pattern.finditer(text)
    ]
    assert found == []
