"""L005: callers that wait without a limit."""

from collections.abc import Iterator

from laban_mapper.findings.calls import Call, calls_of
from laban_mapper.findings.evidence import percentile, proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.findings.timeouts import timeout_of
from laban_mapper.findings.words import latency
from laban_mapper.names import counted


def _find(system: System) -> Iterator[Found]:
    known: dict[str, list[tuple[SampledTrace, Call]]] = {}
    without: dict[str, list[tuple[SampledTrace, Call]]] = {}
    for trace in system.traces:
        for call in calls_of(trace):
            timeout = timeout_of(call)
            if timeout is not None:
                known.setdefault(call.edge, []).append((trace, call))
                if timeout.ms is None:
                    without.setdefault(call.edge, []).append((trace, call))
    for edge, found in sorted(without.items()):
        times = [call.ms for _, call in found]
        caller, callee = found[0][1].caller.span.service, found[0][1].service
        yield Found(
            place=edge,
            sentence=f"{caller} calls {callee} without a timeout ({counted(len(found), 'sampled call')} of "
            f"{len(known[edge]):,}): {latency(times, system.thresholds.fewest)}",
            numbers={"calls": len(found), "of": len(known[edge]), "p95_ms": percentile(times, 0.95)},
            traces=proofs(trace for trace, _ in found),
        )


RULE = Rule(
    code="L005",
    name="no-timeout",
    severity="warning",
    why="If the callee hangs, the caller hangs with it, and then its callers: threads and connections run "
    "out.",
    advice="Set a timeout for the whole call, a little above the callee's p99. If nobody needs the answer "
    "now, publish an event instead.",
    find=_find,
    compares="The timeouts that the spans of callers tell (programs under `laban run`: httpx, requests, "
    "urllib3, aiohttp and gRPC). A call whose span says nothing is not judged.",
    example="order calls pricing without a timeout (30 sampled calls of 30): p50 12 ms, p95 40 ms",
)
