"""The `laban dashboard` command."""

from typing import Annotated

import typer

from laban_app.cli import terminal
from laban_dashboard.launch import launch


def dashboard(
    db: terminal.Db = None,
    url: terminal.Url = None,
    host: Annotated[str, typer.Option(metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", help="First port to try; 0 takes any free port.")
    ] = 8501,
) -> None:
    """Open the dashboard: service map, orders, latency and lag."""
    raise typer.Exit(launch(url, db, host, port))
