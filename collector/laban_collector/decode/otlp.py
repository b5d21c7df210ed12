"""OTLP requests in either encoding to one SpanBatch."""

from collections.abc import Sequence

from laban_collector.batch.splitter import join
from laban_collector.decode import otlp_json
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.columnar import decoder as columnar
from laban_collector.decode.results import Decoded, JsonBody
from laban_collector.protect.protection import Protection


def decode(payloads: Sequence[bytes], finder: KeyFinder, protection: Protection | None = None) -> Decoded:
    """Decode bodies of ExportTraceServiceRequest, protobuf and `JsonBody`, into a batch, protected if asked.

    A body that cannot be decoded becomes an `UndecodableRequest` among the outcomes, and leaves the others
    alone. Spans, events and links with malformed ids or impossible times are left out and counted.
    """
    as_json = [number for number, body in enumerate(payloads) if isinstance(body, JsonBody)]
    if not as_json:
        return columnar.decode(payloads, finder, protection)
    others = [number for number, body in enumerate(payloads) if not isinstance(body, JsonBody)]
    from_json = otlp_json.decode([payloads[number] for number in as_json], finder)
    from_protobuf = columnar.decode([payloads[number] for number in others], finder, protection)
    outcomes = dict(zip(as_json, from_json.outcomes, strict=True))
    outcomes |= zip(others, from_protobuf.outcomes, strict=True)
    other = from_json.batch if protection is None else protection.apply(from_json.batch)
    batch = join([from_protobuf.batch, other])
    return Decoded(batch, tuple(outcomes[number] for number in range(len(payloads))))
