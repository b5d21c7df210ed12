"""What holds for the replay of every trace, on traces in which everything goes wrong."""

import pytest

from laban_mapper.profiles.steps import entry_roots
from laban_mapper.story.causality import Causality, without_other_messages
from laban_mapper.whatif.changes import Changes
from laban_mapper.whatif.event_graph import Node, graph_of, walk
from laban_mapper.whatif.habits import Habits
from laban_mapper.whatif.replay import Replay

from ..story.random_spans import random_spans

SEEDS = range(300)


def graphs(seed: int) -> list[Node]:
    causality = without_other_messages(Causality(random_spans(seed)))
    return [graph for root in entry_roots(causality) if (graph := graph_of(causality, root)) is not None]


@pytest.mark.parametrize("some", [SEEDS[at::4] for at in range(4)])
def test_without_a_change_everything_is_as_recorded(some: range) -> None:
    for seed in some:
        found = graphs(seed)
        replay = Replay(Habits(found))
        for graph in found:
            outcome = replay.outcome(graph)
            assert (outcome.duration, outcome.failed) == (graph.duration, graph.failed), seed


def test_a_slower_service_never_makes_anything_faster() -> None:
    for seed in SEEDS:
        found = graphs(seed)
        habits = Habits(found)
        for service in sorted(habits.places.services):
            slower = Replay(habits, Changes(slow={service: 50_000_000}))
            for graph in found:
                before, after = Replay(habits).outcome(graph), slower.outcome(graph)
                assert before.duration is not None
                assert after.duration is not None
                assert after.duration >= before.duration, seed
                assert all(after.ends[key] >= end for key, end in before.ends.items()), seed


def test_the_same_traces_give_the_same_answer() -> None:
    for seed in SEEDS[:60]:
        found, again = graphs(seed), graphs(seed)
        services = sorted(Habits(found).places.services)
        changes = Changes(down=frozenset(services[:1]), slow=dict.fromkeys(services[1:], 10**9))
        outcomes = [
            [Replay(Habits(some), changes).outcome(graph) for graph in some] for some in (found, again)
        ]
        assert outcomes[0] == outcomes[1]


def test_every_span_is_in_one_place_of_the_graph() -> None:
    for seed in SEEDS[:60]:
        spans = [id(node.span) for graph in graphs(seed) for node in walk(graph)]
        assert len(spans) == len(set(spans))
