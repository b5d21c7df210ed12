"""Predicts what a change does, then makes the change, and compares: on the shop and on random systems.

`./run bench whatif [--shop] [--random] [--seeds A-B] [--show] [--publish]`. The shop runs in the monolith
style without faults; from its traces, laban predicts what slow and crashed services would do, and what the
hybrid style would bring. Then the faults are switched on, and the hybrid style is started. The random systems
are those of `./run bench truth`, with seeds for working on the rules only: 0 to 99.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.simulation.counterfactual import KINDS, Comparison, compare
from benchmarks.workload import report
from benchmarks.workload.shop_faults import ENTRY, Row
from benchmarks.workload.shop_run import EXPORT_S, RunningShop, running_shop
from laban_mapper.model_whatif import WhatIfEntry
from laban_mapper.times import format_duration
from laban_mapper.whatif.changes import ChangeTexts
from laban_samples.errors import SampleError

_USUAL: Final = 100
_TURN: Final = 10
"""Orders in one style before those in the other."""
_FAULTY: Final = 30
_FAILED_WITHIN: Final = 10.0
"""Points of 100 requests."""
_P95_WITHIN: Final = 0.2
_ORDERS: Final = f"{ENTRY} POST /orders"
_SEEDS: Final = range(100)
Window = tuple[datetime, datetime]


class Reality(NamedTuple):
    """What the collector's map says about the calls of the customers."""

    orders: int
    failed: float
    p50_ms: float
    p95_ms: float


class Proof(NamedTuple):
    """A prediction and what happened."""

    question: str
    made: str
    usual: Reality
    predicted: WhatIfEntry
    happened: Reality

    @property
    def is_close(self) -> tuple[bool, bool]:
        """Whether the share of failures, and whether the 95th percentile was predicted well enough."""
        after = self.predicted.after
        return (
            after.failed is not None and abs(after.failed - self.happened.failed) <= _FAILED_WITHIN,
            after.p95_ms is not None
            and abs(after.p95_ms - self.happened.p95_ms) <= _P95_WITHIN * self.happened.p95_ms,
        )


class Experiment(NamedTuple):
    """A question, and the fault that makes it true."""

    texts: ChangeTexts
    service: str
    fault: str


EXPERIMENTS: Final = (
    Experiment(ChangeTexts(slow=("user=3s",)), "user", "latency=3s"),
    Experiment(ChangeTexts(slow=("email=500ms",)), "email", "latency=500ms"),
    Experiment(ChangeTexts(slow=("inventory=250ms",)), "inventory", "latency=250ms"),
    Experiment(ChangeTexts(down=("pricing",)), "pricing", "crash"),
)
TO_HYBRID: Final = ChangeTexts(
    turned=("order->inventory", "order->payment", "order->email", "order->analytics")
)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shop", action="store_true", help="only the shop")
    parser.add_argument("--random", action="store_true", help="only the random systems")
    parser.add_argument("--seeds", type=_seeds, default=range(12), help="the first and the last: 0-11")
    parser.add_argument("--show", action="store_true", help="print each comparison of the random systems")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep databases and logs of the shop here")
    parser.add_argument("--publish", action="store_true", help="write the tables into docs/what-if.md")
    options = parser.parse_args()
    if not (options.seeds.start in _SEEDS and options.seeds.stop - 1 in _SEEDS):
        parser.error("only the seeds 0 to 99 are for working on the rules")
    both = options.shop == options.random
    if both or options.random:
        _finish("random", of_random_systems(options.seeds, show=options.show), publish=options.publish)
    if both or options.shop:
        with tempfile.TemporaryDirectory() as temporary:
            text = of_shop((options.keep or Path(temporary)).absolute())
        _finish("shop", text, publish=options.publish)


def _finish(section: str, text: str, *, publish: bool) -> None:
    print(text, end="\n\n")
    if publish:
        report.publish(f"what-if {section}", text, report.WHAT_IF)


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


# The shop


