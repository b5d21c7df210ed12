"""Stock instrumentations and the libraries that they trace, in a folder of their own."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from .processes import LABAN, PROGRAMS, environment

REQUIREMENTS = Path(__file__).parent / "requirements-stock.txt"


@pytest.fixture(scope="session")
def stock(pytestconfig: pytest.Config) -> Path:
    """The folder, to be put on PYTHONPATH; created once per requirements file."""
    assert pytestconfig.cache is not None
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    folder = pytestconfig.cache.mkdir("stock") / digest[:12]
    if not folder.exists():
        making = folder.with_name(f"{folder.name}-{uuid4().hex}")
        install(making)
        try:
            making.rename(folder)  # complete or not at all
        except OSError:  # another worker was first
            shutil.rmtree(making)
    return folder


def install(folder: Path) -> None:
    configured = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    of_pip = subprocess.run(configured, capture_output=True, text=True, check=False).stdout.strip()
    mirror = os.environ.get("UV_DEFAULT_INDEX", of_pip)
    options = ["--quiet", "--no-deps", "--require-hashes", "--target", str(folder)]
    done = subprocess.run(
        [Path(sys.executable).with_name("uv"), "pip", "install", *options, "--requirement", REQUIREMENTS],
        env=os.environ | {"UV_SYSTEM_CERTS": "true"} | ({"UV_DEFAULT_INDEX": mirror} if mirror else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"the stock packages cannot be had from the package index: {done.stderr}")


def path(*folders: Path) -> dict[str, str]:
    """The environment in which programs find these folders, and the modules of `programs/stock`."""
    return {"PYTHONPATH": os.pathsep.join(map(str, (*folders, PROGRAMS / "stock")))}


class BothWays:
    """A command run twice at once: as it is, and under `laban run`."""

    def __init__(
        self, command: list[str], traced: list[str], variables: dict[str, str], cwd: Path | None = None
    ) -> None:
        self._processes = [
            subprocess.Popen(
                each,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment(variables),
                cwd=cwd,
            )
            for each in (command, [str(LABAN), "run", "--", *traced])
        ]

    def results(self, timeout: float = 90) -> list[tuple[int, str, str]]:
        """Exit code, output and errors of both."""
        try:
            outputs = [process.communicate(timeout=timeout) for process in self._processes]
        finally:
            for process in self._processes:
                process.kill()
                process.wait()
        codes = [process.returncode for process in self._processes]
        return [(code, *output) for code, output in zip(codes, outputs, strict=True)]
