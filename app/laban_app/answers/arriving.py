"""Answers of a collector while spans arrive: a question waits only for spans that it needs."""

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from laban_app.answers.alert_settings import AlertSettings
from laban_app.answers.local import LocalAnswers
from laban_app.errors import NotInRange, UnknownValue
from laban_collector.ingest.storage_service import StorageService
from laban_collector.ingest.unloaded import Unloaded
from laban_collector.store.base import SpanReader
from laban_collector.store.rows import MessageRef, Span, TraceRef, WholeSpan
from laban_mapper.findings.thresholds import FindingsSettings
from laban_mapper.model import ServiceMap, Story
from laban_mapper.trace import Trace

A = TypeVar("A")


class ArrivingAnswers(LocalAnswers):
    """Answers that contain all spans acknowledged before the question.

    Acknowledged spans are in the journal before they are in the tables (decision 0009). A story is answered
    without waiting for the tables if no span in the journal belongs to it. Before other answers, the caller
    waits (`StorageService.settle`).

    Args:
        storage: the storage whose store is asked.
        staleness: seconds of the newest spans that graphs may miss while very many arrive.
        judged_by: the limits of findings.
        alerting: when alerts fire.
    """

    def __init__(
        self,
        storage: StorageService,
        staleness: float,
        judged_by: FindingsSettings | None = None,
        alerting: AlertSettings | None = None,
    ) -> None:
        self._storage = storage
        self._tables = storage.store.reader(staleness=staleness)
        super().__init__(self._tables, judged_by=judged_by, alerting=alerting)

    def story(
        self, key: str, value: str, since: datetime | None = None, until: datetime | None = None
    ) -> Story:
        """What happened to a business key value; raises UnknownValue with the nearest known values."""
        return self._complete(lambda answers: answers.story(key, value, since, until))

    def story_of_trace(self, trace_id: str) -> Story:
        """What happened in one trace, and what followed from it; raises UnknownTrace."""
        return self._complete(lambda answers: answers.story_of_trace(trace_id))

    def trace(self, trace_id: str, limit: int | None = None) -> Trace:
        """One trace with all that was sent; raises UnknownTrace."""
        return self._complete(lambda answers: answers.trace(trace_id, limit))

    def trace_json(self, trace_id: str, limit: int | None = None) -> Iterator[bytes]:
        """The same as JSON, piece by piece."""
        return self._complete(lambda answers: answers.trace_json(trace_id, limit))

    def service_map(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        unseen: bool = False,
        entry: str | None = None,
        settled: bool = True,
    ) -> ServiceMap:
        """Which service calls which, and how; says up to when if it lacks the newest spans."""
        complete = self._storage.settle_edges() and settled
        return super().service_map(since, until, unseen=unseen, entry=entry, settled=complete)

    def _complete(self, ask: Callable[[LocalAnswers], A]) -> A:
        """Ask the tables; if the answer needs spans that are not there, wait for them and ask again."""
        unloaded = self._storage.unloaded()  # before the tables are read: what leaves it is in the tables
        try:
            return ask(self._of(cast("SpanReader", _TablesAlone(self._tables, unloaded))))
        except _NotLoaded:
            pass
        except (UnknownValue, NotInRange):
            if not unloaded:
                raise
        self._storage.settle()
        return ask(self._of(self._tables))


class _NotLoaded(Exception):
    """The answer needs spans that are not in the tables yet."""


class _TablesAlone:
    """A reader of the tables that raises `_NotLoaded` if the answer needs spans that are not in them.

    Args:
        tables: reads the tables.
        unloaded: the keys of the acknowledged spans that are not in the tables.
    """

    def __init__(self, tables: SpanReader, unloaded: Unloaded) -> None:
        self._tables: Final = tables
        self._unloaded: Final = unloaded

    def __getattr__(self, name: str) -> Any:
        """Return a method whose answer does not depend on the traces of the question."""
        return getattr(self._tables, name)

    def traces_with(self, key_prefix: str, value: str, limit: int) -> list[TraceRef]:
        _refuse(self._unloaded.has_value(value))
        return self._tables.traces_with(key_prefix, value, limit)

    def keys_with(self, value: str, limit: int) -> list[frozenset[str]]:
        _refuse(self._unloaded.has_value(value))
        return self._tables.keys_with(value, limit)

    def spans_of(self, trace_ids: Sequence[str], since: int, until: int, limit: int) -> list[Span]:
        _refuse(self._unloaded.has_trace(trace_ids))
        return self._tables.spans_of(trace_ids, since, until, limit)

    def trace(self, trace_id: str, limit: int | None = None) -> Generator[list[WholeSpan], None, None]:
        _refuse(self._unloaded.has_trace([trace_id]))
        return self._tables.trace(trace_id, limit)

    def traces_linked_from(self, trace_ids: Sequence[str]) -> list[str]:
        _refuse(self._unloaded.has_link_to(trace_ids))
        return self._tables.traces_linked_from(trace_ids)

    def traces_of_messages(self, messages: Collection[MessageRef], since: int, until: int) -> list[str]:
        _refuse(self._unloaded.may_have_message(messages))
        return self._tables.traces_of_messages(list(messages), since, until)

    def groups_of(self, topics: Sequence[str]) -> dict[str, dict[str, str]]:
        groups = self._tables.groups_of(topics)
        for reader in sorted(self._unloaded.readers()):
            if reader.topic in topics:
                groups.setdefault(reader.topic, {})[reader.group] = reader.service
        return groups


def _refuse(needed: bool) -> None:  # noqa: FBT001 - reads as a condition
    if needed:
        raise _NotLoaded
