"""Keeps DuckDB from importing pandas, which takes a second, when it binds a value."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _WithoutPandas(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is blocked: nothing here uses it", name=fullname)
        return None


def block_pandas() -> None:
    """Report pandas as not installed in this process."""
    sys.meta_path.insert(0, _WithoutPandas())
