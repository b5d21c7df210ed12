"""Measures what redaction costs: processor time per span to decode groups of requests, with and without it.

`./run bench redaction [--rounds N] [--publish]`. In each round, both decode the same groups, in turns; a
group is what a collector decodes together from that many connections. The figures are medians.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.workload.report import machine, publish, table
from benchmarks.workload.shop import templates
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.protect.protection import Protection
from laban_collector.settings import load_settings

_GROUPS: Final = ((512, 20), (512, 8), (10, 64), (10, 8))
"""Spans per request, and requests per group."""
_FEWEST: Final = 20_000
"""Spans decoded in a round, at least."""


def main() -> None:
    """Measure each kind of group, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--publish", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    rows = [_measured(spans, requests, options.rounds) for spans, requests in _GROUPS]
    text = table(["spans per request × requests", "decode, µs", "redact, µs"], rows)
    print(text)
    if options.publish:
        publish("redaction", f"{machine()}\n\n{text}")


def _measured(spans: int, requests: int, rounds: int) -> list[str]:
    groups = -(-_FEWEST // (spans * requests))
    made, period = templates(groups * requests, spans)
    without, redacting = (
        OtlpDecoder(KeyFinder(), protection)
        for protection in (None, Protection.from_settings(load_settings()))
    )
    plain: list[float] = []
    more: list[float] = []
    for number in range(rounds + 1):
        bodies = [template.fresh(number, period) for template in made]
        took = [0.0, 0.0]
        for begin in range(0, len(bodies), requests):
            for which, decoder in enumerate((without, redacting)):
                began = time.process_time()
                decoder.decode(bodies[begin : begin + requests])
                took[which] += time.process_time() - began
        if number:  # the first round warms up
            plain.append(took[0] / (len(bodies) * spans) * 1e6)
            more.append((took[1] - took[0]) / (len(bodies) * spans) * 1e6)
    return [f"{spans} × {requests}", f"{statistics.median(plain):.1f}", f"{statistics.median(more):.2f}"]


if __name__ == "__main__":
    main()
