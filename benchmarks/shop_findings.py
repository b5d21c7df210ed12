"""Breaks the sample shop and checks which findings each fault gives: its own, and no other.

`./run bench shop_findings [--style hybrid] [--only payment:errors=1 …] [--publish]` runs the real shop on the
embedded broker, in both styles at once. Usual orders come first; what `laban findings` says about them is how
the style is built, and no fault's. Each fault then begins with the history of the usual orders alone. It is
switched on, orders are sent, and the findings of the time of these orders are asked for. A full run takes a
quarter of an hour.

What is right follows from the fault, from who calls whom and from who consumes, see `CASES`.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.shop_truth import is_wanted
from benchmarks.workload import report
from benchmarks.workload.shop_faults import STYLES, Row
from benchmarks.workload.shop_run import RunningShop, running_shop
from laban_mapper.model import Finding
from laban_samples.demo.consumer_catch_up import SUBSCRIPTIONS
from laban_samples.errors import SampleError
from laban_samples.faults.parsing import FaultName
from laban_samples.runtime.settings import Style

USUAL_ORDERS: Final = 40
FAULTY_ORDERS: Final = 24


class Case(NamedTuple):
    """A fault, and the findings that follow from it.

    Attributes:
        must: codes of which at least one has to be found; none: nothing may be found but what is possible.
        may: codes of what can follow from the fault, too.
        why: why these follow.
    """

    fault: str
    style: Style
    service: str
    must: frozenset[str]
    may: frozenset[str]
    why: str

    @property
    def row(self) -> Row:
        """The fault, to be switched on."""
        return Row(self.fault, self.style, self.service, ())


def _case(style: Style, fault: str, must: str, may: str, why: str) -> Case:
    service, _, name = fault.partition(":")
    return Case(name, style, service, frozenset(must.split()), frozenset(may.split()), why)


_CHAIN: Final = "the reply waits for order → inventory → pricing → user, and all of them fail"
_BREAKER: Final = "pricing has a circuit breaker for user"
CASES: Final = (
    _case("monolith", "user:errors=1", "L010", "L012", f"{_CHAIN}; {_BREAKER}"),
    _case("monolith", "user:timeout", "L010", "L012", f"{_CHAIN}; {_BREAKER}"),
    _case("monolith", "user:latency=3.5s", "L010", "L012", f"its caller gives up after 2 s; {_BREAKER}"),
    _case("monolith", "user:crash", "L010 L012", "L010 L012", f"{_CHAIN}; {_BREAKER}"),
    _case("monolith", "pricing:errors=1", "L010", "L012", "inventory and order fail with it"),
    _case("monolith", "payment:errors=1", "", "L012", "only its caller fails; nothing stops the caller"),
    _case("monolith", "payment:latency=1s", "", "", "slow is no finding without an objective"),
    _case("hybrid", "payment:errors=1", "L027", "L026", "events that failed become dead letters"),
    _case("hybrid", "payment:latency=1s", "", "", "slow is no finding without an objective"),
    _case("hybrid", "email:stop-consumer", "L022 L023", "", "the group stands still"),
    _case("hybrid", "inventory:crash", "L022 L023", "", "the group stands still"),
    _case("hybrid", "order:poison=8", "L026", "L027", "the groups cannot read the copies"),
    _case("hybrid", "payment:poison=8", "L026", "L027", "the groups cannot read the copies"),
    _case("hybrid", "order:duplicate=1", "L024", "", "each event is published twice; consumers skip one"),
    _case("hybrid", "payment:duplicate=1", "L024", "", "each event is published twice; consumers skip one"),
    _case("hybrid", "order:out-of-order", "L025", "", "OrderChanged comes before OrderCreated"),
    _case("hybrid", "pricing:errors=1", "", "L010 L012", "only its caller fails; nothing stops the caller"),
)


class Result(NamedTuple):
    """The findings of a fault that the usual orders do not have."""

    case: Case
    findings: list[Finding]

    @property
    def codes(self) -> frozenset[str]:
        """The codes that were found."""
        return frozenset(one.code for one in self.findings)

    @property
    def others(self) -> frozenset[str]:
        """The codes that do not follow from the fault."""
        return self.codes - self.case.must - self.case.may

    @property
    def is_right(self) -> bool:
        """Whether what must be found is found, and nothing else."""
        return not self.others and (not self.case.must or bool(self.codes & self.case.must))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--style", choices=STYLES, action="append")
    parser.add_argument("--only", metavar="[SERVICE:]FAULT", action="append", help="Repeatable.")
    parser.add_argument("--publish", action="store_true", help="write the table into docs/findings.md")
    arguments = parser.parse_args()
    cases = [case for case in CASES if is_wanted(case.row, arguments)]
    styles = [style for style in STYLES if any(case.style == style for case in cases)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        running = [
            pool.submit(run_style, [case for case in cases if case.style == style], Path(folder) / style)
            for style in styles
        ]
        results = [result for style in running for result in style.result()]
    text = document(results)
    print(text)
    if arguments.publish:
        report.publish("faults", text, report.FINDINGS)
    if not all(result.is_right for result in results):
        sys.exit(1)


def run_style(cases: Sequence[Case], folder: Path) -> list[Result]:
    """Run all cases of one style in one shop."""
    with running_shop(cases[0].style, folder) as shop:
        shop.recover()
        began = datetime.now(UTC)
        for order in shop.order(USUAL_ORDERS):
            shop.change(order)  # two events with one key, as with the fault out-of-order
        shop.catch_up()
        shop.settle()
        built = {(one.code, one.place) for one in told(shop, began)}
        return [run_case(shop, case, built) for case in cases]


def run_case(shop: RunningShop, case: Case, built: set[tuple[str, str]]) -> Result:
    """Break a service, send orders, and ask for the findings of their time while it is broken."""
    stands = case.row.blocks_consumer
    able = [group for group in SUBSCRIPTIONS if not (stands and group == case.service)]
    with shop.usual_history(f"{case.service}-{case.fault}"), shop.broken(case.row):
        began = datetime.now(UTC)
        for number in range(FAULTY_ORDERS):
            orders = shop.order(1)
            if case.row.name is FaultName.OUT_OF_ORDER:
                shop.change(orders[0])
            if case.row.name is FaultName.CRASH and not number:
                shop.await_crash()
        shop.catch_up(able)
        shop.settle()
        found = [one for one in told(shop, began) if (one.code, one.place) not in built]
    result = Result(case, found)
    print(f"{'right' if result.is_right else 'WRONG'} {line(result)}", file=sys.stderr, flush=True)
    return result


def told(shop: RunningShop, since: datetime) -> list[Finding]:
    """The findings since a time, of every severity."""
    return shop.answers.findings(since).findings


def document(results: Sequence[Result]) -> str:
    """Return the generated part of the document."""
    right = sum(result.is_right for result in results)
    return (
        f"{right} of {len(results)} rows are right. {report.machine()}\n\n"
        "| fault | style | must be found | can follow | found | right | because |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(line(result) for result in results)
    )


def line(result: Result) -> str:
    """Return a row of the table."""
    case = result.case
    found = [f"{one.code} {one.place} ({one.severity})" for one in result.findings]
    cells = (
        f"{case.service}:{case.fault}",
        case.style,
        " or ".join(sorted(case.must)) or "nothing",
        " ".join(sorted(case.may)) or "nothing",
        "; ".join(sorted(found)).replace("|", "\\|") or "nothing",
        "yes" if result.is_right else "no",
        case.why,
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    try:
        main()
    except SampleError as error:
        sys.exit(f"shop_findings: {error}")
