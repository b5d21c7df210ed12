"""Draws random systems, writes down what ran, changes them in known ways, and counts what a check tells.

`./run bench drift [--seeds A-B] [--orders N] [--show] [--publish]`. Each system serves N orders without a
fault, and N more; the choreography of the first half is checked against the second half, which must be the
same. Then the system is changed: a call or a publication is taken out, a group is added, a call becomes a
message. The seeds are those for working on rules, 0-99.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.simulation.blueprint import (
    Action,
    Group,
    Operation,
    Place,
    S,
    Service,
    System,
    Timing,
    Topic,
    places,
)
from benchmarks.simulation.drawing import draw_system
from benchmarks.simulation.execution import Execution, Order
from benchmarks.simulation.recording import portions, sample
from benchmarks.workload import report
from laban_app.answers.local import LocalAnswers
from laban_app.wiring import STORE
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.base import RetentionLimits
from laban_mapper.drift.checking import check
from laban_mapper.drift.drifts import Drift
from laban_mapper.drift.file_reader import read_choreography
from laban_mapper.drift.file_writer import to_yaml
from laban_mapper.drift.yaml_nodes import Document
from laban_mapper.model_drift import Choreography
from laban_mapper.times import utc_time

_DRIFT: Final = Path(__file__).resolve().parents[1] / "docs" / "drift.md"
_OFTEN: Final = 0.2
"""The least share of the orders that pass a place that is changed."""
_PAUSE: Final = 600 * S
_KEPT_SECRET: Final = 100
_NOISE: Final = ("too-little-traffic",)
_ADDED: Final = ("newcomer", "turned")
"""Words in the names of what a change adds."""


@dataclass(slots=True)
class Score:
    """What was told about one change, or about none.

    Attributes:
        systems: that have a place for it.
        found: in which it was told, by its own kind.
        untold: in which there was too little traffic to tell.
        wrong: systems with a difference that is none.
        told: all differences together.
        shown: the wrong ones, in words.
    """

    systems: int = 0
    found: int = 0
    untold: int = 0
    wrong: int = 0
    told: int = 0
    shown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a system: the kinds of drift that tell it, and the two names that its place has."""

    kinds: tuple[str, ...]
    names: tuple[str, str]
    told: str


def remove_edge(system: System, numbers: random.Random) -> Change | None:
    """Take an action out of the only operation that does it."""
    place = _one_of(_only(system, lambda _: True), numbers)
    if place is None or place.caller is None or place.action is None:
        return None
    _replace(place.caller, place.action, None)
    source, target = _names(place)
    kinds = ("gone-publisher",) if isinstance(place.target, Topic) else ("gone-call", "gone-operation")
    return Change(kinds, (source, target), f"{source} no longer uses {target}")


def add_group(system: System, numbers: random.Random) -> Change | None:
    """Let a new service consume a topic in a group of its own."""
    topics = [place.target for place in _often(system) if isinstance(place.target, Topic)]
    if not topics:
        return None
    topic = numbers.choice(topics)
    style = system.services[0].style
    service = Service("newcomer", style, 0, "newcomer", 8080)
    operation = Operation(service, "consume", "process", topic.name, Timing(5, 0.3))
    topic.groups.append(Group("newcomers", operation, Timing(20, 0.3), False, 1, None))
    system.services.append(service)
    return Change(("new-consumer",), (topic.name, "newcomer"), f"a newcomer consumes {topic.name}")


def sync_to_async(system: System, numbers: random.Random) -> Change | None:
    """Let a caller publish an event instead of calling, which the callee consumes."""
    place = _one_of(_only(system, _may_consume), numbers)
    if place is None or place.caller is None or place.action is None:
        return None
    callee = place.target
    assert isinstance(callee, Operation)
    topic = Topic("turned-events", 2)
    work = Operation(
        callee.service, "consume", "process", topic.name, callee.timing, callee.stages, callee.inner
    )
    topic.groups.append(Group(f"{callee.service.name}-turned", work, Timing(20, 0.3), False, 1, None))
    system.topics.append(topic)
    action = Action(topic, "Turned", Timing(3, 0.3), Timing(0.1, 0.1), place.action.chance)
    _replace(place.caller, place.action, action)
    source, target = _names(place)
    return Change(("sync-to-async",), (source, target), f"{source} → {target} is a message now")


