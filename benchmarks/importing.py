"""How many spans a second `laban import` takes from OTLP JSON lines, and how much memory it needs.

`./run bench importing [--spans N] [--gzip]`: writes a file as the OpenTelemetry Collector's file exporter
would, imports it in a process of its own, and reports the wall clock, all processors' time and peak memory.
Before and after that it measures how long `json` takes to parse some of the lines: a machine that is slow, or
busy, is so for both, and their ratio holds.
"""

import argparse
import gzip
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a file: its helpers are in a package

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.workload.shop import templates
from laban_collector.decode.json_attributes import base64_bytes

_REQUESTS: Final = 100
_SPANS: Final = 512
"""Of a line: what the SDKs send at most, unless they are told otherwise."""
_YARDSTICK_SPANS: Final = 100 * _SPANS
_BASE64_ID: Final = re.compile(r'("(?:trace|span|parentSpan)Id":")([^"]*)"')
_TRACE_ID: Final = re.compile(r'("traceId":")([0-9a-f]{8})')
_TIME: Final = re.compile(r'(UnixNano":")([0-9]+)')


def lines(spans: int) -> Iterator[str]:
    """So many spans and a few more, as OTLP/JSON, a request a line; each round later and in other traces."""
    made, period = templates(_REQUESTS, _SPANS)
    texts = [_as_json(template.fresh(0, period)) for template in made]
    for number in range(-(-spans // _SPANS)):
        yield _moved(texts[number % _REQUESTS], number // _REQUESTS, period)


def main() -> None:
    """Write, import, report."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        file, database = Path(folder, "spans.jsonl"), Path(folder, "spans.duckdb")
        with gzip.open(file, "wt", 1) if arguments.gzip else file.open("w") as out:
            out.writelines(line + "\n" for line in lines(arguments.spans))
        command = [sys.executable, "-m", "laban", "import", str(file), "--db", str(database), "--json"]
        before = _yardstick()
        began = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        seconds = time.perf_counter() - began
        parsing = (before + _yardstick()) / 2
        spans = json.loads(done.stdout)["stored"]
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        processors = used.ru_utime + used.ru_stime
        print(f"{spans:,} spans, {file.stat().st_size / spans:.0f} B a span in the file")
        print(f"{spans / seconds:,.0f} spans/s ({seconds:.1f} s), {spans / processors:,.0f} a CPU-second")
        print(f"{processors / spans / parsing:.2f} times the processor time of json.loads alone")
        stored = database.stat().st_size / spans
        print(f"{used.ru_maxrss / 1024:.0f} MiB at most in a process, {stored:.0f} B a span on disk")


def _yardstick() -> float:
    """Seconds of a processor that `json` takes for one span."""
    texts = list(lines(_YARDSTICK_SPANS))
    began = time.process_time()
    for text in texts:
        json.loads(text)
    return (time.process_time() - began) / _YARDSTICK_SPANS


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--gzip", action="store_true", help="import a gzipped file")
    return parser.parse_args()


def _as_json(body: bytes) -> str:
    """OTLP/JSON: the protobuf library's, with hex ids."""
    fields = json_format.MessageToDict(
        ExportTraceServiceRequest.FromString(body), use_integers_for_enums=True
    )
    return _BASE64_ID.sub(_with_hex, json.dumps(fields, separators=(",", ":")))


def _with_hex(found: re.Match[str]) -> str:
    return f'{found[1]}{(base64_bytes(found[2]) or b"").hex()}"'


def _moved(text: str, round_number: int, period: int) -> str:
    """The same request in other traces, later by so many periods."""
    other = _TRACE_ID.sub(lambda found: f"{found[1]}{int(found[2], 16) ^ round_number:08x}", text)
    return _TIME.sub(lambda found: f"{found[1]}{int(found[2]) + round_number * period}", other)


if __name__ == "__main__":
    main()
