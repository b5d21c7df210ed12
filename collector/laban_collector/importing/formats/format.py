"""What a file format is: how its documents look, and how they are read."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from laban_collector.decode.batch_builder import SentSpan
from laban_collector.decode.otlp_json import ProtobufRequest
from laban_collector.decode.results import Problems

Content = SentSpan | ProtobufRequest
"""A span, or an OTLP request with any number of spans."""


class Format(NamedTuple):
    """A file format.

    Attributes:
        recognizes: whether a parsed JSON document has this format.
        read: yields the contents of documents; parts that cannot be read are left out and counted. May raise
            `WrongTypeError`, which skips what is left of them.
        together: whether the documents of a chunk are read together, because one explains another. Otherwise
            each is read alone.
    """

    recognizes: Callable[[Any], bool]
    read: Callable[[Sequence[Any], Problems], Iterator[Content]]
    together: bool = False
