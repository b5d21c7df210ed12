"""Starts the dashboard: one process, Streamlit, told where to ask."""

import errno
import os
import socket
import sys
from pathlib import Path

from laban_dashboard.errors import PortTaken
from laban_dashboard.place import DB_VARIABLE, URL_VARIABLE

APP = Path(__file__).with_name("app.py")
PORTS_TRIED = 20


def launch(url: str | None, db: Path | None, host: str = "127.0.0.1", port: int = 8501) -> int:
    """Serve the dashboard until it is stopped, asking the collector at `url` or the database `db`.

    This process becomes Streamlit's (exec), so whoever started it stops it by a signal and leaves nothing
    running. With neither `url` nor `db`, the place is found as the CLI finds it.

    Returns:
        2 when no port could be had; otherwise it does not return.
    """
    try:
        chosen = free_port(host, port)
    except PortTaken as error:
        print(f"laban dashboard: {error}", file=sys.stderr)  # noqa: T201 - the CLI's own words
        return 2
    if port and chosen != port:
        print(f"laban dashboard: {host}:{port} is in use; taking {chosen}.", file=sys.stderr)  # noqa: T201
    print(f"laban dashboard: http://{_shown(host)}:{chosen}", file=sys.stderr)  # noqa: T201
    sys.stderr.flush()
    command = streamlit_command(host, chosen)
    return os.execve(command[0], command, os.environ | environment(url, db))  # noqa: S606 - no shell


def streamlit_command(host: str, port: int) -> list[str]:
    """The command that serves the app on this address."""
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(APP),
        f"--server.address={host}",
        f"--server.port={port}",
        f"--browser.serverAddress={_shown(host)}",
        # A page of another origin must not read the answers by rebinding a name to this address.
        *(f"--server.allowedHosts={name}" for name in _names(host)),
    ]


def environment(url: str | None, db: Path | None) -> dict[str, str]:
    """How the app learns where to ask; variables that the app's process gets on top of the present ones."""
    found: dict[str, str] = {}
    if url is not None:
        found[URL_VARIABLE] = url
    if db is not None:
        found[DB_VARIABLE] = str(db.absolute())
    return found


def free_port(host: str, port: int) -> int:
    """The first free port from `port` on; with 0, any free one.

    Raises:
        PortTaken: none of them can be had on this host.
    """
    for candidate in [0] if port == 0 else range(port, port + PORTS_TRIED):
        try:
            with socket.create_server((host, candidate)) as server:
                return int(server.getsockname()[1])
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror}.") from error
    raise PortTaken(
        f"{host}:{port} and the {PORTS_TRIED - 1} ports after it are in use; choose one by --port."
    )


def _shown(host: str) -> str:
    """The name under which this machine's browser reaches `host`."""
    return "localhost" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound


def _names(host: str) -> list[str]:
    """The Host names that are answered; all of them when bound to every address."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return ["*"]
    return sorted({"localhost", "127.0.0.1", "[::1]", host})
