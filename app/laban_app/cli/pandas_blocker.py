"""Keeps a command that answers quick."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

_UNWANTED: Final = "pandas"


class _Absent(MetaPathFinder):
    """Says that a module is not installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname == _UNWANTED:
            raise ModuleNotFoundError(f"{fullname} is kept out to start quickly", name=fullname)
        return None


def without_pandas() -> None:
    """Let nothing import pandas from here on.

    To bind a value DuckDB imports pandas where it can, which takes longer than all else that a command does
    (0.7 of 1.6 s). No command that answers uses it.
    """
    if not any(isinstance(finder, _Absent) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Absent())