def _may_consume(place: Place) -> bool:
    """Whether the callee's instrumentation shows what it does with a message."""
    return isinstance(place.target, Operation) and place.target.service.style != "python"


CHANGES: Final[dict[str, Callable[[System, random.Random], Change | None]]] = {
    "a call or publication is gone": remove_edge,
    "a new group": add_group,
    "a call became a message": sync_to_async,
}


def _often(system: System) -> list[Place]:
    """The places that many orders pass, and whose spans are all kept."""
    return [place for place in places(system) if place.share >= _OFTEN]


def _only(system: System, wanted: Callable[[Place], bool]) -> list[Place]:
    """The places of actions whose caller and callee have no other action between them."""
    every = [place for place in places(system) if place.action is not None and place.caller is not None]
    pairs = [_names(place) for place in every]
    often = _often(system)
    return [place for place in every if place in often and pairs.count(_names(place)) == 1 and wanted(place)]


def _one_of(found: Sequence[Place], numbers: random.Random) -> Place | None:
    return numbers.choice(found) if found else None


def _names(place: Place) -> tuple[str, str]:
    assert place.caller is not None
    target = place.target
    if isinstance(target, Operation):
        name = target.service.name
    elif isinstance(target, Topic):
        name = target.name
    else:
        name = target.address
    return place.caller.service.name, name


def _replace(caller: Operation, action: Action, other: Action | None) -> None:
    for stage in caller.stages:
        if action in stage:
            at = stage.index(action)
            stage[at : at + 1] = [] if other is None else [other]
    caller.stages = [stage for stage in caller.stages if stage]


def _half(system: System, execution: Execution, count: int, begin: int, first: int) -> list[Order]:
    numbers = random.Random(begin)
    times = sorted(begin + int(numbers.random() * system.duration) for _ in range(count))
    orders = [execution.order(first + number, at) for number, at in enumerate(times)]
    execution.run()
    sample(system, orders, random.Random(first))
    return orders


@contextmanager
def _stored(orders: Sequence[Order], now: int) -> Generator[LocalAnswers, None, None]:
    with tempfile.TemporaryDirectory() as folder, STORE.open(Path(folder) / "drift.duckdb") as store:
        storage = StorageService(store, RetentionLimits())
        storage.start()
        try:
            decoder = OtlpDecoder(KeyFinder())
            for bodies in portions(orders):
                for body in bodies:
                    storage.take(decoder.decode([body]).batch)
        finally:
            storage.stop()  # counts all edges
        yield LocalAnswers(store.reader(), clock=lambda: now)


def _window(orders: Sequence[Order]) -> tuple[datetime, datetime]:
    spans = [span for order in orders for span in order.spans]
    margin = 300 * S  # more than clocks differ
    return utc_time(min(span.start for span in spans) - margin), utc_time(
        max(span.end for span in spans) + margin
    )


def _choreographies(first: list[Order], second: list[Order]) -> tuple[Choreography, Choreography]:
    now = max(span.end for order in second for span in order.spans) + 3600 * S
    with _stored([*first, *second], now) as answers:
        return answers.choreography(*_window(first)), answers.choreography(*_window(second))


def _drifts(before: Choreography, after: Choreography, *, learned: bool) -> list[Drift]:
    """Check the file of one half against the other, as the command does."""
    file = Document("choreography.yaml", to_yaml(before).encode())
    return check(read_choreography(file), after, before if learned else None)


def run(seed: int, orders: int) -> Iterator[tuple[str, Score]]:
    """Yield the scores of one system: of no change, with and without what was before; and of each change."""
    numbers = random.Random(f"drift/{seed}")
    system = draw_system(numbers)
    execution = Execution(system, numbers)
    first = _half(system, execution, orders, system.begin, 0)
    begin = execution.last + _PAUSE
    second = _half(system, execution, orders, begin, orders)
    before, after = _choreographies(first, second)
    for learned in (True, False):
        drifts = _drifts(before, after, learned=learned)
        name = f"nothing, {'with' if learned else 'without'} the traffic before"
        yield name, _judge(seed, drifts, None, same=to_yaml(before) == to_yaml(after))
    for name, change in CHANGES.items():
        yield name, _changed(seed, orders, name, change)


