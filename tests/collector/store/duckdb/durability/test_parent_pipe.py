import subprocess
import sys

from laban_collector.store.duckdb.durability.parent_pipe import parent_pipe

WAITS = """
import threading
from laban_collector.store.duckdb.durability.parent_pipe import end_with_parent
end_with_parent()
print(flush=True)
threading.Event().wait()
"""


def test_a_child_ends_when_the_pipe_of_its_parent_closes() -> None:
    with parent_pipe() as pipe:
        child = subprocess.Popen([sys.executable, "-c", WAITS], stdin=pipe, stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        assert child.poll() is None
    with child:
        assert child.wait(30) == 1
