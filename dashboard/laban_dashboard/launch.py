"""Starts the dashboard: replaces this process with Streamlit and passes the answer source."""

import errno
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from laban_collector.errors import BadSettings
from laban_collector.settings import load_settings
from laban_dashboard.answer_source import BESIDE_VARIABLE, DB_VARIABLE, URL_VARIABLE
from laban_dashboard.errors import BadSource, DashboardError, PortTaken
from laban_dashboard.login import check_exposure

APP = Path(__file__).with_name("app.py")
PORTS_TRIED = 20
_NEVER = 10**9
"""Bytes that no message has."""


def launch(
    url: str | None,
    db: Path | None,
    host: str = "127.0.0.1",
    port: int = 8501,
    beside: Sequence[str] = (),
) -> int:
    """Serve the dashboard, which queries the collector at `url` or the database `db`.

    This process becomes the Streamlit process (exec), so a signal stops it and leaves no child behind.
    Without `url` and `db`, the source is discovered as in the CLI.

    Args:
        url: of the collector.
        db: the database.
        host: the address to listen on.
        port: the first port to try.
        beside: `NAME=FILE` or `NAME=URL`: what the page Compare can compare with.

    Returns:
            2 if no port is available, or if other machines could see all data; otherwise the function does
            not return.
    """
    try:
        check_exposure(host, load_settings())
        variables = environment(url, db, named_sources(beside))
        chosen = free_port(host, port)
    except (DashboardError, BadSettings) as error:
        print(f"laban dashboard: {error}", file=sys.stderr)  # noqa: T201 - CLI output
        return 2
    if port and chosen != port:
        print(f"laban dashboard: {host}:{port} is in use; using port {chosen}.", file=sys.stderr)  # noqa: T201
    print(f"laban dashboard: http://{_browser_host(host)}:{chosen}", file=sys.stderr)  # noqa: T201
    sys.stderr.flush()
    command = streamlit_command(host, chosen)
    return os.execve(command[0], command, os.environ | variables)  # noqa: S606 - no shell


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
        # Browser and server sometimes disagree on which messages the browser has kept; then the page stops.
        f"--global.minCachedMessageSize={_NEVER}",
        # Against DNS rebinding: a foreign page must not read the answers through a name of its own.
        *(f"--server.allowedHosts={name}" for name in _allowed_hosts(host)),
    ]


def named_sources(texts: Sequence[str]) -> dict[str, str]:
    """Return the files (absolute) and URLs that can be compared with, by name.

    Raises:
        BadSource: a text is not `NAME=FILE` or `NAME=URL`, or there is no such file.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, source = text.partition("=")
        if not (equals and name.strip() and source.strip()):
            raise BadSource(f"--beside {text}: write NAME=FILE or NAME=URL, such as before=before.duckdb.")
        if not source.lower().startswith(("http://", "https://")):
            if not Path(source).is_file():
                raise BadSource(f"--beside {text}: there is no file {source}.")
            source = str(Path(source).absolute())
        found[name.strip()] = source
    return found


def environment(url: str | None, db: Path | None, beside: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment variables that tell the app its answer sources."""
    variables: dict[str, str] = {}
    if url is not None:
        variables[URL_VARIABLE] = url
    if db is not None:
        variables[DB_VARIABLE] = str(db.absolute())
    if beside:
        variables[BESIDE_VARIABLE] = json.dumps(beside)
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
