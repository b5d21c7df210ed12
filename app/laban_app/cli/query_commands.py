"""The commands that answer questions: order, story, trace, map, lag, status."""

import gc
from typing import Annotated

import typer

from laban_app.answers.discovery import open_answers
from laban_app.answers.protocol import TraceAnswers
from laban_app.answers.story_logs import told_with_logs, with_logs_last
from laban_app.cli import story_output, terminal, text_output
from laban_app.cli.terminal import Source, TimeRange

# What shows an answer is imported where it is used: the terminal library is slow to load.

Unseen = Annotated[
    bool, typer.Option("--unseen", help="Also show the callers that were not seen, as one node.")
]
WithLogs = Annotated[bool, typer.Option("--logs", help="With what was logged at each step.")]
AllSpans = Annotated[bool, typer.Option("--all", help="Show every span on a line of its own.")]


def order(
    source: Source,
    time_range: TimeRange,
    order_id: Annotated[str | None, typer.Argument(metavar="ID", help="Order ID.")] = None,
    trace_id: Annotated[
        str | None,
        typer.Option("--trace", metavar="ID", help="Explain this trace, whatever business keys it has."),
    ] = None,
    all_spans: AllSpans = False,
    logs: WithLogs = False,
    json: terminal.Json = False,
    form: story_output.Format = None,
    output: text_output.Output = None,
) -> None:
    """Explain what happened to an order.

    Exits 1 if the order is unknown.
    """
    if (order_id is None) == (trace_id is None):
        raise typer.BadParameter("give an order ID, or a trace ID with --trace")
    chosen = story_output.chosen_form(form, json=json)
    answers = _open(source)
    if trace_id is not None:
        if time_range.since or time_range.until:
            raise typer.BadParameter("--since and --until exclude --trace: a trace is explained whole")
        answer = answers.story_of_trace(trace_id)
    else:
        answer = answers.story("order", str(order_id), *time_range.bounds())
    answer = told_with_logs(answers, answer) if logs else answer
    story_output.put_story(answer, chosen, output, all_spans=all_spans, logs=logs)


def story(
    pair: Annotated[
        str, typer.Argument(metavar="KEY=VALUE", help="Business key and value, such as customer.id=c-7.")
    ],
    source: Source,
    time_range: TimeRange,
    all_spans: AllSpans = False,
    logs: WithLogs = False,
    json: terminal.Json = False,
    form: story_output.Format = None,
    output: text_output.Output = None,
) -> None:
    """Explain what happened to a business key.

    Exits 1 if the value is unknown.
    """
    key, separator, value = pair.partition("=")
    if not (key and separator and value):
        raise typer.BadParameter(f"'{pair}' is not KEY=VALUE, such as customer.id=c-7")
    chosen = story_output.chosen_form(form, json=json)
    answers = _open(source)
    answer = answers.story(key, value, *time_range.bounds())
    answer = told_with_logs(answers, answer) if logs else answer
    story_output.put_story(answer, chosen, output, all_spans=all_spans, logs=logs)


def trace(
    trace_id: Annotated[
        str, typer.Argument(metavar="ID", help="Trace ID: 32 hex digits, or 16; or a traceparent header.")
    ],
    source: Source,
    logs: WithLogs = False,
    json: terminal.Json = False,
) -> None:
    """Show one trace, whole.

    With --json, prints every span with all that was sent. Exits 1 if the trace is unknown.
    """
    answers = _open(source)
    if json and logs:
        terminal.write_json(with_logs_last(answers.trace_json(trace_id), lambda: answers.logs([trace_id])))
    elif json:
        terminal.write_json(answers.trace_json(trace_id))
    else:
        from laban_app.cli.trace_text import READ, show_trace

        shown = terminal.safe(answers.trace(trace_id, READ))
        show_trace(shown, terminal.stdout(), answers.logs([trace_id]) if logs else None)


def service_map(
    source: Source, time_range: TimeRange, unseen: Unseen = False, json: terminal.Json = False
) -> None:
    """Show which service calls which."""
    answer = _open(source).service_map(*time_range.bounds(), unseen=unseen)
    if json:
        terminal.print_json(answer)
    elif answer.edges or answer.callers_not_seen:
        from laban_app.cli.tables import show_map

        show_map(terminal.safe(answer), terminal.stdout())
    else:
        terminal.stderr().print(
            "No calls in this time range. Widen it (--since 7d), or see what is stored: laban status"
        )


def lag(
    source: Source,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Name the messages that wait, and what made the queue.")
    ] = False,
    json: terminal.Json = False,
) -> None:
    """Show how far behind each consumer group is."""
    answers = _open(source)
    answer = answers.waiting() if waiting else answers.lag()
    if json:
        terminal.print_json(answer)
    elif waiting and (answer.groups or answer.problems):
        from laban_app.cli.waiting_text import show_waiting

        show_waiting(terminal.safe(answer), terminal.stdout())
    elif answer.groups or answer.problems:
        from laban_app.cli.lag_text import show_lag

        show_lag(terminal.safe(answer), terminal.stdout())
    else:
        terminal.stderr().print(
            "No consumer lag is known: start the collector with `laban serve --kafka HOST:PORT`."
        )


def status(source: Source, json: terminal.Json = False) -> None:
    """Show what is stored and how the collector is doing."""
    answer = _open(source).status()
    if json:
        terminal.print_json(answer)
    else:
        from laban_app.cli.tables import show_status

        show_status(terminal.safe(answer), terminal.stdout())


def _open(source: Source) -> TraceAnswers:
    # The process ends with its answer. Searching what it has loaded for garbage, again and again, takes a
    # fifth of the time of a long story.
    gc.freeze()
    gc.set_threshold(200_000)
    return open_answers(source.url, source.db, source.token)
