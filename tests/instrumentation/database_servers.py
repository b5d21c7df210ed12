"""PostgreSQL and Redis, each started for the tests on a free port, and stopped after them."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ..broker import free_port

_START_S = 60


@contextmanager
def redis_server() -> Generator[str]:
    """The URL of an empty Redis without a file."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs Redis: apt install redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        ready = [Path(program).with_name("redis-cli"), "-e", "-p", str(port), "ping"]
        with _running([program, *options], ready):
            yield f"redis://127.0.0.1:{port}"


@contextmanager
def postgresql_server(*databases: str) -> Generator[str]:
    """The URL of a PostgreSQL with these databases, without the name of one: `…:5432/`."""
    programs = _postgresql_programs()
    if programs is None:
        pytest.skip("needs PostgreSQL: apt install postgresql")
    port = free_port()
    # PostgreSQL refuses to run as root.
    account: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory() as folder:
        if account:
            shutil.chown(folder, **account)
        data = Path(folder, "data")
        initialize: list[Any] = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "shop",
            "--auth=trust",
            "--no-sync",
            "--locale=C",
        ]
        subprocess.run(initialize, check=True, stdout=subprocess.DEVNULL, cwd=folder, **account)
        options = [
            "-D",
            data,
            "-p",
            str(port),
            "-k",
            folder,
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "fsync=off",
        ]
        address = ["-h", "127.0.0.1", "-p", str(port), "-U", "shop"]
        ready = [programs / "pg_isready", *address]
        with _running([programs / "postgres", *options], ready, cwd=folder, **account):
            for name in databases:
                subprocess.run([programs / "createdb", *address, name], check=True)
            yield f"postgresql://shop@127.0.0.1:{port}/"


def _postgresql_programs() -> Path | None:
    """The folder of PostgreSQL's programs; Debian has it off PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else folders[-1] if folders else None


@contextmanager
def _running(command: list[Any], ready: list[Any], **options: Any) -> Generator[None]:
    """A server, from when the command `ready` exits with 0."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        deadline = time.monotonic() + _START_S
        while subprocess.run(ready, capture_output=True, check=False).returncode:
            assert process.poll() is None, f"{command[0]} has ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{command[0]} does not answer"
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
