"""The private parts of the installed OpenTelemetry SDK are those that `laban.sdk` builds on.

At run time, laban leaves everything to an SDK that differs, and only gets slower. These tests reveal that.
"""

import importlib
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, cast

import pytest
from opentelemetry import propagate
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common._internal import trace_encoder
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Tracer, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_ON

from laban.business_keys import w3c_headers
from laban.sdk import otlp_exporters, span_start
from laban.sdk.context_values import BAGGAGE, SPAN

SPAN_FIELDS = [
    *("_context", "_parent", "_name", "_kind", "_start_time", "_end_time", "_attributes", "_events"),
    *("_links", "_status"),
]
ENCODER_PARTS = [
    *("_encode_resource", "_encode_instrumentation_scope", "_encode_span", "_encode_trace_state"),
    *("_encode_events", "_encode_links", "_encode_status", "_encode_attributes", "_span_flags"),
    "_SPAN_KIND_MAP",
]
SAMPLER_FIELDS = ["_root", "_remote_parent_sampled", "_local_parent_sampled"]
ATTRIBUTE_FIELDS = ["_dict", "_lock", "_immutable", "maxlen", "max_value_len"]


def differs(package: str, difference: str, module: str) -> str:
    """The message of a failed contract."""
    return f"{package} {version(package)}: {difference}; see {module}"


def assert_has(thing: object, names: Iterable[str], package: str, what: str, module: str) -> None:
    """It has all these attributes."""
    missing = [name for name in names if not hasattr(thing, name)]
    assert not missing, differs(package, f"{what} lacks {', '.join(missing)}", module)


def test_a_span_has_the_fields_that_span_start_sets() -> None:
    start_span = vars(Tracer)["start_span"]
    fields = span_start.span_fields(getattr(start_span, "upstream", start_span))
    assert fields is not None, "the SDK is disabled: unset OTEL_SDK_DISABLED"
    changed = [field for field in fields.sdk if field not in fields.built_here]
    changed += [field for field in fields.built_here if field not in fields.sdk]
    difference = f"`_Span` has other fields: {changed or 'in another order'}"
    assert fields.sdk == fields.built_here, differs("opentelemetry-sdk", difference, "sdk/span_start.py")


def test_the_default_sampler_is_known_to_sample_everything() -> None:
    where = "sdk/span_start.py"
    assert_has(DEFAULT_ON, SAMPLER_FIELDS, "opentelemetry-sdk", "`ParentBased`", where)
    sampled = cast("Any", span_start)._inspect(DEFAULT_ON)
    difference = f"the default sampler is not recognised: {sampled}"
    assert all(sampled), differs("opentelemetry-sdk", difference, where)


def test_attributes_are_set_by_the_method_that_span_attributes_replaces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package, where = "opentelemetry-api", "sdk/span_attributes.py"
    bounded: Any = BoundedAttributes(attributes={"a": 1}, immutable=False)
    assert_has(bounded, [*ATTRIBUTE_FIELDS, "_set_items"], package, "`BoundedAttributes`", where)
    assert bounded._dict == {"a": 1}, differs(package, "`_dict` does not hold the attributes", where)
    calls: list[dict[str, object]] = []

    def record(_bounded: object, attributes: Any) -> None:
        calls.append(dict(attributes))

    monkeypatch.setattr(BoundedAttributes, "_set_items", record)
    span: Any = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("span")
    calls.clear()
    span.set_attributes({"b": 2})
    BoundedAttributes(attributes={"c": 3})
    bypassed = differs(package, "attributes are set without `BoundedAttributes._set_items`", where)
    assert calls == [{"b": 2}, {"c": 3}], bypassed


def test_the_encoder_has_the_parts_that_span_encoding_uses() -> None:
    package, where = "opentelemetry-exporter-otlp-proto-common", "sdk/span_encoding.py"
    assert_has(trace_encoder, ENCODER_PARTS, package, "`trace_encoder`", where)
    assert_has(ReadableSpan("span"), SPAN_FIELDS, "opentelemetry-sdk", "`ReadableSpan`", where)


def test_an_ended_span_is_of_the_class_that_span_encoding_encodes() -> None:
    span: Any = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("span")
    span.end()
    kind = type(span._readable_span())
    difference = f"exporters get spans of {kind.__name__}"
    assert kind is ReadableSpan, differs("opentelemetry-sdk", difference, "sdk/span_encoding.py")


@pytest.mark.parametrize("name", otlp_exporters.OTLP)
def test_an_exporter_has_the_function_that_span_encoding_replaces(name: str) -> None:
    function = vars(importlib.import_module(name)).get("encode_spans")
    package = "opentelemetry-exporter-otlp-proto-common"
    difference = f"`{name}` does not use `trace_encoder.encode_spans`"
    assert function is trace_encoder.encode_spans, differs(package, difference, "sdk/otlp_exporters.py")


def test_a_resource_defines_its_hash_and_can_cache_it() -> None:
    where = "sdk/resource_hash.py"
    defined = "__hash__" in vars(Resource)
    assert defined, differs("opentelemetry-sdk", "`Resource` defines no `__hash__`", where)
    assert_has(Resource({}), ["__dict__"], "opentelemetry-sdk", "`Resource`", where)


def test_a_batch_processor_has_the_parts_that_the_draining_processor_wraps() -> None:
    package, where = "opentelemetry-sdk", "sdk/draining_processor.py"
    processor: Any = BatchSpanProcessor(InMemorySpanExporter())
    try:
        assert_has(processor, ["_batch_processor"], package, "`BatchSpanProcessor`", where)
        batch = processor._batch_processor
        assert_has(batch, ["_worker_thread", "_queue", "_metrics"], package, "`BatchProcessor`", where)
        assert_has(batch._metrics, ["drop_items"], package, "its metrics", where)
    finally:
        processor.shutdown()


def test_the_default_propagators_are_recognised() -> None:
    propagator = propagate.get_global_textmap()
    difference = f"the default propagators are not recognised: {propagator}"
    recognised = w3c_headers.is_default(propagator)
    assert recognised, differs("opentelemetry-api", difference, "business_keys/w3c_headers.py")


def test_span_and_baggage_have_one_context_key_each() -> None:
    assert len({SPAN, BAGGAGE}) == 2, differs(
        "opentelemetry-api", "they share a key", "sdk/context_values.py"
    )
