# pyright prefers its bundled stubs of kafka-python 2.3 to the installed library, but 3.x has other names.
# This file hides those stubs: pyright, like mypy, then sees no types of kafka-python. Delete this file when
# pyright's stubs match 3.x.
from typing import Any

def __getattr__(name: str) -> Any: ...