def _changed(
    seed: int, orders: int, name: str, change: Callable[[System, random.Random], Change | None]
) -> Score:
    numbers = random.Random(f"drift/{seed}")
    system = draw_system(numbers)
    first = _half(system, Execution(system, numbers), orders, system.begin, 0)
    made = change(system, random.Random(f"{seed}/{name}"))
    if made is None:
        return Score()
    second = _half(
        system, Execution(system, numbers), orders, system.begin + 2 * system.duration + _PAUSE, orders
    )
    return _judge(seed, _drifts(*_choreographies(first, second), learned=True), made)


def _judge(seed: int, drifts: Sequence[Drift], change: Change | None, *, same: bool = False) -> Score:
    score = Score(systems=1, told=sum(drift.kind not in _NOISE for drift in drifts))
    if change is None:
        wrong = [drift for drift in drifts if drift.kind not in _NOISE]
        score.found = int(same)
    else:
        about = [drift for drift in drifts if all(name in drift.place for name in change.names)]
        score.found = int(any(drift.kind in change.kinds for drift in about))
        score.untold = int(not score.found and any(drift.kind in _NOISE for drift in about))
        # What is below a place that is gone is gone, too. Apart from that, nothing else has changed.
        rest = [drift for drift in drifts if drift not in about and drift.kind not in _NOISE]
        gone = change.kinds[0].startswith("gone")
        wrong = [
            drift
            for drift in rest
            if not (drift.kind.startswith("gone") if gone else any(word in drift.place for word in _ADDED))
        ]
        if not score.found:
            told = [f"{drift.kind} {drift.place}: {drift.sentence}" for drift in drifts]
            score.shown.append(f"seed {seed}, not found: {change.told}\n  " + "\n  ".join(told))
    score.wrong = int(bool(wrong))
    score.shown += [f"seed {seed}: {drift.kind} {drift.place}: {drift.sentence}" for drift in wrong]
    return score


def table(scores: dict[str, Score]) -> str:
    """A row for each change."""
    rows = [
        [
            name,
            str(score.systems),
            "–" if name.startswith("nothing") else f"{score.found}",
            "–" if name.startswith("nothing") else f"{score.untold}",
            str(score.wrong),
            f"{score.found}" if name.startswith("nothing") else "–",
        ]
        for name, score in scores.items()
    ]
    head = ["changed", "systems", "told", "too little traffic", "told, but not so", "file the same"]
    return report.table(head, rows)


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main() -> None:
    """Draw, run, change, check, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=range(10), help="the first and the last: 0-9")
    parser.add_argument("--orders", type=int, default=300, help="orders of each half")
    parser.add_argument("--show", action="store_true", help="print what is wrong or was not found")
    parser.add_argument("--publish", action="store_true", help="write docs/drift.md")
    options = parser.parse_args()
    if options.seeds.stop > _KEPT_SECRET:
        parser.error("only the seeds from 0 to 99 are for this")
    began = time.perf_counter()
    scores: dict[str, Score] = {}
    for seed in options.seeds:
        for name, score in run(seed, options.orders):
            total = scores.setdefault(name, Score())
            for part in ("systems", "found", "untold", "wrong", "told"):
                setattr(total, part, getattr(total, part) + getattr(score, part))
            total.shown += score.shown
    if options.show:
        print("\n".join(text for score in scores.values() for text in score.shown), end="\n\n")
    about = f"Seeds {options.seeds.start} to {options.seeds.stop - 1}, {options.orders} orders in each half."
    text = f"{about}\n\n{table(scores)}"
    print(text)
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    if options.publish:
        report.publish("drift", text, _DRIFT)


if __name__ == "__main__":
    main()
