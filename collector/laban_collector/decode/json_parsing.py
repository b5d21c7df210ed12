"""JSON text to Python objects; in OTLP requests the attributes of spans stay text.

Most attributes are the same in span after span. As text each distinct one has to be read only once, and three
objects an attribute need not be made.
"""

from typing import Any, Final, TypedDict

import msgspec


class NotJsonError(ValueError):
    """A text that is no JSON; says from where on."""


class _Span(TypedDict, total=False):
    traceId: Any
    spanId: Any
    parentSpanId: Any
    traceState: Any
    flags: Any
    name: Any
    kind: Any
    startTimeUnixNano: Any
    endTimeUnixNano: Any
    attributes: list[msgspec.Raw] | None
    droppedAttributesCount: Any
    events: Any
    droppedEventsCount: Any
    links: Any
    droppedLinksCount: Any
    status: Any


class _ScopeSpans(TypedDict, total=False):
    scope: Any
    instrumentationLibrary: Any
    spans: list[_Span] | None


class _ResourceSpans(TypedDict, total=False):
    resource: Any
    scopeSpans: list[_ScopeSpans] | None
    instrumentationLibrarySpans: list[_ScopeSpans] | None


class _Request(TypedDict, total=False):
    """What the reader of OTLP/JSON looks at; everything else is skipped."""

    resourceSpans: list[_ResourceSpans] | None
    batches: list[_ResourceSpans] | None


_ANY: Final = msgspec.json.Decoder()
_REQUEST: Final = msgspec.json.Decoder(_Request)


def parse(text: bytes | msgspec.Raw) -> object:
    """A JSON document.

    Raises:
        NotJsonError: it is none, or is nested hundreds of levels deep.
    """
    return _decoded(_ANY, text)


def parse_request(text: bytes) -> object:
    """A JSON document; the attributes of spans are `msgspec.Raw` if it has the form of an OTLP request.

    Raises:
        NotJsonError: as `parse`.
    """
    try:
        if not text.isascii():
            text.decode()  # what is skipped is not looked at
        found = _decoded(_REQUEST, text)
    except UnicodeDecodeError as error:
        raise NotJsonError(str(error)) from error
    except msgspec.ValidationError:
        found = None
    return found or parse(text)


def _decoded(decoder: "msgspec.json.Decoder[Any]", text: bytes | msgspec.Raw) -> object:
    try:
        return decoder.decode(text)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotJsonError(str(error)) from error
    except RecursionError as error:
        raise NotJsonError("nested too deep") from error
