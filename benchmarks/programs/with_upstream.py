"""Runs a program with the upstream instrumentations and the SDK's defaults: `PROGRAM ARGUMENT…`."""

import os
import runpy
import sys
from typing import Any, cast

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.auto_instrumentation import _load
from opentelemetry.instrumentation.distro import DefaultDistro  # type: ignore[attr-defined]  # upstream has no types
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
if os.environ.get("OTEL_TRACES_EXPORTER") != "none":
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
cast("Any", _load)._load_instrumentors(DefaultDistro())  # noqa: SLF001 - as opentelemetry-instrument does

sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
