"""The spans of many stories, read with a few queries; each story is then answered from memory.

Reading one story after the other asks the database a dozen questions for each, and a question costs more than
its rows.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar, cast

from laban_app.answers.closure import Window, message_of
from laban_app.answers.cut import first_and_newest
from laban_collector.store.base import SpanReader
from laban_collector.store.rows import Lag, MessageRef, Peer, QueueProgress, Span, TraceRef
from laban_mapper.spans import is_publishing

_AN_HOUR: Final = 3600 * 1_000_000_000
_SHORT_ID: Final = "0" * 16
"""The high half of a trace ID of 64 bits."""

T = TypeVar("T")
Asked = tuple[str, str]
"""A business key and its value."""


class TooManySpans(Exception):
    """The stories have more spans together than may be read at once."""


class LoadedSpans:
    """Answers the questions of a story like a `SpanReader`, from spans in memory; asks the store for more.

    Args:
        store: the store.
        traces: the traces of each story, by key and value.
        memory: answers of the store that do not depend on the story; shared by the readers of one list.
    """

    def __init__(
        self,
        store: SpanReader,
        traces: Mapping[Asked, Sequence[TraceRef]],
        memory: dict[object, Any],
    ) -> None:
        self._store = store
        self._refs = traces
        self._memory = memory
        self._spans: defaultdict[str, dict[str, list[Span]]] = defaultdict(dict)
        """By the low half of the trace ID, and by the trace ID."""
        self._linking: defaultdict[str, dict[str, None]] = defaultdict(dict)
        """By the ID of a trace, the traces with a link to it."""
        self._on_message: defaultdict[MessageRef, list[Span]] = defaultdict(list)
        self.count = 0

    def load(self, window: Window, limit: int) -> None:
        """Read the traces of all stories, and all that follow from them by a link or a message.

        Raises:
            TooManySpans: they have more spans than the limit.
        """
        told = (first_and_newest(refs) for refs in self._refs.values())
        new = list(dict.fromkeys(ref.trace_id for refs in told for ref in refs))
        known = dict.fromkeys(new)
        while new:
            if len(known) > limit:
                raise TooManySpans
            spans = self._store.spans_of(new, *window, limit + 1 - self.count)
            self._add(spans)
            if self.count > limit:
                raise TooManySpans
            traces = dict.fromkeys([*new, *(span.trace_id for span in spans)])
            published = {ref: None for span in spans if is_publishing(span) and (ref := message_of(span))}
            reached = self._store.traces_linked_from(list(traces))
            if published:
                reached += self._store.traces_of_messages(list(published), *window)
            known.update(traces)
            new = [trace for trace in dict.fromkeys(reached) if trace not in known]
            known.update(dict.fromkeys(new))

    def reached(self, asked: Asked) -> Generator[Span, None, None]:
        """Yield the spans of a story, and maybe some more: all that may follow from its traces."""
        new = [ref.trace_id for ref in self._refs[asked]]
        known: set[str] = set()
        while new:
            trace = new.pop()
            if trace in known:
                continue
            known.add(trace)
            new += self._linking.get(trace, ())
            for form in self._spans[trace[16:]]:
                new.append(form)
                for span in self._spans[trace[16:]][form]:
                    yield span
                    if message := message_of(span):
                        new += (other.trace_id for other in self._on_message[message])

    def _add(self, spans: Sequence[Span]) -> None:
        for span in spans:
            self.count += 1
            self._spans[span.trace_id[16:]].setdefault(span.trace_id, []).append(span)
            for trace_id, _ in span.links:
                self._linking[trace_id][span.trace_id] = None
            if message := message_of(span):
                self._on_message[message].append(span)

    @contextmanager
    def at_one_moment(self) -> Generator[None, None, None]:
        """Do nothing: the spans are in memory."""
        yield

    def keys_with(self, value: str, _: int) -> list[frozenset[str]]:
        """Return the keys of the stories with a value, one by one: each is asked for by its whole key."""
        return [frozenset([key]) for key, known in self._refs if known == value]

    def traces_with(self, key: str, value: str, limit: int) -> list[TraceRef]:
        """Return the traces of a story, newest first."""
        return list(self._refs[key, value][:limit])

    def spans_of(self, trace_ids: Collection[str], since: int, until: int, limit: int) -> list[Span]:
        """Return the first spans of these traces that start in the window, by start."""
        wanted = dict.fromkeys(form for trace_id in trace_ids for form in self._forms(trace_id))
        found = [
            span
            for trace_id in wanted
            for span in self._spans[trace_id[16:]].get(trace_id, ())
            if since <= span.start < until
        ]
        return sorted(found, key=lambda span: (span.start, span.span_id))[:limit]

    def _forms(self, trace_id: str) -> Collection[str]:
        """The ID, and its other form if there is exactly one: see `SpanReader.spans_of`."""
        forms = {trace_id, *self._spans[trace_id[16:]]}
        both = len(forms) == 2 and any(form.startswith(_SHORT_ID) for form in forms)
        return forms if both else [trace_id]

    def traces_linked_from(self, trace_ids: Collection[str]) -> list[str]:
        """Return the other traces with a span that links to one of these."""
        given = set(trace_ids)
        linking = (trace for trace_id in given for trace in self._linking.get(trace_id, ()))
        return [trace for trace in dict.fromkeys(linking) if trace not in given]

    def traces_of_messages(self, messages: Collection[MessageRef], since: int, until: int) -> list[str]:
        """Return the traces with a span on one of these messages."""
        spans = (span for message in messages for span in self._on_message.get(message, ()))
        return list(dict.fromkeys(span.trace_id for span in spans if since <= span.start < until))

    def callees(self, peers: Collection[Peer], since: int, until: int) -> dict[Peer, str]:
        """Return the service behind each peer; orders of the same hour share the answer."""
        return self._remembered(
            ("callees", frozenset(peers), since // _AN_HOUR, until // _AN_HOUR),
            lambda: self._store.callees(peers, since, until),
        )

    def groups_of(self, topics: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return topic → consumer group → service."""
        return self._remembered(("groups_of", *topics), lambda: self._store.groups_of(topics))

    def latest_lag(self, window: tuple[int, int] | None = None) -> list[Lag]:
        """Return the newest row of each (cluster, group, topic, partition), or of those in a window."""
        return self._remembered(("latest_lag", window), lambda: self._store.latest_lag(window))

    def queue_progress(
        self, topics: Sequence[str], since: int, until: int, recent: int
    ) -> list[QueueProgress]:
        """Return how the groups of some topics have advanced in a window."""
        return self._remembered(
            ("queue_progress", *topics, since, until, recent),
            lambda: self._store.queue_progress(topics, since, until, recent),
        )

    def last_spans(self, services: Collection[str]) -> dict[str, int]:
        """Return the end (ns) of the last span of each service."""
        return self._remembered(("last_spans", frozenset(services)), lambda: self._store.last_spans(services))

    def __getattr__(self, name: str) -> Any:
        """Return a method of the store whose answer is not in memory."""
        return getattr(self._store, name)

    def _remembered(self, question: object, ask: Callable[[], T]) -> T:
        if question not in self._memory:
            self._memory[question] = ask()
        return cast("T", self._memory[question])
