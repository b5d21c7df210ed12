import os
import subprocess
import sys

_SERVE = """
import sys
from laban_app.cli import serve_command
from laban_app.server import allocator

allocator.share_one_allocator()
assert "pyarrow" not in sys.modules, "too late: Arrow has chosen its allocator"
from laban_app.server import process
import pyarrow as pa

print(pa.default_memory_pool().backend_name)
"""


def backend(variables: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _SERVE], env=os.environ | variables, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_arrow_uses_the_allocator_of_the_c_library() -> None:
    assert backend({}) == "system"


def test_a_user_may_choose_another_allocator_for_arrow() -> None:
    assert backend({"ARROW_DEFAULT_MEMORY_POOL": "mimalloc"}) == "mimalloc"
