"""The kind of a span in the tag `span.kind` of OpenTracing, which older formats use instead of a field."""

from typing import Final

from laban_collector.batch.attributes import Value

UNSPECIFIED: Final = 0
_KINDS: Final = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_PREFIX: Final = "span_kind_"


def kind_of_tag(value: Value) -> int:
    """Return the OTLP SpanKind for the value of the tag, in upper or lower case; unspecified for others."""
    return (
        _KINDS.get(value.lower().removeprefix(_PREFIX), UNSPECIFIED)
        if isinstance(value, str)
        else UNSPECIFIED
    )
