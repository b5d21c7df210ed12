"""The commands that run something: serve, dashboard, demo, run."""

from pathlib import Path
from typing import Annotated

import typer

from laban_app.cli import options
from laban_collector.settings import load_settings


def serve(
    db: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The database. [default: laban.duckdb]")
    ] = None,
    otlp_grpc: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="OTLP over gRPC. [default: 127.0.0.1:4317]")
    ] = None,
    otlp_http: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="OTLP over HTTP. [default: 127.0.0.1:4318]")
    ] = None,
    api: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="The HTTP API. [default: 127.0.0.1:4320]")
    ] = None,
    kafka: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Kafka brokers whose consumer lag to poll.")
    ] = None,
    lag_interval: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Between two polls of the lag. [default: 5]")
    ] = None,
    keys: Annotated[
        str | None,
        typer.Option(metavar="RULES", help="Business keys: order.id=route:order_id|kafka.key:orders*"),
    ] = None,
    retention: Annotated[
        str | None, typer.Option(metavar="AGE", help="Keep spans this long: 7d. [default: for ever]")
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Delete the oldest spans beyond this: 20GB. [default: never]"),
    ] = None,
    json: options.Json = False,
) -> None:
    """Receive spans (OTLP), keep them in DuckDB, and answer questions about them.

    Settings: arguments, then LABAN_* variables, then laban.toml, then defaults. Port 0: a free one.
    """
    from laban_app.server import serve as server

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
    server.serve(settings, as_json=json)


def dashboard(
    db: options.Db = None,
    url: options.Url = None,
    host: Annotated[str, typer.Option(metavar="HOST", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", help="The first port to try; 0: any free one.")] = 8501,
) -> None:
    """Open the dashboard: the map, orders, latency and lag."""
    from laban_dashboard.launch import launch

    raise typer.Exit(launch(url, db, host, port))


def traced(context: typer.Context) -> None:
    """Start a Python program, traced: laban run -- CMD."""
    # `laban.__main__` gets there first, without the server part; here it stands for the list of commands.
    from laban.running import run

    run(context.args)


def demo(
    style: Annotated[
        str, typer.Option(metavar="STYLE", help="monolith: all calls wait for each other; hybrid: events.")
    ] = "hybrid",
    orders: Annotated[int, typer.Option(metavar="N", min=1, help="How many orders to begin with.")] = 30,
    rate: Annotated[
        float | None, typer.Option(metavar="PER_SECOND", help="Orders a second. [default: 5, with --once 10]")
    ] = None,
    seed: Annotated[int, typer.Option(help="What the mix of customers and orders is drawn from.")] = 7,
    first_id: Annotated[int, typer.Option(metavar="N", min=1, help="The number of the first order.")] = 1001,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE:FAULT[=VALUE]", help="Break something: user:latency=3s. Repeatable."),
    ] = None,
    kafka: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="A real cluster. [default: an embedded broker]")
    ] = None,
    topic_prefix: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Before all topics. [default with --kafka: laban-demo.]"),
    ] = None,
    group_prefix: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Before all groups. [default with --kafka: laban-demo.]"),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Send the orders, wait until all is consumed, stop.")
    ] = False,
    db: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to keep the spans.")] = None,
    json: Annotated[bool, typer.Option("--json", help="With --once: one JSON object about the run.")] = False,
) -> None:
    """Start the shop, traced, with a collector and the dashboard: orders flow before your eyes."""
    # The shop is not part of the server.
    from laban_samples.demo.run import DemoOptions, run_demo
    from laban_samples.errors import BadFault
    from laban_samples.faults.parsing import parse_service_fault

    if json and not once:
        raise typer.BadParameter("--json goes with --once")
    if style not in {"monolith", "hybrid"}:
        raise typer.BadParameter(f"'{style}' is neither monolith nor hybrid", param_hint="--style")
    try:
        faults = tuple(parse_service_fault(text) for text in fault or ())
    except BadFault as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from error
    options = DemoOptions(
        style="monolith" if style == "monolith" else "hybrid",
        orders=orders,
        rate=rate,
        seed=seed,
        first_id=first_id,
        faults=faults,
        kafka=kafka,
        topic_prefix=topic_prefix,
        group_prefix=group_prefix,
        once=once,
        json_output=json,
        db=db,
    )
    raise typer.Exit(run_demo(options))
