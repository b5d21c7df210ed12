"""The `laban demo` command."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, get_args

import typer

from laban_samples.demo.run import DemoOptions, run_demo
from laban_samples.errors import BadFault
from laban_samples.faults.parsing import ServiceFault, parse_service_fault
from laban_samples.runtime.settings import Style


def demo(
    style: Annotated[
        str,
        typer.Option(
            metavar="STYLE",
            help="monolith: all calls are synchronous; hybrid: services also react to events.",
        ),
    ] = "hybrid",
    orders: Annotated[int, typer.Option(metavar="N", min=1, help="Number of orders to send first.")] = 30,
    rate: Annotated[
        float | None,
        typer.Option(
            metavar="PER_SECOND",
            min=0.01,
            help="Orders per second. [default: 5 for the first ones, then 1; with --once: 10]",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Seed for the random mix of customers and orders.")
    ] = 7,
    first_id: Annotated[int, typer.Option(metavar="N", min=1, help="ID of the first order.")] = 1001,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SERVICE:FAULT[=VALUE]", help="Break something, such as user:latency=3s. Repeatable."
        ),
    ] = None,
    kafka: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Kafka cluster to use, secured as LABAN_KAFKA_* say. [default: an embedded broker]",
        ),
    ] = None,
    topic_prefix: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Prefix of all topics. [default with --kafka: laban-demo.]"),
    ] = None,
    group_prefix: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Prefix of all consumer groups. [default with --kafka: laban-demo.]"
        ),
    ] = None,
    once: Annotated[
        bool,
        typer.Option("--once", help="Send the orders, wait until all messages are consumed, then stop."),
    ] = False,
    db: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Database file for the spans. [default: a new one in .laban/runs]"),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="With --once: print a summary of the run as JSON.")
    ] = False,
) -> None:
    """Start the sample shop with tracing, a collector and the dashboard.

    Orders flow over REST, gRPC and Kafka until you press Ctrl-C. With --once, the demo waits up to 30 s for
    the consumers and lists the messages that they left. It exits 1 if no consumer with a fault explains them.
    """
    if json and not once:
        raise typer.BadParameter("--json requires --once")
    options = DemoOptions(
        style=_style(style),
        orders=orders,
        rate=rate,
        seed=seed,
        first_id=first_id,
        faults=_faults(fault or ()),
        kafka=kafka,
        topic_prefix=topic_prefix,
        group_prefix=group_prefix,
        once=once,
        json_output=json,
        db=db,
    )
    raise typer.Exit(run_demo(options))


def _style(text: str) -> Style:
    styles: tuple[Style, ...] = get_args(Style)
    for style in styles:
        if text == style:
            return style
    raise typer.BadParameter(f"'{text}' is none of {', '.join(styles)}", param_hint="--style")


def _faults(texts: Sequence[str]) -> tuple[ServiceFault, ...]:
    try:
        return tuple(parse_service_fault(text) for text in texts)
    except BadFault as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from error
