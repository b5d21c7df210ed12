"""Tests the instrumentation with the oldest and the newest Python of this machine.

    .venv/bin/python -m tests.other_pythons

Each gets a fresh environment from the lock. The Python that `./run test` uses is left out. The tests that
need a server or an environment of their own are left out too: what may differ is the interpreter, its
bytecode, tasks and processes.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from .environments import uv

ROOT: Final = Path(__file__).parents[1]
OLDEST: Final = (3, 11)
_INSTALL_S: Final = 300
_TESTS_S: Final = 900
_VERSION: Final = "import sys; print(*sys.version_info[:2], sys.version_info.releaselevel)"

_FOLDER: Final = "tests/instrumentation"
_NEED_SERVERS: Final = (
    *("test_chain.py", "test_comparison.py", "messaging/kafka/test_kafka_python_2.py"),
    *(f"messaging/test_{client}*.py" for client in ("aio_pika", "celery", "nats", "pika", "rabbitmq", "sqs")),
)
_PYTEST: Final = (
    *("-q", "-n", "auto", "--dist", "loadfile", "-p", "no:cacheprovider"),
    *("-m", "not kafka and not install", "-k", "not transaction and not encoded_the_same"),
)

Version = tuple[int, int]


def main() -> int:
    """Test with each of the Pythons; returns 1 if a test fails, or if an environment cannot be made."""
    found = find_pythons(os.environ)
    chosen = choose(found, sys.version_info[:2])
    say(f"found {', '.join(map(text, sorted(found)))}")
    if not chosen:
        say("none of them is older or newer than that of ./run test")
    return max((test_with(found[version], version) for version in chosen), default=0)


def find_pythons(environment: Mapping[str, str]) -> dict[Version, Path]:
    """The released Pythons from 3.11 on, of PATH and of pyenv, by version."""
    found: dict[Version, Path] = {}
    for python in _candidates(environment):
        version = _version(python)
        if version is not None and version >= OLDEST:
            found.setdefault(version, python)
    return found


def choose(versions: Iterable[Version], tested: Version) -> list[Version]:
    """The oldest and the newest, without the one that is tested already."""
    known = sorted(versions)
    return sorted({known[0], known[-1]} - {tested}) if known else []


def test_with(python: Path, version: Version) -> int:
    """Run the tests in a fresh environment of this Python."""
    with TemporaryDirectory() as folder:
        problem = _install(python, Path(folder))
        if problem:
            say(f"cannot set up Python {text(version)}: {problem}")
            return 1
        say(f"testing with Python {text(version)}")
        left_out = [f"--ignore-glob={ROOT / _FOLDER / name}" for name in _NEED_SERVERS]
        done = subprocess.run(
            [f"{folder}/bin/python", "-m", "pytest", *_PYTEST, *left_out, _FOLDER],
            cwd=ROOT,
            timeout=_TESTS_S,
            check=False,
        )
        return min(done.returncode, 1)


def say(message: str) -> None:
    """Print to stderr, as `run` and `.ci/run` do."""
    sys.stderr.write(f"pythons: {message}\n")


def text(version: Version) -> str:
    """3.11, for example."""
    return ".".join(map(str, version))


def _candidates(environment: Mapping[str, str]) -> Iterable[Path]:
    for folder in environment.get("PATH", "").split(os.pathsep):
        yield from _pythons_in(Path(folder))
    pyenv = Path(environment.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for installed in sorted(pyenv.glob("versions/*/bin")):
        yield from _pythons_in(installed)


def _pythons_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("python3.*") if re.fullmatch(r"python3\.\d+", path.name))


def _version(python: Path) -> Version | None:
    """Its version; None if it does not start, as pyenv's shims of other versions, or is no release."""
    try:
        done = subprocess.run(
            [python, "-c", _VERSION], capture_output=True, text=True, timeout=30, check=False
        )
    except OSError:
        return None
    if done.returncode != 0:
        return None
    major, minor, level = done.stdout.split()
    return (int(major), int(minor)) if level == "final" else None


def _install(python: Path, folder: Path) -> str:
    """Make the environment; returns what went wrong, or nothing."""
    into = ("--quiet", "--python", folder)
    for arguments in (
        ("venv", "--quiet", "--python", python, folder),
        ("pip", "sync", *into, "--require-hashes", ROOT / "requirements-dev.txt"),
        ("pip", "install", *into, "--no-build-isolation", "--no-deps", "-e", ROOT),
    ):
        done = uv(*arguments, timeout=_INSTALL_S)
        if done.returncode != 0:
            return done.stderr.strip()
    return ""


if __name__ == "__main__":
    sys.exit(main())
