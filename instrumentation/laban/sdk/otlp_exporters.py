"""The exporters of OTLP, whichever the program uses: they encode spans in our way, once they are loaded."""

from types import ModuleType
from typing import Final

import wrapt

from laban.fail_open import fail_open

OTLP: Final = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
)
"""The modules that have `encode_spans` of the SDK."""


def install() -> None:
    """Wait for them. Twice does no harm."""
    for name in OTLP:
        wrapt.register_post_import_hook(_loaded, name)


def _loaded(exporter: ModuleType) -> None:
    with fail_open("cannot encode spans at less cost"):
        from laban.sdk import span_encoding  # brings protobuf, which is there with an exporter of OTLP only

        span_encoding.install(exporter)
