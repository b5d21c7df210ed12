"""Runs `laban` in processes that have imported it already: imports it once, and forks for each command.

A process of its own spends most of a command on imports, half a second to two; a fork takes milliseconds. All
else is as with `python -m laban`: each command has its own arguments, environment, folder, standard streams,
signals and exit code. What depends on the start itself, such as what a command imports and how much memory it
takes, needs a process started anew.

It must not start a thread: a fork copies only the thread that forks.
"""

import array
import gc
import json
import os
import pkgutil
import socket
import struct
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import duckdb

from laban.commands import command_names, find_command

PACKAGES: Final = ("laban_collector", "laban_mapper", "laban_app")
MORE: Final = ("httpx", "kafka", "mcp.server.streamable_http_manager", "networkx", "uvicorn", "uvloop")
"""What functions of these packages import when they run."""
MAX_REQUEST: Final = 1_000_000
STREAMS: Final = 3
"""Standard input, output and error."""
REPORTED: Final = struct.Struct("i")
"""Of each command first the id of its process, then its exit code, as `subprocess` gives it."""


def main() -> None:
    """Fork for each request of the socket that is standard input; return only in the process of a command."""
    for name in (*_modules(), *MORE):
        import_module(name)
    for name in command_names():
        find_command(name)
    duckdb.close()  # its default connection, which nobody uses, has a thread
    gc.collect()
    gc.freeze()  # no collection of a command touches, and so copies, the memory of what is loaded
    requests = socket.socket(fileno=os.dup(0))
    for request, descriptors in _received(requests):
        if os.fork() == 0:
            requests.close()
            _become(request, descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        _reap()
    os._exit(0)


def _modules() -> Iterator[str]:
    for package in PACKAGES:
        found = pkgutil.walk_packages(import_module(package).__path__, f"{package}.")
        yield from (module.name for module in found)


def _received(requests: socket.socket) -> Iterator[tuple[dict[str, Any], list[int]]]:
    while True:
        size = array.array("i").itemsize * (STREAMS + 1)
        body, ancillary, _, _ = requests.recvmsg(MAX_REQUEST, socket.CMSG_SPACE(size))
        if not body:  # the client has ended
            return
        descriptors = array.array("i")
        for _, _, data in ancillary:
            descriptors.frombytes(data)
        yield json.loads(body), list(descriptors)


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    """Become the process of a command; its parent reports its id and its exit code to the last descriptor."""
    *streams, report = descriptors
    pid = os.fork()
    if pid:
        for descriptor in (0, 1, 2, *streams):
            os.close(descriptor)
        os.write(report, REPORTED.pack(pid))
        os.write(report, REPORTED.pack(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
        os._exit(0)
    os.close(report)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[1:] = request["arguments"]


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    main()
    import_module("laban.__main__").main()
