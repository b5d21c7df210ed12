"""Breaks every service of the sample shop in every way that fits it, and checks what the stories say first.

`./run bench shop_truth [--style hybrid] [--only payment:latency=3s …] [--publish]` runs the real shop on the
embedded broker, in both styles at once. Usual orders come first, so that laban learns what is usual. Then
each fault is switched on, two orders are sent, and their stories are asked for while the service is broken.
Each fault begins with the history of the usual orders alone, so that no other fault has become usual.
Usual orders follow every fault; a cause in one of their stories is a false claim. A full run takes a quarter
of an hour.

What is right follows from the fault alone, see `benchmarks/workload/shop_faults.py`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.workload import report
from benchmarks.workload.shop_faults import ENTRY, STYLES, Row, all_rows
from benchmarks.workload.shop_run import RunningShop, running_shop
from laban_mapper.model import Cause, CauseKind, Story
from laban_samples.demo.consumer_catch_up import SUBSCRIPTIONS
from laban_samples.errors import SampleError
from laban_samples.faults.parsing import FaultName
from laban_samples.messaging.consumer import ATTEMPTS

USUAL_ORDERS: Final = 120
USUAL_AFTER_FAULT: Final = 4
FAULTY_ORDERS: Final = 2
"""Fewer than the failures after which the circuit breaker of pricing no longer asks user."""
MOST_RETRIED_ORDERS: Final = 8
WAITING_S: Final = 12.0
"""How long the orders of a blocked consumer wait. A message that waits for less is not called stuck."""
APART_S: Final = 150.0
"""Minutes around an order are not part of its own baseline."""


class Judged(NamedTuple):
    """An order with a fault: its story, and the kinds of causes that are right; none means no cause."""

    order: str
    story: Story | None
    kinds: tuple[CauseKind, ...]

    @property
    def first(self) -> Cause | None:
        """The first cause."""
        return self.story.causes[0] if self.story and self.story.causes else None

    def is_right(self, row: Row) -> bool:
        """Whether the story names the fault, and blames the service for it."""
        if self.story is None:
            return False
        if not self.kinds:
            return self.first is None
        if row.name in (FaultName.POISON, FaultName.DUPLICATE) and self.story.outcome == "failed":
            return False  # the order itself went well
        if row.blocks_consumer and self._has_estimate(row.service):
            return False  # its group does not move, so nobody knows how long the message will wait
        return self.first is not None and (self.first.kind, self.first.service) in {
            (kind, row.service) for kind in self.kinds
        }

    def _has_estimate(self, group: str) -> bool:
        messages = self.story.messages if self.story else ()
        waiting = [one for message in messages for one in message.groups if one.state == "waiting"]
        return any(one.group == group and one.seconds_ahead is not None for one in waiting)


class Result(NamedTuple):
    """A row with its orders."""

    row: Row
    judged: list[Judged]

    @property
    def is_right(self) -> bool:
        """Whether all of its stories are right."""
        return all(one.is_right(self.row) for one in self.judged)

    @property
    def shown(self) -> Judged:
        """The order that stands in the table: a wrong one, if there is one."""
        ranked = sorted(self.judged, key=lambda one: (one.is_right(self.row), not one.kinds))
        return ranked[0]


class StyleResults(NamedTuple):
    """The results of one style.

    Attributes:
        usual: how many usual orders were judged.
        claims: the usual orders whose story names a cause.
    """

    results: list[Result]
    usual: int
    claims: list[Story]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--style", choices=STYLES, action="append")
    parser.add_argument("--only", metavar="[SERVICE:]FAULT", action="append", help="Repeatable.")
    parser.add_argument("--usual", type=int, default=USUAL_ORDERS, help="Usual orders at first.")
    parser.add_argument("--apart", type=float, default=APART_S, help="Seconds between these and the faults.")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="Keep databases, logs and stories here.")
    parser.add_argument("--publish", action="store_true", help="write the table into docs/shop-truth.md")
    arguments = parser.parse_args()
    rows = [row for row in all_rows() if is_wanted(row, arguments)]
    styles = [style for style in STYLES if any(row.style == style for row in rows)]
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor() as pool:
        folder = (arguments.keep or Path(temporary)).absolute()
        running = [
            pool.submit(run_style, [row for row in rows if row.style == style], folder / style, arguments)
            for style in styles
        ]
        done = [style.result() for style in running]
    text = document(done)
    print(text)
    if arguments.publish:
        report.publish("shop", text, report.SHOP_TRUTH)
    if any(style.claims or not all(result.is_right for result in style.results) for style in done):
        sys.exit(1)


def is_wanted(row: Row, arguments: argparse.Namespace) -> bool:
    """Whether a row was asked for."""
    names = {row.fault, row.service, f"{row.service}:{row.fault}"}
    in_style = not arguments.style or row.style in arguments.style
    return in_style and (not arguments.only or not names.isdisjoint(arguments.only))


def run_style(rows: Sequence[Row], folder: Path, arguments: argparse.Namespace) -> StyleResults:
    """Run all rows of one style in one shop."""
    with running_shop(rows[0].style, folder) as shop:
        shop.recover()  # the first request of a process is slower than all others
        usual = shop.order(arguments.usual)
        shop.catch_up()
        time.sleep(arguments.apart)
        shop.settle()
        stories = [shop.story(order) for order in usual]
        done = StyleResults([], len(usual), [story for story in stories if story.causes])
        for fault, same in groupby(rows, key=lambda row: row.fault):
            found = run_fault(shop, fault, list(same), folder)
            done = StyleResults(
                done.results + found.results, done.usual + found.usual, done.claims + found.claims
            )
    for story in done.claims:
        keep(story, folder, "usual")
    return done


def run_fault(shop: RunningShop, fault: str, rows: Sequence[Row], folder: Path) -> StyleResults:
    """Run all rows of one fault with the history of the usual orders alone."""
    results: list[Result] = []
    usual: list[str] = []
    with shop.usual_history(fault):
        for row in rows:
            results.append(result := run_row(shop, row, folder))
            usual += shop.order(USUAL_AFTER_FAULT)
            shop.catch_up()
            print(f"{'right' if result.is_right else 'WRONG'} {line(result)}", file=sys.stderr, flush=True)
    stories = [shop.story(order) for order in usual]
    return StyleResults(results, len(usual), [story for story in stories if story.causes])


def run_row(shop: RunningShop, row: Row, folder: Path) -> Result:
    """Break a service, send orders, and ask for their stories while it is broken."""
    ends_later = row.name is FaultName.TIMEOUT and row.service == ENTRY
    logged = shop.log_size(row.service)
    judged: list[Judged] = []
    with shop.broken(row):
        orders = faulty_orders(shop, row, logged)
        if not ends_later:
            judged = judge(shop, row, orders, logged)
    if ends_later:  # the spans of the order come when the fault ends
        judged = judge(shop, row, orders, logged)
    for one in judged:
        if one.story:
            keep(one.story, folder, f"{row.service}-{row.fault}")
    return Result(row, judged)


def faulty_orders(shop: RunningShop, row: Row, logged: int) -> list[str]:
    """Send the orders of a row; each one is consumed before the next, as far as the fault allows."""
    able = [group for group in SUBSCRIPTIONS if not (row.blocks_consumer and group == row.service)]
    orders: list[str] = []
    while not is_enough(shop, row, orders, logged):
        orders += shop.order(1)
        if row.name is FaultName.OUT_OF_ORDER:
            shop.change(orders[-1])
        if row.name is FaultName.CRASH and len(orders) == 1:
            shop.await_crash()
        shop.catch_up(able)
    return orders


def is_enough(shop: RunningShop, row: Row, orders: Sequence[str], logged: int) -> bool:
    """Whether these orders show the fault: the usual number, or those of which one was retried."""
    if "retried" not in row.kinds:
        return len(orders) == FAULTY_ORDERS
    log = shop.log_since(row.service, logged)
    return len(orders) == MOST_RETRIED_ORDERS or any(expected(row, o, log) == ("retried",) for o in orders)


def judge(shop: RunningShop, row: Row, orders: Sequence[str], logged: int) -> list[Judged]:
    """Ask for the stories of the orders."""
    if row.blocks_consumer:
        time.sleep(WAITING_S)
    shop.settle()
    log = shop.log_since(row.service, logged)
    stories = shop.stories(orders)
    return [Judged(order, stories.get(order), expected(row, order, log)) for order in orders]


def expected(row: Row, order: str, log: str) -> tuple[CauseKind, ...]:
    """What the story of an order must name. If the fault does not hit every order, the log knows which."""
    if row.name is FaultName.OUT_OF_ORDER:
        return row.kinds if f"order {order}: OrderCreated is held" in log else ()
    if "retried" not in row.kinds:
        return row.kinds
    attempts = [line for line in log.splitlines() if f"order {order}: attempt " in line]
    if any(f"attempt {ATTEMPTS} " in line for line in attempts):
        return ("error",)
    return ("retried",) if attempts else ()


def keep(story: Story, folder: Path, name: str) -> None:
    """Write a story beside the database."""
    (folder / f"{name}-{story.value}.json").write_text(story.model_dump_json(indent=1), encoding="utf-8")


def document(styles: Sequence[StyleResults]) -> str:
    """Return the generated part of the document."""
    results = [result for style in styles for result in style.results]
    usual, claims = (
        sum(style.usual for style in styles),
        [story for style in styles for story in style.claims],
    )
    right = sum(result.is_right for result in results)
    told = "".join(f"\n- {story.value}: {story.causes[0].kind}: {story.verdict}" for story in claims)
    return (
        f"{right} of {len(results)} rows are right. {len(claims)} of {usual} usual orders have a cause. "
        f"{report.machine()}"
        f"{told}\n\n| fault | style | service | must be | first cause | right | verdict |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(line(result) for result in results)
    )


def line(result: Result) -> str:
    """Return a row of the table."""
    row, shown = result.row, result.shown
    first = f"{shown.first.kind}, {shown.first.service}" if shown.first else "none"
    right = sum(one.is_right(row) for one in result.judged)
    said = shown.story.verdict if shown.story else "(unknown order)"
    cells = (
        row.fault,
        row.style,
        row.service,
        " or ".join(row.kinds),
        first,
        "yes" if result.is_right else f"no, {right} of {len(result.judged)}",
        said.replace("|", "\\|").replace("\n", " "),
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    try:
        main()
    except SampleError as error:
        sys.exit(f"shop_truth: {error}")
