"""Runs uv in tests, with the settings of pip, as `share_mirror` in `run` does."""

import os
import subprocess
import sys
from pathlib import Path


def uv(*arguments: str | Path, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run uv of the environment of this process, and return its output."""
    return subprocess.run(
        [Path(sys.executable).with_name("uv"), *arguments],
        env=_settings(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def _settings() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LABAN_", "OTEL_"))}
    kept.pop("VIRTUAL_ENV", None)
    index = os.environ.get("UV_DEFAULT_INDEX") or _index_of_pip()
    return kept | ({"UV_DEFAULT_INDEX": index} if index else {}) | {"UV_SYSTEM_CERTS": "true"}


def _index_of_pip() -> str:
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
