"""Asks for the stories of simulated orders, and compares what they claim with what was injected."""

import random
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.simulation.execution import Order
from benchmarks.simulation.faults import Truth
from benchmarks.simulation.recording import polls, portions, requests
from benchmarks.simulation.simulation import Simulation
from laban_app.answers.local import LocalAnswers
from laban_app.answers.profiling import profile_traces
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.profiles.slices import Level, Slices
from laban_collector.store.duckdb.store import DuckDBStore
from laban_mapper.model import Cause, Story


@dataclass(slots=True)
class Score:
    """How the stories of one system, or of several, compare with the truth.

    Attributes:
        first, among: affected orders whose first cause, or one of the first three, has the right kind and
            blames the right service.
        service, kind: affected orders whose first cause is right in one of the two.
        root: affected orders whose `root_cause` names the right service.
        usual, usual_claims: orders before the fault, and those with a claim.
        healthy, healthy_claims: orders after the fault began that it did not affect.
    """

    systems: int = 0
    affected: int = 0
    first: int = 0
    among: int = 0
    service: int = 0
    kind: int = 0
    root: int = 0
    usual: int = 0
    usual_claims: int = 0
    healthy: int = 0
    healthy_claims: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Score") -> None:
        """Add the numbers of another score."""
        for name in Score.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@contextmanager
def stored(simulated: Simulation, *, at_once: bool, minutes: int) -> Generator[LocalAnswers, None, None]:
    """The answers of a collector that got the spans and the lag of a simulated system.

    Args:
        simulated: the system.
        at_once: whether all spans come together, and not as in real time, where traces are counted before the
            next ones come.
        minutes: by which profiles are kept.
    """
    with tempfile.TemporaryDirectory() as folder, DuckDBStore.open(Path(folder) / "truth.duckdb") as store:
        storage = StorageService(store, RetentionLimits())
        storage.start()
        try:
            decoder = OtlpDecoder(KeyFinder())
            orders = [*simulated.before, *simulated.after]
            for bodies in [list(requests(orders))] if at_once else portions(orders):
                for body in bodies:
                    storage.take(decoder.decode([body]).batch)
                storage.settle()
                store.complete_profiles(profile_traces)
            storage.write_lag(list(polls(simulated.system, simulated.execution, simulated.now)))
            if minutes > 1:
                Slices(store.database, [Level(minutes, 0)]).compact(())
        finally:
            storage.stop()  # counts all edges
        yield LocalAnswers(store.reader(), clock=lambda: simulated.now)


def judge(simulated: Simulation, usual: int, *, at_once: bool = False, minutes: int = 1) -> Score:
    """Ask for all orders after the fault began, and for this many from before."""
    score = Score(systems=1)
    with stored(simulated, at_once=at_once, minutes=minutes) as answers:
        for order in simulated.affected():
            _judge_affected(answers.story("order.id", order.value), simulated.fault.truth, score)
        for order in simulated.healthy():
            score.healthy += 1
            score.healthy_claims += _is_claimed(answers, order, "healthy", score)
        before = simulated.usual()
        for order in random.Random(usual).sample(before, min(usual, len(before))):
            score.usual += 1
            score.usual_claims += _is_claimed(answers, order, "usual", score)
    return score


def _judge_affected(story: Story, truth: Truth, score: Score) -> None:
    score.affected += 1
    first = story.causes[0] if story.causes else None
    if first is not None:
        score.kind += first.kind in truth.kinds
        score.service += _blames(first, truth)
    is_first = first is not None and _is_right(first, truth)
    is_among = any(_is_right(cause, truth) for cause in story.causes[:3])
    score.first += is_first
    score.among += is_among
    score.root += story.root_cause is not None and _names(story.root_cause.service, truth)
    if not is_first:
        score.wrong.append(_told(f"{'among' if is_among else 'wrong'}, injected: {truth.told}", story))


def _is_claimed(answers: LocalAnswers, order: Order, what: str, score: Score) -> bool:
    story = answers.story("order.id", order.value)
    if story.causes:
        score.wrong.append(_told(f"claimed, although {what}", story))
    return bool(story.causes)


def _is_right(cause: Cause, truth: Truth) -> bool:
    return cause.kind in truth.kinds and _blames(cause, truth)


def _blames(cause: Cause, truth: Truth) -> bool:
    if _names(cause.service, truth):
        return True
    if truth.of_caller is None:
        return False
    service, operation = truth.of_caller
    return _short(cause.service) == service and operation in cause.operation


def _names(service: str, truth: Truth) -> bool:
    if truth.external:
        return any(name in service for name in truth.names)
    return _short(service) in truth.names


def _short(service: str) -> str:
    """The name without the namespace that a story may put before it."""
    return service.rpartition("/")[2]


def _told(what: str, story: Story) -> str:
    causes = [
        f"    {cause.rank}. {cause.kind} {cause.service}: {cause.sentence}" for cause in story.causes[:5]
    ]
    lines = [f"{story.value}: {what}", f"    {story.outcome}: {story.verdict}", *causes]
    return "\n".join(lines)


def total(scores: Sequence[Score]) -> Score:
    """The sum of scores."""
    summed = Score()
    for score in scores:
        summed.add(score)
    return summed
