"""The `laban serve` command."""

from pathlib import Path
from typing import Annotated

import typer

from laban_app.cli import terminal
from laban_collector.settings import load_settings


def serve(
    db: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Database file. [default: laban.duckdb]")
    ] = None,
    otlp_grpc: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Address for OTLP/gRPC. [default: 127.0.0.1:4317]"),
    ] = None,
    otlp_http: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Address for OTLP/HTTP. [default: 127.0.0.1:4318]"),
    ] = None,
    api: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Address for the HTTP API. [default: 127.0.0.1:4320]"),
    ] = None,
    kafka: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Kafka brokers to poll for consumer lag. LABAN_KAFKA_* say how to log in, and what to read.",
        ),
    ] = None,
    lag_interval: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Time between two lag polls. [default: 5]")
    ] = None,
    keys: Annotated[
        str | None,
        typer.Option(
            metavar="RULES",
            help="Business key rules, such as order.id=route:order_id|kafka.key:orders*",
        ),
    ] = None,
    retention: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="Delete spans older than this, such as 7d. [default: keep all]"),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Delete the oldest spans when the database grows beyond this, such as 20GB. "
            "[default: no limit]",
        ),
    ] = None,
    json: terminal.Json = False,
) -> None:
    """Start the collector: it stores spans and answers questions.

    Spans arrive over OTLP. Each setting is taken from the command line, else from a LABAN_* variable, else
    from laban.toml, else the default applies. Port 0 takes any free port.
    """
    from laban_app.server.allocator import share_one_allocator

    share_one_allocator()
    from laban_app.server import process

    settings = load_settings(
        db=db,
        otlp_grpc=otlp_grpc,
        otlp_http=otlp_http,
        api=api,
        kafka=kafka,
        lag_interval=lag_interval,
        keys=keys,
        retention=retention,
        max_size=max_size,
    )
    process.serve(settings, as_json=json)
