"""Hides the value of `--token` in the list of processes, which every user of the machine can read."""

import ctypes
import logging
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from laban_collector.secret_values import remember

_log = logging.getLogger(__name__)

_OPTION: Final = "--token"
_ARGUMENTS: Final = 45
"""The place of `arg_start` in /proc/self/stat, counted after the name of the program; proc(5) calls it 48."""


def hide_secret_arguments(arguments: Sequence[str]) -> None:
    """Overwrite the values in the memory from which Linux shows the arguments; elsewhere do nothing."""
    secrets = [remember(secret) for secret in _secrets(arguments) if secret]
    if not secrets or sys.platform != "linux":
        return
    try:
        shown = Path("/proc/self/cmdline").read_bytes()
        fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
        start = int(fields.split()[_ARGUMENTS])
    except (OSError, ValueError, IndexError) as error:  # no /proc
        _log.debug("The arguments stay visible: %s", error)
        return
    if start:  # 0 if this process may not know
        for secret in map(str.encode, secrets):
            _overwrite(shown, secret, start)


def _overwrite(shown: bytes, secret: bytes, start: int) -> None:
    """Overwrite a whole argument, or the value in `--token=VALUE`."""
    for before in (b"\0", f"{_OPTION}=".encode()):
        at = shown.find(before + secret + b"\0")
        if at >= 0:
            ctypes.memset(start + at + len(before), ord("*"), len(secret))


def _secrets(arguments: Sequence[str]) -> list[str]:
    following = [value for name, value in pairwise(arguments) if name == _OPTION]
    return following + [one.partition("=")[2] for one in arguments if one.startswith(f"{_OPTION}=")]
