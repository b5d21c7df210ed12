"""The messages of some keys: the traces that have a message key in common, read together."""

from collections.abc import Iterable, Sequence
from typing import Final
from zlib import crc32

from laban_app.answers.closure import Groups, Limits, Window, closure
from laban_collector.store.base import ClosureReader, SpanReader
from laban_collector.store.rows import ALL_STARTS, Span
from laban_mapper.findings.facts import SampledTrace, traces_of_one_key
from laban_mapper.names import with_namespaces
from laban_mapper.profiles.followers import Followers
from laban_mapper.spans import is_publishing
from laban_mapper.story.messages import Consumption

_KEYS: Final = 40
_TRACES_OF_KEY: Final = 6
_LIMITS: Final = Limits(traces=1_000, spans=6_000)


def sampled_keys(
    reader: SpanReader,
    bulk: ClosureReader,
    spans: Iterable[Span],
    window: Window,
    consumption: Consumption,
    groups: Groups,
) -> list[SampledTrace]:
    """Read the traces that share the key of a sampled message; only of keys that several traces share.

    Args:
        reader: of the store.
        bulk: for many traces of the window.
        spans: of the sample.
        window: in which the traces have spans, ns.
        consumption: the consumers of each topic, and how far they are.
        groups: of each topic, if they are known; more are added.
    """
    shared = _shared(reader, _keys_of(spans), window)
    if not shared:
        return []
    wanted = list(dict.fromkeys(trace for traces in shared for trace in traces))
    followed = closure(bulk, wanted, ALL_STARTS, groups, _LIMITS)
    if not followed.complete:
        return []  # the missing part could be the message between two others
    followers = Followers(with_namespaces(followed.spans))
    together = [
        {id(span): span for trace in traces for span in followers.spans(trace)}.values() for traces in shared
    ]
    return [traces_of_one_key(list(found), consumption) for found in together if found]


def _keys_of(spans: Iterable[Span]) -> list[str]:
    """Some keys of published messages; which ones, their hashes decide."""
    keys = {span.message_key for span in spans if is_publishing(span) and span.message_key}
    return sorted(keys, key=lambda key: crc32(key.encode()))[:_KEYS]


def _shared(reader: SpanReader, keys: Sequence[str], window: Window) -> list[list[str]]:
    """Of each key, the traces of the window in which it is known by any name; only if there are several."""
    if not keys:
        return []
    found: dict[str, dict[str, None]] = {}
    for (_, value), refs in reader.traces_of_values("", keys, _TRACES_OF_KEY).items():
        for ref in refs:
            if ref.first < window[1] and ref.last >= window[0]:
                found.setdefault(value, {})[ref.trace_id] = None
    return [list(traces) for _, traces in sorted(found.items()) if len(traces) > 1]
