"""Runs a real RabbitMQ on free loopback ports, with all its files in one folder."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ...kafka.real_kafka import accepts, free_ports, stop, tail
from ..processes import environment

# Debian's wrapper `rabbitmq-server` switches to another user, who cannot write to the folder.
_DEBIAN = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_TIMEOUT = 90.0
POLL_INTERVAL = 0.1
MISSING = "no RabbitMQ: install it (Debian: rabbitmq-server)"
_PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"

SETTINGS = """\
listeners.tcp.1 = 127.0.0.1:{port}
log.console = true
log.console.level = warning
"""


class StartError(AssertionError):
    """The broker ended, or did not answer in time. The message contains the end of its log."""


def find_server() -> str | None:
    """The path of the program, or None."""
    return str(_DEBIAN) if _DEBIAN.exists() else shutil.which("rabbitmq-server")


@contextmanager
def running_rabbitmq(server: str, folder: Path) -> Generator[str]:
    """Run one broker with Erlang's port mapper, yield its amqp:// URL, and stop both at the end.

    Raises:
        StartError: it ended or did not answer within 90 s.
    """
    port, distribution_port, mapper_port = free_ports(3)
    settings = folder / "rabbitmq.conf"
    settings.write_text(SETTINGS.format(port=port), encoding="utf-8")
    (folder / "env.conf").touch()
    (folder / "plugins").write_text("[].", encoding="utf-8")
    ours = environment(
        {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"laban-{port}@localhost",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(distribution_port),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
            "RABBITMQ_CONFIG_FILE": str(settings),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            # One scheduler that sleeps when it has nothing to do: the machine also runs other tests.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none "
            "-kernel inet_dist_use_interface {127,0,0,1}",
        }
    )
    log = folder / "rabbitmq.log"
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb"))
        # Started here: a mapper that Erlang starts would outlive the tests.
        command = ["epmd", "-port", str(mapper_port), "-address", "127.0.0.1"]
        mapper = subprocess.Popen(command, stdout=output, stderr=output, env=ours)
        stack.callback(stop, mapper)
        wait_for(mapper, lambda: accepts(f"127.0.0.1:{mapper_port}"), log)
        broker = subprocess.Popen(
            [server], stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder, env=ours
        )
        stack.callback(stop, broker)
        wait_for(broker, lambda: speaks_amqp(port), log)
        yield f"amqp://guest:guest@127.0.0.1:{port}/"


def speaks_amqp(port: int) -> bool:
    """Whether a broker answers the protocol header."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(_PROTOCOL_HEADER)
            return bool(connection.recv(1))
    except OSError:
        return False


def wait_for(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path) -> None:
    """Wait until the process is ready; fail if it ends."""
    deadline = time.monotonic() + START_TIMEOUT
    while not is_ready():
        if process.poll() is not None:
            raise StartError(f"it ended with {process.returncode}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise StartError(f"it is not ready after {START_TIMEOUT:.0f} s:\n{tail(log)}")
        time.sleep(POLL_INTERVAL)