def of_shop(folder: Path) -> str:
    """Predict and compare on the shop."""
    with running_shop("monolith", folder / "monolith") as shop:
        shop.recover()  # the first request of a process is slower than all others
        proofs = [_proved(shop, one) for one in EXPERIMENTS]
        with running_shop("hybrid", folder / "hybrid") as hybrid:
            hybrid.recover()
            proofs.append(_compared(shop, hybrid))
    told = (
        f"Each prediction rests on the {_USUAL} orders right before the change; {_FAULTY} orders follow it. "
        "The orders of the two styles alternate, ten by ten, so that both meet the same machine. "
        f"{report.machine()} It was shared: its load was {os.getloadavg()[2]:.0f} at the end."
    )
    return f"{told}\n\n{_shop_table(proofs)}"


def _proved(shop: RunningShop, experiment: Experiment) -> Proof:
    """Predict what a fault does, and then break the service."""
    usual, window = _measured(shop, _USUAL)
    predicted = _ask(shop, experiment.texts, window)  # before anything is broken
    made = f"{experiment.service}:{experiment.fault}"
    return Proof(_question(experiment.texts), made, usual, predicted, _broken(shop, experiment))


def _compared(shop: RunningShop, hybrid: RunningShop) -> Proof:
    """Predict the hybrid style from orders in the monolith style, and compare with orders in between."""
    began = datetime.now(UTC)
    for _ in range(0, _USUAL, _TURN):
        shop.order(_TURN)
        hybrid.order(_TURN)
    window = (began, datetime.now(UTC))
    usual, happened = _reality(shop, window), _reality(hybrid, window)
    return Proof(_question(TO_HYBRID), "the hybrid style", usual, _ask(shop, TO_HYBRID, window), happened)


def _broken(shop: RunningShop, experiment: Experiment) -> Reality:
    """Break a service, and send orders."""
    with shop.broken(Row(experiment.fault, "monolith", experiment.service, ())):
        if experiment.fault == "crash":
            shop.order(1)
            shop.await_crash()
        return _measured(shop, _FAULTY)[0]


def _measured(shop: RunningShop, orders: int) -> tuple[Reality, Window]:
    """Send orders, and say what the map tells about them; also returns when they were sent."""
    began = datetime.now(UTC)
    shop.order(orders)
    window = (began, datetime.now(UTC))
    return _reality(shop, window), window


def _reality(shop: RunningShop, window: Window) -> Reality:
    """What the map says about the orders of a time."""
    shop.catch_up()
    time.sleep(EXPORT_S)
    [edge] = [
        edge
        for edge in shop.answers.service_map(*window).edges
        if edge.target == f"service:{ENTRY}" and edge.source.startswith("entry:")
    ]
    assert edge.p50_ms is not None
    assert edge.p95_ms is not None
    return Reality(edge.calls, 100 * edge.errors / edge.calls, edge.p50_ms, edge.p95_ms)


def _ask(shop: RunningShop, texts: ChangeTexts, window: Window) -> WhatIfEntry:
    [entry] = [one for one in shop.answers.what_if(texts, *window).entries if one.entry == _ORDERS]
    return entry


def _question(texts: ChangeTexts) -> str:
    options = ("--down", "--slow", "--async", "--timeout", "--retries")
    return " ".join(
        f"{option} {text}" for option, given in zip(options, texts, strict=True) for text in given
    )


def _shop_table(proofs: Sequence[Proof]) -> str:
    head = ["asked", "made", "", "before", "predicted", "range", "happened", "close"]
    return report.table(head, [row for proof in proofs for row in _shop_rows(proof)])


def _shop_rows(proof: Proof) -> Iterator[list[str]]:
    """Three rows: the failures, and two percentiles; what is not demanded is not called close or not."""
    usual, after, between, happened = (
        proof.usual,
        proof.predicted.after,
        proof.predicted.range,
        proof.happened,
    )
    failed, p95 = ("yes" if one else "no" for one in proof.is_close)
    yield [
        f"`{proof.question}`",
        proof.made,
        "failed of 100",
        *(_number(usual.failed), _number(after.failed), _between(between.failed, _number)),
        *(_number(happened.failed), failed),
    ]
    p50 = (_ms(usual.p50_ms), _ms(after.p50_ms), _between(between.p50_ms, _ms), _ms(happened.p50_ms))
    yield ["", "", "p50", *p50, ""]
    yield [
        *("", "", "p95", _ms(usual.p95_ms), _ms(after.p95_ms), _between(between.p95_ms, _ms)),
        *(_ms(happened.p95_ms), p95),
    ]


