"""Starts the dashboard: replaces this process with Streamlit and passes the answer source."""

import errno
import os
import socket
import sys
from pathlib import Path

from laban_dashboard.answer_source import DB_VARIABLE, URL_VARIABLE
from laban_dashboard.errors import PortTaken

APP = Path(__file__).with_name("app.py")
PORTS_TRIED = 20


def launch(url: str | None, db: Path | None, host: str = "127.0.0.1", port: int = 8501) -> int:
    """Serve the dashboard, which queries the collector at `url` or the database `db`.

    This process becomes the Streamlit process (exec), so a signal stops it and leaves no child behind.
    Without `url` and `db`, the source is discovered as in the CLI.

    Returns:
            2 if no port is available; otherwise the function does not return.
    """
    try:
        chosen = free_port(host, port)
    except PortTaken as error:
        print(f"laban dashboard: {error}", file=sys.stderr)  # noqa: T201 - CLI output
        return 2
    if port and chosen != port:
        print(f"laban dashboard: {host}:{port} is in use; using port {chosen}.", file=sys.stderr)  # noqa: T201
    print(f"laban dashboard: http://{_browser_host(host)}:{chosen}", file=sys.stderr)  # noqa: T201
    sys.stderr.flush()
    command = streamlit_command(host, chosen)
    return os.execve(command[0], command, os.environ | environment(url, db))  # noqa: S606 - no shell


def streamlit_command(host: str, port: int) -> list[str]:
    """Return the command that serves the app on this address."""
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(APP),
        f"--server.address={host}",
        f"--server.port={port}",
        f"--browser.serverAddress={_browser_host(host)}",
        # Against DNS rebinding: a foreign page must not read the answers through a name of its own.
        *(f"--server.allowedHosts={name}" for name in _allowed_hosts(host)),
    ]


def environment(url: str | None, db: Path | None) -> dict[str, str]:
    """Return the environment variables that tell the app its answer source."""
    variables: dict[str, str] = {}
    if url is not None:
        variables[URL_VARIABLE] = url
    if db is not None:
        variables[DB_VARIABLE] = str(db.absolute())
    return variables


def free_port(host: str, port: int) -> int:
    """Return the first free port from `port` on; any free port if it is 0.

    Raises:
            PortTaken: none of the ports is available on this host.
    """
    for candidate in [0] if port == 0 else range(port, port + PORTS_TRIED):
        try:
            with socket.create_server((host, candidate)) as server:
                return int(server.getsockname()[1])
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror}.") from error
    raise PortTaken(
        f"{host}:{port} and the next {PORTS_TRIED - 1} ports are in use; set another one with --port."
    )


def _browser_host(host: str) -> str:
    """Return the host name that a browser on this machine uses to reach `host`."""
    return "localhost" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound


def _allowed_hosts(host: str) -> list[str]:
    """Return the accepted Host headers; `*` if bound to all addresses."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return ["*"]
    return sorted({"localhost", "127.0.0.1", "[::1]", host})
