"""All rules on random spans, with all that goes wrong: shared ids, rings, lost parents, other clocks."""

import pytest

from laban_mapper.findings.find import find
from laban_mapper.findings.thresholds import Thresholds

from ..story.random_spans import random_spans
from .systems import system_of

EAGER = Thresholds(
    fewest=1,
    sync_depth=1,
    monolith_score=0.01,
    chatty_calls=2,
    spof_share=0.01,
    cascade_services=1,
    retry_factor=1.01,
    retry_attempts=2,
    circuit_failures=2,
    circuit_seconds=0.001,
)
"""Limits with which the rules find as much as possible."""


@pytest.mark.parametrize("first", range(0, 60, 6))
def test_every_rule_answers_and_proves_what_it_says(first: int) -> None:
    system = system_of([random_spans(seed) for seed in range(first, first + 6)], thresholds=EAGER)
    answer = find(system)
    sampled = {trace.trace_id for trace in system.traces}
    for one in answer.findings:
        assert one.sentence
        assert "None" not in one.sentence
        assert set(one.traces) <= sampled
        assert all(0 <= value <= 1 for name, value in one.numbers.items() if name.endswith("share"))
    assert answer == find(system)
    assert answer.score is None or 0 <= answer.score <= 1
