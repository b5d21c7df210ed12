"""L025: messages of one key that were processed in another order than published."""

from collections.abc import Iterator

from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.names import counted
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.causes.out_of_order import out_of_order


def _find(system: System) -> Iterator[Found]:
    found: dict[tuple[str, str], list[tuple[SampledTrace, Claim]]] = {}
    looked_at = 0
    for trace in system.traces:
        if len(trace.messages) < 2:
            continue
        looked_at += 1
        facts = Facts(trace.causality, trace.root, messages=trace.messages)
        for claim in out_of_order(facts):
            found.setdefault((claim.service, claim.operation), []).append((trace, claim))
    for (service, operation), claims in sorted(found.items()):
        # A claim that explains spans saw the wrong order; another one only saw that nothing keeps the order.
        wrong = [one for one in claims if one[1].explains]
        example = (wrong or claims)[0][1].sentence
        traces = {trace.trace_id for trace, _ in wrong or claims}
        yield Found(
            place=f"{service} {operation}",
            sentence=f"in {counted(len(traces), 'trace')} of {looked_at:,} with several messages, for "
            "example: "
            f"{example}",
            numbers={"traces": len(traces), "of": looked_at},
            traces=proofs(trace for trace, _ in wrong or claims),
            severity="warning" if wrong else "info",
        )


RULE = Rule(
    code="L025",
    name="out-of-order",
    severity="warning",
    why="A consumer that sees an update before the creation, or an old state after a new one, stores the "
    "wrong state.",
    advice="Give all messages about one thing the same key and the same topic, publish them one after the "
    "other, and process a partition in one thread.",
    find=_find,
    compares="The order in which messages of one trace were published with the order in which a consumer "
    "processed them. It is a warning if a consumer was seen to process them in another order.",
    example="in 4 traces of 50 with several messages, for example: email processed payments before orders",
)
