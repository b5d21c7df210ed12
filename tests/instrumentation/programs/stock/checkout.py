"""One order, whose request uses several databases: each argument is a program and the URL of its database."""

import runpy
import sys
from pathlib import Path

from opentelemetry import trace

import laban

given = sys.argv
attributes = {"http.request.method": "POST", "http.route": "/orders"}
with trace.get_tracer("shop").start_as_current_span(
    "POST /orders", kind=trace.SpanKind.SERVER, attributes=attributes
):
    laban.correlate(order_id="1001")
    for program, url in zip(given[1::2], given[2::2], strict=True):
        sys.argv = [program, url]
        runpy.run_path(str(Path(__file__).with_name(program)), run_name="__main__")
