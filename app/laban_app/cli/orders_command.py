"""The command that lists orders."""

from typing import TYPE_CHECKING, Annotated, Final, get_args

import typer

from laban_app.answers.discovery import open_answers
from laban_app.cli import terminal
from laban_app.cli.terminal import Source
from laban_mapper.model import CauseKind
from laban_mapper.orders import MOST, OrderFilter, OrdersQuestion, Sort

if TYPE_CHECKING:
    from laban_mapper.model import Orders

_KINDS: Final = ", ".join(get_args(CauseKind))

Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Start of the time range: 15m, 2h, 7d (ago) or ISO 8601. [default: any time]",
    ),
]


def orders(
    source: Source,
    failed: Annotated[bool, typer.Option("--failed", help="Only orders that failed.")] = False,
    slow: Annotated[bool, typer.Option("--slow", help="Only orders that something made slow.")] = False,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Only orders with a message that waits in a queue.")
    ] = False,
    service: Annotated[
        str | None,
        typer.Option("--service", metavar="NAME", help="Only orders that this service took part in."),
    ] = None,
    cause: Annotated[
        str | None,
        typer.Option("--cause", metavar="KIND", help=f"Only orders with such a cause: {_KINDS}."),
    ] = None,
    since: Since = None,
    until: terminal.Until = None,
    key: Annotated[
        str, typer.Option("--key", metavar="KEY", help="The business key, or its first part.")
    ] = "order",
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=1000, help="The most orders to list.")
    ] = 50,
    sort: Annotated[str, typer.Option("--sort", metavar="ORDER", help="newest or worst first.")] = "newest",
    json: terminal.Json = False,
) -> None:
    """List the newest orders, or the worst.

    --failed, --slow and --waiting together list orders for which one of them is true.
    """
    only = OrderFilter(failed, slow, waiting, service, _cause(cause))
    asked = OrdersQuestion(key, only, limit, _sort(sort))
    bounds = terminal.TimeRange(since, until).bounds()
    answers = open_answers(source.url, source.db, source.token)
    answer = answers.orders(asked, *bounds)
    if json:
        terminal.print_json(answer)
    elif answer.orders:
        from laban_app.cli.orders_text import show_orders

        show_orders(terminal.safe(answer), asked, terminal.stdout())
    else:
        hint = "" if service is None else terminal.did_you_mean(service, answers.status().services)
        text = _nothing(answer, asked, bounded=bounds != (None, None))
        terminal.stderr().print(f"{text} {hint}".strip(), highlight=False)


def _nothing(answer: "Orders", asked: OrdersQuestion, *, bounded: bool) -> str:
    if not answer.looked_at and bounded:
        return f"No {asked.key} in this time range. What is stored: laban status"
    if not answer.looked_at:
        return (
            f"No span carries a business key {asked.key}. Another key: --key. "
            "Where keys are found: LABAN_KEYS. What is stored: laban status"
        )
    examined = terminal.count(answer.looked_at, "order")
    older = f" There are older ones: name a time range (--until). At most {MOST:,} are examined at once."
    return f"None of the newest {examined} is like that.{older if answer.truncated else ''}"


def _cause(text: str | None) -> CauseKind | None:
    for known in get_args(CauseKind):
        if text == known:
            kind: CauseKind = known
            return kind
    if text is not None:
        raise typer.BadParameter(f"'{text}' is none of {_KINDS}", param_hint="--cause")
    return None


def _sort(text: str) -> Sort:
    for known in get_args(Sort):
        if text == known:
            sort: Sort = known
            return sort
    raise typer.BadParameter(f"'{text}' is none of {', '.join(get_args(Sort))}", param_hint="--sort")
