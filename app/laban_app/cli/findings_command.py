"""The command that shows what is wrong with how the services talk."""

import importlib.metadata
from typing import TYPE_CHECKING, Annotated

import typer

from laban_app.answers.discovery import open_answers
from laban_app.answers.findings_settings import findings_settings
from laban_app.cli import terminal
from laban_app.cli.report_output import Format, chosen_form, put_report
from laban_app.cli.severities import SEVERITIES, severity_of
from laban_app.cli.terminal import Source, TimeRange
from laban_app.cli.text_output import Output
from laban_collector.settings import load_settings

if TYPE_CHECKING:
    from laban_mapper.findings.facts import Rule
    from laban_mapper.model import Findings


def findings(
    source: Source,
    time_range: TimeRange,
    severity: Annotated[
        str,
        typer.Option("--severity", metavar="SEVERITY", help=f"The mildest findings to show: {SEVERITIES}."),
    ] = "info",
    fail_on: Annotated[
        str | None,
        typer.Option(
            "--fail-on",
            metavar="SEVERITY",
            help="Exit with 1 if there is a finding of this severity or a worse one. [default: never]",
        ),
    ] = None,
    form: Format = None,
    output: Output = None,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="CODE",
            help="Explain a rule, such as L001, instead: what it compares, and what to do.",
        ),
    ] = None,
    json: terminal.Json = False,
) -> None:
    """Show what is wrong with how the services talk.

    Rules judge the map, the lag and a sample of the traces of the time range. laban.toml has their limits,
    and what to ignore.
    """
    if explain is not None:
        _explain(explain, json=json)
        return
    chosen, least = chosen_form(form, json=json), severity_of(severity, "--severity")
    fails_from = None if fail_on is None else severity_of(fail_on, "--fail-on")
    judged_by = findings_settings(load_settings(token=source.token))
    answers = open_answers(source.url, source.db, source.token, judged_by)
    answer = answers.findings(*time_range.bounds())

    from laban_mapper.findings.find import at_least, ignored, in_order
    from laban_mapper.findings.reporting import report_of

    # A collector elsewhere does not know what this directory's laban.toml ignores.
    kept = at_least(in_order(ignored(answer.findings, judged_by.ignore)), least)
    shown: Findings = answer.model_copy(update={"findings": kept})
    report = report_of(shown, fails_from, importlib.metadata.version("laban"))
    put_report(report, lambda: terminal.json_text(shown), chosen, output)
    if report.failed:
        raise typer.Exit(1)


def _explain(name: str, *, json: bool) -> None:
    from laban_mapper.findings.registry import RULES, rule_of

    rule = rule_of(name)
    if rule is None:
        known = ", ".join(rule.code for rule in RULES)
        raise typer.BadParameter(f"'{name}' is no rule. The rules are {known}", param_hint="--explain")
    if json:
        from laban_mapper.findings.explaining import explained

        terminal.print_json(explained(rule))
        return
    _show(rule)


def _show(rule: "Rule") -> None:
    from laban_mapper.findings.explaining import explained

    told = explained(rule)
    console = terminal.stdout()
    console.print(f"{told.code} {told.name} ({told.severity})", highlight=False, style="bold")
    paragraphs = {
        "why": told.why,
        "compares": told.compares,
        "limits": "; ".join(f"{one.name} = {one.default:g}: {one.description}" for one in told.thresholds),
        "to do": told.advice,
        "example": told.example,
    }
    for head, text in paragraphs.items():
        if text:
            console.print()
            console.print(f"{head}: {text}", highlight=False, markup=False)
