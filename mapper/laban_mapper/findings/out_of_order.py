"""L025: messages of one key that were processed in another order than published."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.names import counted
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.causes.out_of_order import out_of_order


class _Claims(NamedTuple):
    """What was found at one place, in traces or in the messages of a key."""

    found: list[tuple[SampledTrace, Claim]]

    @property
    def wrong(self) -> list[tuple[SampledTrace, Claim]]:
        """Those that saw the wrong order; the others only saw that nothing keeps the order."""
        return [one for one in self.found if one[1].explains]


_Places = dict[tuple[str, str], _Claims]


def _find(system: System) -> Iterator[Found]:
    looked_at, in_traces = _places(system.traces)
    keys, of_keys = _places(system.keys)
    for place in sorted({*in_traces, *of_keys}):
        one, shared = in_traces.get(place, _Claims([])), of_keys.get(place, _Claims([]))
        if (shared.wrong and not one.wrong) or not one.found:
            yield _found(place, shared, "message key", keys)
        else:
            yield _found(place, one, "trace", looked_at)


def _found(place: tuple[str, str], claims: _Claims, what: str, of: int) -> Found:
    told = claims.wrong or claims.found
    number = len({trace.trace_id for trace, _ in told})
    return Found(
        place=" ".join(place),
        sentence=f"in {counted(number, what)} of {of:,} with several messages, for example: "
        f"{told[0][1].sentence}",
        numbers={f"{what.split()[-1]}s": number, "of": of},
        traces=proofs(trace for trace, _ in told),
        severity="warning" if claims.wrong else "info",
    )


def _places(traces: Iterable[SampledTrace]) -> tuple[int, _Places]:
    """How many traces have several messages, and the claims by service and operation."""
    found: _Places = {}
    looked_at = 0
    for trace in traces:
        if len(trace.messages) < 2:
            continue
        looked_at += 1
        facts = Facts(trace.causality, trace.root, messages=trace.messages)
        for claim in out_of_order(facts):
            found.setdefault((claim.service, claim.operation), _Claims([])).found.append((trace, claim))
    return looked_at, found


RULE = Rule(
    code="L025",
    name="out-of-order",
    severity="warning",
    why="A consumer that sees an update before the creation, or an old state after a new one, stores the "
    "wrong state.",
    advice="Give all messages about one thing the same key and the same topic, publish them one after the "
    "other, and process a partition in one thread.",
    find=_find,
    compares="The order in which messages of one trace, or of all traces that share a message key, were "
    "published with the order in which a consumer processed them, and with the order of the requests that "
    "published them. It is a warning if one was seen to be another.",
    example="in 4 traces of 50 with several messages, for example: email processed payments before orders",
)
