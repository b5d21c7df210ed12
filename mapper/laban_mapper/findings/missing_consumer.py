"""L023: a group that used to process a topic, and has processed none of the newest messages."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from laban_mapper.findings.evidence import Sent, messages, proofs
from laban_mapper.findings.facts import Found, Rule, System
from laban_mapper.model import GroupState
from laban_mapper.names import counted
from laban_mapper.spans import NS_PER_S

_USUALLY: Final = 0.95
"""The share of messages that a group must have processed before."""
_IN_A_ROW: Final = 5
"""Messages without a span of the group after which it is missing: at 95 %, 1 in 3 million by chance."""
_SETTLED: Final = 60.0
"""Seconds after which the spans of a consumer have come."""
_WAITS: Final = 3
"""A message is judged if it is older than the longest wait that was seen, times this."""


class _Known(NamedTuple):
    sent: Sent
    state: GroupState | None


def _find(system: System) -> Iterator[Found]:
    by_topic: dict[str, list[Sent]] = {}
    for sent in messages(system):
        by_topic.setdefault(sent.topic, []).append(sent)
    for topic, found in by_topic.items():
        found.sort(key=lambda sent: sent.at)
        groups = {d.state.group for sent in found for d in sent.published.deliveries if d.attempts}
        for group in sorted(groups):
            known = [_Known(sent, _state(sent, group)) for sent in found]
            missed = _missed(known, system.now / NS_PER_S)
            before = known[: len(known) - len(missed)]
            processed = sum(_is_processed(one) for one in before)
            usual = len(before) >= system.thresholds.fewest and processed >= _USUALLY * len(before)
            if usual and len(missed) >= _IN_A_ROW:
                yield _found(topic, group, missed, before)


def _state(sent: Sent, group: str) -> GroupState | None:
    return next((state for state in sent.published.message.groups if state.group == group), None)


def _is_processed(one: _Known) -> bool:
    return one.state is not None and one.state.state not in {"waiting", "untraced", "unseen"}


def _missed(known: Sequence[_Known], now: float) -> list[_Known]:
    """The newest messages that the group should have processed by now, and of which it has no span."""
    longest = max((one.state.wait_ms or 0 for one in known if one.state is not None), default=0) / 1000
    limit = now - max(_SETTLED, _WAITS * longest)
    missed: list[_Known] = []
    for one in reversed(known):
        if one.sent.at > limit:
            continue
        if _is_processed(one) or (one.state is not None and one.state.state == "waiting"):
            break
        missed.append(one)
    return missed


def _found(topic: str, group: str, missed: Sequence[_Known], before: Sequence[_Known]) -> Found:
    committed = sum(one.state is not None and one.state.state == "untraced" for one in missed)
    more = f"; it has committed {counted(committed, 'of them', 'of them')}" if committed else ""
    return Found(
        place=f"{topic} → group {group}",
        sentence=f"{group} has processed none of the newest {counted(len(missed), 'sampled message')} of "
        f"{topic}, "
        f"but {sum(map(_is_processed, before)):,} of the {len(before):,} before{more}",
        numbers={"missed": len(missed), "committed": committed, "before": len(before)},
        traces=proofs(one.sent.trace for one in missed),
    )


RULE = Rule(
    code="L023",
    name="missing-consumer",
    severity="error",
    why="A consumer that silently does not run fails no request: only what should follow is missing.",
    advice="Check that the consumer runs, is traced, and does not skip the messages; it may also have lost "
    "its subscription.",
    find=_find,
    compares="The sampled messages of a topic in the order in which they were published: those that a group "
    "usually processed before, with the newest ones, of which it processed none.",
    thresholds=("fewest",),
    example="mail has processed none of the newest 12 sampled messages of orders, but 38 of the 38 before",
)
