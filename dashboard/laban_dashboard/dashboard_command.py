"""The `laban dashboard` command."""

from pathlib import Path
from typing import Annotated

import typer

from laban_dashboard.launch import launch


def dashboard(
    db: Annotated[Path | None, typer.Option("--db", metavar="FILE", help="Database file to query.")] = None,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="API of the collector to query.")
    ] = None,
    host: Annotated[str, typer.Option(metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", help="First port to try; 0 takes any free port.")
    ] = 8501,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            "--beside",
            metavar="NAME=SOURCE",
            help="A database file, or a collector's URL, that the page Compare can compare with. Repeatable.",
        ),
    ] = None,
) -> None:
    """Open the dashboard: service map, orders, latency and lag.

    If a token is set (LABAN_TOKEN), the dashboard asks for it. To listen beyond this machine, it needs a
    token, or Streamlit's own login.
    """
    raise typer.Exit(launch(url, db, host, port, beside or ()))
