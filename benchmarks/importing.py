"""Measures how many spans per second `laban import` reads from OTLP JSON lines, and how much memory it needs.

`./run bench importing [--spans N] [--gzip]` writes a file as the OpenTelemetry Collector's file exporter
does, imports it in a separate process, and reports wall-clock time, processor time and peak memory. Before
and after, it measures how long `json` takes to parse some of the lines. A slow or busy machine slows both, so
the ratio is stable.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.workload.shop import templates
from laban_collector.decode.json_attributes import base64_bytes

_REQUESTS: Final = 100
_SPANS: Final = 512
"""Spans per line: the default maximum of the SDKs."""
_YARDSTICK_SPANS: Final = 100 * _SPANS
_BASE64_ID: Final = re.compile(r'("(?:trace|span|parentSpan)Id":")([^"]*)"')
_TRACE_ID: Final = re.compile(r'("traceId":")([0-9a-f]{8})')
_TIME: Final = re.compile(r'(UnixNano":")([0-9]+)')


def lines(spans: int) -> Iterator[str]:
    """Yield at least this many spans as OTLP/JSON, one request per line; each round has new traces."""
    made, period = templates(_REQUESTS, _SPANS)
    texts = [_as_json(template.fresh(0, period)) for template in made]
    for number in range(-(-spans // _SPANS)):
        yield _moved(texts[number % _REQUESTS], number // _REQUESTS, period)


def main() -> None:
    """Write the file, import it, and report."""
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
        print(f"{spans:,} spans, {file.stat().st_size / spans:.0f} bytes per span in the file")
        print(f"{spans / seconds:,.0f} spans/s ({seconds:.1f} s), {spans / processors:,.0f} spans/CPU-second")
        print(f"{processors / spans / parsing:.2f} times the processor time of json.loads")
        stored = database.stat().st_size / spans
        print(f"peak RSS of a process {used.ru_maxrss / 1024:.0f} MiB, {stored:.0f} bytes per span on disk")


def _yardstick() -> float:
    """Return the seconds of processor time that `json` takes to parse one span."""
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
    """Return OTLP/JSON: the protobuf library's JSON, with IDs in hex."""
    fields = json_format.MessageToDict(
        ExportTraceServiceRequest.FromString(body), use_integers_for_enums=True
    )
    return _BASE64_ID.sub(_with_hex, json.dumps(fields, separators=(",", ":")))


def _with_hex(found: re.Match[str]) -> str:
    return f'{found[1]}{(base64_bytes(found[2]) or b"").hex()}"'


def _moved(text: str, round_number: int, period: int) -> str:
    """Return the same request in new traces, `round_number` periods later."""
    other = _TRACE_ID.sub(lambda found: f"{found[1]}{int(found[2], 16) ^ round_number:08x}", text)
    return _TIME.sub(lambda found: f"{found[1]}{int(found[2]) + round_number * period}", other)


if __name__ == "__main__":
    main()
