# pyright bundles stubs of kafka-python 2.3 and takes them before the library, though 3.x has other names.
# This hides them: kafka-python is untyped to pyright, as to mypy. Drop it when pyright's follow 3.x.
from typing import Any

def __getattr__(name: str) -> Any: ...
