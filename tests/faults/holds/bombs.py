"""Small requests that grow when they are decompressed or parsed, `count` times each.

Each is refused with 413 or 400, or accepted within the limits; memory stays bounded, and another sender is
acknowledged meanwhile.
"""

import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import grpc
import httpx
import zstandard

from laban_collector.decode.protobuf_writer import length_delimited, tag, varint

from ...collector.json_requests import json_request, json_span
from ...collector.requests import body, span
from ...serving import Serving, serving
from ..sending import PROTOBUF
from . import Held, Size, peak_rss_mib

_GROWN: Final = 1 << 30
_LIMIT: Final = 16 << 20
_JSON: Final = {"content-type": "application/json"}
_MOST_MIB: Final = 1_200
"""Resident memory. A collector without load takes 200; a request may take 86 times 2 MB."""
_LONGEST_S: Final = 30


def drill(folder: Path, size: Size) -> Held:
    """Run the drill."""
    path, slowest = folder / "bombs.duckdb", 0.0
    with (
        serving(path, anew=True) as collector,
        ThreadPoolExecutor(1) as pool,
        httpx.Client(timeout=120) as client,
    ):
        for number in range(size.count):
            for name, (content, headers, statuses) in _bombs().items():
                answer = pool.submit(client.post, _url(collector), content=content, headers=headers)
                began = time.monotonic()
                other = body(span(number))
                httpx.post(_url(collector), content=other, headers=PROTOBUF, timeout=60).raise_for_status()
                slowest = max(slowest, time.monotonic() - began)
                status = answer.result().status_code
                assert status in statuses, (name, status)
        for content in (_flat(), _deep()):
            _by_grpc(collector, content)
        memory = peak_rss_mib(collector.process.pid)
        assert httpx.get(f"{collector.url}/readyz").status_code == 200
    assert memory < _MOST_MIB, f"{memory} MiB"
    assert slowest < _LONGEST_S, f"another sender waited {slowest:.1f} s"
    return Held(
        f"{size.count * len(_bombs()):,} bombs",
        f"all refused or within the limits; at most {memory:,} MiB; another sender waited {slowest:.2f} s",
    )


def _url(collector: Serving) -> str:
    return f"http://{collector.http}/v1/traces"


def _bombs() -> dict[str, tuple[bytes, dict[str, str], tuple[int, ...]]]:
    zeros = bytes(_GROWN // 16)
    gz, zst = gzip.compress(zeros), zstandard.compress(zeros)
    request = json.dumps(json_request(json_span())).encode()
    deep = b'{"a":' * 100_000
    nested = json.dumps(json_request(json_span(attributes=[{"key": "k", "value": {"stringValue": "x"}}])))
    value = '{"arrayValue":{"values":[' * 5_000 + '{"intValue":1}' + "]}}" * 5_000
    return {
        "gzip": (gz * 16, PROTOBUF | {"content-encoding": "gzip"}, (413,)),
        "gzip in gzip": (gzip.compress(gz), PROTOBUF | {"content-encoding": "gzip"}, (400,)),
        "zstd": (zst * 16, PROTOBUF | {"content-encoding": "zstd"}, (413,)),
        "empty gzip members": (
            gzip.compress(b"") * 50_000,
            PROTOBUF | {"content-encoding": "gzip"},
            (200, 400),
        ),
        "empty spans": (_flat(), PROTOBUF, (413, 200)),
        "deep values": (_deep(), PROTOBUF, (400,)),
        "many attributes": (_attributes(), PROTOBUF, (413, 200)),
        "JSON objects": (b'{"resourceSpans":[' + b"{}," * 4_000_000 + b"{}]}", _JSON, (413, 400)),
        "deep JSON": (deep + request, _JSON, (400,)),
        "deep JSON values": (nested.replace('{"stringValue": "x"}', value).encode(), _JSON, (200, 400)),
        "a long number": (
            request.replace(b'"kind": 1', b'"kind": ' + b"1" * (_LIMIT - 1_000)),
            _JSON,
            (400,),
        ),
    }


def _flat() -> bytes:
    """8 M spans of two bytes."""
    spans = length_delimited(tag(2), b"") * (_LIMIT // 2 - 100)
    return length_delimited(tag(1), length_delimited(tag(2), spans))


def _deep() -> bytes:
    """A value in a list in a list, many thousand levels deep."""
    value = b"".join(tag(5) + varint(0) for _ in range(2))
    for _ in range(3_000):
        value = length_delimited(tag(5), length_delimited(tag(1), value))
    attribute = length_delimited(tag(9), length_delimited(tag(2), value))
    return length_delimited(tag(1), length_delimited(tag(2), length_delimited(tag(2), attribute)))


def _attributes() -> bytes:
    """One span with 3 M empty attributes."""
    one = length_delimited(tag(2), length_delimited(tag(9), b"") * 3_000_000)
    return length_delimited(tag(1), length_delimited(tag(2), one))


def _by_grpc(collector: Serving, content: bytes) -> None:
    with grpc.insecure_channel(
        collector.grpc, options=[("grpc.max_send_message_length", -1)], compression=grpc.Compression.Gzip
    ) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        )
        code = export.future(content, timeout=120).code()
    assert code in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INVALID_ARGUMENT), code
