"""Which claim explains the outcome; the others are also seen."""

from collections.abc import Sequence
from typing import Final

from laban_mapper.model import CauseKind, Outcome
from laban_mapper.story.causes.facts import Claim, Facts

_OF_ERRORS: Final[tuple[CauseKind, ...]] = ("unreachable", "timed_out", "poison", "error")
_OF_GOOD: Final[tuple[CauseKind, ...]] = ("published_twice", "out_of_order", "missing", "slow", "retried")
_ORDER: Final[dict[Outcome, tuple[CauseKind, ...]]] = {
    "failed": (*_OF_ERRORS, "stuck", "slow", "missing"),
    "waiting": ("stuck",),
    "incomplete": ("missing", "stuck"),
    "ok_with_errors": (*_OF_ERRORS, *_OF_GOOD),
    "ok": _OF_GOOD,
}
"""The kinds that can explain an outcome, the most specific first."""


def ranked(claims: Sequence[Claim], facts: Facts, outcome: Outcome) -> tuple[Claim | None, list[Claim]]:
    """The claim that explains the outcome, if any does, and the others in the order to tell them."""
    waited = {id(claim.spans[0]) for claim in claims if claim.kind == "timed_out"}
    told = [claim for claim in claims if claim.kind != "slow" or id(claim.spans[0]) not in waited]
    by_rank = sorted(told, key=lambda claim: _key(claim, facts, outcome))
    if by_rank and _explains(by_rank[0], facts, outcome):
        return by_rank[0], by_rank[1:]
    return None, by_rank


def _explains(claim: Claim, facts: Facts, outcome: Outcome) -> bool:
    if outcome == "failed":
        return bool(facts.failed) and any(span is facts.failed[0] for span in claim.explains)
    return claim.kind in _ORDER[outcome]


def _key(claim: Claim, facts: Facts, outcome: Outcome) -> tuple[bool, int, float]:
    kinds = (*_ORDER[outcome], *_OF_ERRORS, *_OF_GOOD, "stuck")
    # Slow steps and attempts in vain both cost time, in ns: what cost more explains more.
    place = kinds.index("slow" if claim.kind == "retried" else claim.kind)
    return not _explains(claim, facts, outcome), place, -claim.weight
