"""Random requests to a running collector over HTTP, in turn with gRPC and JSON: `count` requests.

Over HTTP and gRPC, each is accepted if and only if the protobuf library parses it. JSON with changed bytes is
answered by 200 or 400. At the end, the database holds exactly the spans of the accepted ones.
"""

import json
import random
import re
from pathlib import Path
from typing import Final

import grpc
import httpx

from laban_collector.decode import otlp_protobuf
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.decode.results import JsonBody
from laban_collector.store.duckdb.connection.database import Database

from ...collector.json_requests import json_request, json_span
from ...serving import serving
from ..drills import chances
from ..sending import PROTOBUF
from . import Held, Size
from ._mutations import mutated, valid
from .fuzz import is_accepted

_EXPORT: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_JSON: Final = {"content-type": "application/json"}
_NUMBERS: Final = (
    "1e999",
    "9" * 5000,
    "-1",
    "1.5",
    '"x"',
    "null",
    "[]",
    "NaN",
    "1e-999",
    '"9999999999999999999"',
)
_NUMBER: Final = re.compile(r'(?<=: )"?[0-9]+"?(?=[,}])')
_COLUMNS: Final = ["trace_hi", "trace_lo", "span_id", "kind"]

_Identity = tuple[object, ...]
"""Trace ID, span ID and kind."""


def drill(folder: Path, size: Size) -> Held:
    """Run the drill."""
    chance, finder = chances(size.seed), KeyFinder()
    expected: set[_Identity] = set()
    statuses: dict[str, int] = {}
    path = folder / "fuzz.duckdb"
    with (
        serving(path) as collector,
        httpx.Client() as client,
        grpc.insecure_channel(collector.grpc) as channel,
    ):
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_EXPORT)
        url = f"http://{collector.http}/v1/traces"
        other = valid(chance, size.count)
        for number in range(size.count):
            sent = valid(chance, number)
            sent = sent if chance.random() < 0.3 else mutated(chance, sent, other)
            way = ("http", "grpc", "json")[number % 3]
            if way == "json":
                text = _json(chance, number)
                status = client.post(url, content=text, headers=_JSON).status_code
                assert status in (200, 400), (status, text)
                batch = OtlpDecoder(finder).decode([JsonBody(text)]).batch
            else:
                status = _http(client, url, sent) if way == "http" else _grpc(export, sent)
                assert status == (200 if is_accepted(sent) else 400), (way, status, sent.hex())
                batch = otlp_protobuf.decode([sent], finder).batch
            if status == 200:
                expected |= {tuple(row.values()) for row in batch.spans.select(_COLUMNS).to_pylist()}
            statuses[f"{way} {status}"] = statuses.get(f"{way} {status}", 0) + 1
    with Database.open(path) as database, database.reading() as cursor:
        stored = cursor.execute(f"SELECT {', '.join(_COLUMNS)} FROM spans").fetchall()  # noqa: S608 - constant
    assert sorted(stored) == sorted(expected)
    answers = ", ".join(f"{count:,} × {name}" for name, count in sorted(statuses.items()))
    return Held(f"{size.count:,} requests", f"{answers}; {len(stored):,} spans, all as expected")


def _http(client: httpx.Client, url: str, sent: bytes) -> int:
    return client.post(url, content=sent, headers=PROTOBUF).status_code


def _grpc(export: "grpc.UnaryUnaryMultiCallable[bytes, bytes]", sent: bytes) -> int:
    code = export.future(sent).code()
    assert code in (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT), code
    return 200 if code is grpc.StatusCode.OK else 400


def _json(chance: random.Random, number: int) -> bytes:
    span = json_span(spanId=f"{2**63 + number:016x}", flags=1, status={"code": 1})
    text = json.dumps(json_request(span))
    if chance.random() < 0.5:
        places = list(_NUMBER.finditer(text))
        place = chance.choice(places)
        return (text[: place.start()] + chance.choice(_NUMBERS) + text[place.end() :]).encode()
    sent = bytearray(text.encode())
    for _ in range(chance.randrange(3)):
        sent[chance.randrange(len(sent))] = chance.randrange(256)
    return bytes(sent)
