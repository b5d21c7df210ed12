"""The tools about findings: what is wrong with how the services talk, and what a rule means."""

from functools import partial
from typing import Annotated, Final

from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from laban_app.answers.protocol import TraceAnswers
from laban_app.mcp.arguments import Cursor, Since, Until, start_of
from laban_app.mcp.asking import Asking, InvalidArgument, time_of
from laban_app.mcp.data_text import harmless
from laban_app.mcp.reply import Fact, PageReply, Reply, Told, Words, safe, told_facts, told_page
from laban_app.mcp.server import Registry
from laban_mapper.findings.explaining import explained
from laban_mapper.findings.find import at_least
from laban_mapper.findings.registry import RULES, rule_of
from laban_mapper.model import Finding, Severity
from laban_mapper.times import format_duration

_SENTENCE: Final = 110
_ADVICE: Final = 90
_RULE: Final = 250

LeastSeverity = Annotated[Severity, Field(description="The mildest findings to list.")]
Code = Annotated[
    str, Field(min_length=1, max_length=64, description="The code or the name of a rule, such as L001.")
]
OnlyCode = Annotated[
    str | None, Field(max_length=64, description="Only findings of this rule, by code or name.")
]


class FindingReply(BaseModel):
    """A finding; `traces` prove it."""

    code: str
    name: str
    severity: Severity
    place: str
    sentence: str
    advice: str
    traces: list[str]
    ignored: str | None = None


class FindingsReply(PageReply):
    """A page of the findings, the worst first."""

    since: str
    until: str
    score: float | None = None
    looked_at_traces: int
    of_traces: int
    items: list[FindingReply]


class RuleReply(Reply):
    """A rule."""

    code: str
    name: str
    severity: Severity
    why: str
    compares: str
    limits: list[str] | None = None
    advice: str
    example: str | None = None


def add_findings(registry: Registry, asking: Asking) -> None:
    """Add the tools."""

    @registry.tool(
        title="Findings about the architecture",
        description="What is wrong with how the services talk: deep chains of calls, single points of "
        "failure, retry storms, missing consumers, poison messages and more; each with numbers, proof "
        "traces and what to do. Use it for 'is this a distributed monolith', for risks, and after an "
        "incident.",
    )
    async def findings(
        severity: LeastSeverity = "info",
        code: OnlyCode = None,
        since: Since = None,
        until: Until = None,
        cursor: Cursor = None,
    ) -> Annotated[CallToolResult, FindingsReply]:
        return await asking.tell(lambda answers: _findings(answers, severity, code, since, until, cursor))

    @registry.tool(
        title="Explain a rule of the findings",
        description="What a rule such as L001 compares, with which limits, why it matters, and what to "
        "do. Use it if a user asks what a finding means.",
    )
    async def explain_finding(code: Code) -> Annotated[CallToolResult, RuleReply]:
        return await asking.tell(lambda _: _rule(code), settled=False)


def _findings(
    answers: TraceAnswers,
    severity: Severity,
    code: str | None,
    since: str | None,
    until: str | None,
    cursor: str | None,
) -> Told:
    start = start_of(cursor)
    wanted = None if code is None else _code_of(code)
    found = answers.findings(time_of(since), time_of(until))
    shown = [one for one in at_least(found.findings, severity) if wanted in (None, one.code)]
    looked = found.looked_at
    words = Words()
    if shown:
        words.next.extend(["explain_finding with a code", "explain_order with key=trace for a proof trace"])
    if found.left_out:
        words.left_out.append(f"{found.left_out:,} findings of rules that found very many")
    if looked.too_large:
        words.left_out.append(f"{looked.too_large:,} traces that are too large to be judged")
    if not looked.all_entries:
        words.left_out.append("traces of rare entry operations: the busiest were judged")
    if not looked.complete:
        words.left_out.append("some of what follows from the judged traces")
    score = "unknown" if found.score is None else f"{found.score:.2f} of 1"
    return told_page(
        shown,
        start,
        _line,
        _finding,
        partial(
            FindingsReply,
            since=f"{found.since:%Y-%m-%dT%H:%M:%SZ}",
            until=f"{found.until:%Y-%m-%dT%H:%M:%SZ}",
            score=found.score,
            looked_at_traces=looked.traces,
            of_traces=looked.of,
        ),
        head=[
            (
                f"{len(shown):,} findings, {found.since:%Y-%m-%d %H:%M:%S} to "
                f"{found.until:%Y-%m-%d %H:%M:%S} UTC "
                f"({format_duration((found.until - found.since).total_seconds() * 1000)}); they rest on "
                f"{looked.calls:,} calls and messages, and on {looked.traces:,} of {looked.of:,} traces"
            ),
            f"distributed-monolith score: {score}",
        ],
        words=words,
        empty="no finding; that says little if few traces were looked at",
    )


def _code_of(text: str) -> str:
    rule = rule_of(text)
    if rule is None:
        known = ", ".join(f"{rule.code} {rule.name}" for rule in RULES)
        raise InvalidArgument(f"{text!r} is no rule. The rules are {known}.")
    return rule.code


def _line(finding: Finding) -> str:
    shown = _finding(finding)
    ignored = f" (ignored: {shown.ignored})" if shown.ignored else ""
    proofs = f" Proof: trace {' '.join(shown.traces)}." if shown.traces else ""
    return (
        f"{shown.severity.upper()} {shown.code} {shown.name}, {shown.place}{ignored}: {shown.sentence}. "
        f"To do: {shown.advice}{proofs}"
    )


def _finding(finding: Finding) -> FindingReply:
    return FindingReply(
        code=finding.code,
        name=finding.name,
        severity=finding.severity,
        place=safe(finding.place),
        sentence=harmless(finding.sentence, _SENTENCE),
        advice=harmless(finding.advice, _ADVICE),
        traces=[safe(trace) for trace in finding.traces[:2]],
        ignored=safe(finding.ignored) if finding.ignored else None,
    )


def _rule(text: str) -> Told:
    rule = rule_of(_code_of(text))
    assert rule is not None  # noqa: S101 - for mypy: the code is of a rule
    told = explained(rule)
    limits = [harmless(f"{one.name} = {one.default:g}: {one.description}") for one in told.thresholds]
    why, compares, advice = (harmless(text, _RULE) for text in (told.why, told.compares, told.advice))
    head = f"{told.code} {told.name} ({told.severity})"
    facts = [
        Fact("rule", head, {"code": told.code, "name": told.name, "severity": told.severity}),
        Fact("why", why, {"why": why}),
        Fact("compares", compares, {"compares": compares}),
        Fact("to do", advice, {"advice": advice}),
    ]
    if limits:
        facts.append(
            Fact("limits, in the table findings of laban.toml", "; ".join(limits), {"limits": limits}, need=1)
        )
    if told.example:
        facts.append(Fact("example", harmless(told.example), {"example": harmless(told.example)}, need=2))
    return told_facts(facts, RuleReply, Words(next=["findings with this code"]), 1_000)