# Random systems


def of_random_systems(seeds: range, *, show: bool) -> str:
    """Predict and compare on random systems."""
    rows: list[list[str]] = []
    for kind in KINDS:
        found = [one for seed in seeds for one in compare(seed, kind)]
        if show:
            print("\n".join(map(_shown, found)))
        passed = [one for one in found if one.passes]
        others = [one for one in found if not one.passes]
        rows.append([kind, str(len({one.seed for one in found})), *_scores(passed), *_unaffected(others)])
        print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    head = [
        "change",
        "systems",
        "affected entries",
        "failed within 10 points",
        "in the range",
        "p95 within 20 %",
        "in the range",
        "as without a prediction",
        "other entries",
        "called unaffected",
    ]
    return f"Seeds {seeds.start} to {seeds.stop - 1}.\n\n{report.table(head, rows)}"


def _scores(found: Sequence[Comparison]) -> list[str]:
    """How many predictions are right; the last is for the prediction that nothing changes the p95."""
    known = [one for one in found if one.predicted.after.p95_ms is not None]
    return [
        str(len(found)),
        _share(sum(_failed_error(one) <= _FAILED_WITHIN for one in found), len(found)),
        _share(sum(_in(one.happened.failed, one.predicted.range.failed) for one in found), len(found)),
        _share(sum(_p95_error(one) <= _P95_WITHIN for one in known), len(known)),
        _share(sum(_in(one.happened.p95_ms, one.predicted.range.p95_ms) for one in known), len(known)),
        _share(
            sum(abs(one.before.p95_ms / one.happened.p95_ms - 1) <= _P95_WITHIN for one in found), len(found)
        ),
    ]


def _unaffected(found: Sequence[Comparison]) -> list[str]:
    return [str(len(found)), _share(sum(not one.predicted.affected for one in found), len(found))]


def _failed_error(one: Comparison) -> float:
    failed = one.predicted.after.failed
    return 100.0 if failed is None else abs(failed - one.happened.failed)


def _p95_error(one: Comparison) -> float:
    p95 = one.predicted.after.p95_ms
    return 1.0 if p95 is None else abs(p95 / one.happened.p95_ms - 1)


def _in(value: float, between: tuple[float, float] | None) -> bool:
    return between is not None and between[0] <= value <= between[1]


def _shown(one: Comparison) -> str:
    after, between = one.predicted.after, one.predicted.range
    close = _failed_error(one) <= _FAILED_WITHIN and _p95_error(one) <= _P95_WITHIN
    failed = f"{_number(after.failed)} ({_between(between.failed, _number)})"
    p95 = f"{_ms(after.p95_ms)} ({_between(between.p95_ms, _ms)})"
    where = "on its way" if one.passes else "not on its way"
    return (
        f"{'ok   ' if close else 'WRONG'} seed {one.seed} {one.kind} {one.entry}, {where}: {one.told}; "
        f"{one.predicted.traces} traces, left out {one.predicted.left_out}\n"
        f"    failed {_number(one.before.failed)} -> {failed}, happened {_number(one.happened.failed)}; "
        f"p95 {_ms(one.before.p95_ms)} -> {p95}, happened {_ms(one.happened.p95_ms)}"
    )


def _share(part: int, of: int) -> str:
    return f"{part} of {of}" if of else "–"


def _between(between: tuple[float, float] | None, write: Callable[[float], str]) -> str:
    return "unknown" if between is None else f"{write(between[0])} – {write(between[1])}"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f}"


def _ms(value: float | None) -> str:
    return "unknown" if value is None else format_duration(value)


if __name__ == "__main__":
    try:
        main()
    except SampleError as error:
        sys.exit(f"whatif: {error}")
