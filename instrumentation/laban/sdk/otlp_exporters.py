"""Makes the OTLP exporters encode spans with `span_encoding`, once the program loads an exporter."""

from types import ModuleType
from typing import Final

import wrapt

from laban.fail_open import fail_open

OTLP: Final = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
)
"""The modules that import the SDK's `encode_spans`."""


def install() -> None:
    """Patch each exporter when it is imported. A second call does nothing."""
    for name in OTLP:
        wrapt.register_post_import_hook(_patch, name)


def _patch(exporter: ModuleType) -> None:
    with fail_open("cannot speed up the encoding of spans"):
        from laban.sdk import span_encoding  # needs protobuf, which only comes with an OTLP exporter

        span_encoding.install(exporter)
