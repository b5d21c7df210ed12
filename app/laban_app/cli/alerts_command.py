"""The command that shows what fires now, and prints the same conditions for Prometheus."""

from typing import Annotated, Literal

import typer

from laban_app.answers.alert_settings import alert_settings
from laban_app.answers.discovery import open_answers
from laban_app.answers.findings_settings import findings_settings
from laban_app.cli import terminal
from laban_app.cli.severities import SEVERITIES, severity_of
from laban_app.cli.terminal import Source
from laban_app.cli.text_output import Output, put_text
from laban_collector.settings import load_settings


def alerts(
    source: Source,
    what: Annotated[
        Literal["now", "rules"],
        typer.Argument(metavar="[now|rules]", help="What fires now, or the rules for Prometheus."),
    ] = "now",
    severity: Annotated[
        str,
        typer.Option("--severity", metavar="SEVERITY", help=f"The mildest alerts to show: {SEVERITIES}."),
    ] = "info",
    fail_on: Annotated[
        str | None,
        typer.Option(
            "--fail-on",
            metavar="SEVERITY",
            help="Exit with 1 if an alert of this severity or a worse one fires. [default: never]",
        ),
    ] = None,
    output: Output = None,
    json: terminal.Json = False,
) -> None:
    """Show what is wrong now, or print rules for Prometheus.

    laban.toml has the limits ([alerts], [objectives]), and whom a collector tells. `laban alerts rules >
    laban.rules.yml` writes the same conditions for Prometheus.
    """
    settings = load_settings(token=source.token)
    alerting, judged_by = alert_settings(settings), findings_settings(settings)
    if what == "rules":
        from laban_mapper.alerts.prometheus import rules_file

        put_text(rules_file(alerting.limits, judged_by.objectives, alerting.dashboard), output, "rules")
        return
    least = severity_of(severity, "--severity")
    fails_from = None if fail_on is None else severity_of(fail_on, "--fail-on")
    answer = open_answers(source.url, source.db, source.token, judged_by, alerting).alerts()

    from laban_mapper.findings.find import at_least

    kept = at_least(answer.alerts, least)
    shown = answer.model_copy(update={"alerts": kept})
    if json or output is not None:
        put_text(terminal.json_text(shown) + "\n", output, "alerts")
    else:
        from laban_app.cli.alerts_text import show_alerts  # the terminal library is slow to load

        show_alerts(shown, terminal.stdout())
    if fails_from is not None and at_least(kept, fails_from):
        raise typer.Exit(1)
