"""A report as JUnit XML, which CI servers show as tests: a rule that found nothing is a test that passed.

There is no standard; this is the part that Jenkins, GitLab and GitHub's viewers read in the same way.
"""

from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from laban_mapper.printable import printable
from laban_mapper.reports.report import Report, ReportItem, ReportRule


def to_junit(report: Report) -> str:
    """One suite. Items that make the check fail are failures, others are skipped tests with the reason."""
    items = sorted(report.items, key=lambda item: item.code)
    found = {code: list(group) for code, group in groupby(items, key=lambda item: item.code)}
    cases = [_passed(report, rule) for rule in report.rules if rule.code not in found]
    cases += [_case(report, item) for item in items]
    failures = sum(map(report.fails, items))
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="{len(items) - failures}"'
    notes = "".join(f"{printable(note)}\n" for note in (report.verdict, *report.notes))
    return "".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>\n',
            f'<testsuites name={_attribute(report.command)} tests="{len(cases)}" failures="{failures}">\n',
            f'  <testsuite name={_attribute(report.title)} {counts} time="0">\n',
            *cases,
            f"    <system-out>{escape(notes)}</system-out>\n",
            "  </testsuite>\n</testsuites>\n",
        )
    )


def _passed(report: Report, rule: ReportRule) -> str:
    return f"    <testcase {_names(report, rule.code, rule.name)} name={_attribute(rule.name)}/>\n"


def _case(report: Report, item: ReportItem) -> str:
    names = _names(report, item.code, item.name)
    if report.fails(item):
        kind = f"type={_attribute(item.code)}"
        inner = f"<failure message={_attribute(item.sentence)} {kind}>{escape(_details(item))}</failure>"
    else:
        reason = item.sentence if item.accepted is None else f"{item.accepted}: {item.sentence}"
        inner = f"<skipped message={_attribute(reason)}/>"
    return f"    <testcase {names} name={_attribute(item.place)}>{inner}</testcase>\n"


def _names(report: Report, code: str, name: str) -> str:
    words = report.command.replace(" ", ".")
    return f"classname={_attribute(f'{words}.{code} {name}')}"


def _details(item: ReportItem) -> str:
    lines = [item.sentence]
    if item.file is not None:
        lines.append(item.file if item.line is None else f"{item.file}:{item.line}")
    if item.advice is not None:
        lines.append(item.advice)
    lines += [f"{name}: {_number(value)}" for name, value in item.numbers.items()]
    lines += [f"proof: laban trace {trace}" for trace in item.traces]
    return "\n".join(map(printable, lines))


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,g}"


def _attribute(text: str) -> str:
    return quoteattr(printable(text))
