"""The registry of one Kafka client library's consumers: configuration and record delivery of each."""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from opentelemetry.trace import Tracer

from laban import vocabulary
from laban.fail_open import fail_open, report_failure
from laban.messaging.delivery import Delivery
from laban.messaging.records import PROCESS_ATTRIBUTES, ConsumedRecord, ConsumerSettings
from laban.messaging.send_span import client_attributes
from laban.sdk.suppression import is_tracing


class ConsumerConfig(NamedTuple):
    """A consumer's configuration: servers as text or a list; None for a value that is not set."""

    servers: Any
    client_id: str | None
    group: str | None


class ConsumerRegistry:
    """Creates and keeps one `Delivery` per consumer of a client library."""

    def __init__(
        self,
        tracer: Tracer,
        hook: Callable[..., object] | None,
        read: Callable[[Any], ConsumedRecord | None],
        read_config: Callable[[Any], ConsumerConfig],
        owner: Callable[[], object] = threading.get_ident,
    ) -> None:
        """Takes the parts that differ between client libraries.

        Args:
            tracer: of the instrumentation.
            hook: the user's `consume_hook(span, record, args, kwargs)`, or None.
            read: reads a record; None if it is an error report.
            read_config: returns a consumer's configuration.
            owner: returns the thread or task that currently receives records.
        """
        self._tracer = tracer
        self._hook = hook
        self._read = read
        self._read_config = read_config
        self._owner = owner
        self._deliveries: WeakKeyDictionary[object, Delivery] = WeakKeyDictionary()
        self._highest_offsets: dict[tuple[str, str], dict[tuple[str, int], int]] = {}

    def delivery(self, consumer: Any) -> Delivery | None:
        """The delivery of this consumer's records; None while instrumentation is suppressed."""
        if not is_tracing():
            return None
        try:
            delivery = self._deliveries.get(consumer)
            if delivery is None:
                delivery = self._deliveries[consumer] = Delivery(self._settings(consumer), self._owner)
        except Exception as error:  # noqa: BLE001 - like fail_open, but cheaper
            report_failure("cannot trace a Kafka consumer", error)
            return None
        return delivery

    def end(self, consumer: object, error: BaseException | None) -> None:
        """End the consumer's spans because it closes, perhaps after this error of a handler."""
        with fail_open("cannot end spans of Kafka records"):
            delivery = self._deliveries.get(consumer)
            if delivery is not None:
                delivery.end_all(error)

    def _settings(self, consumer: Any) -> ConsumerSettings:
        servers, client_id, group = self._read_config(consumer)
        attributes = {**PROCESS_ATTRIBUTES, **client_attributes(servers, client_id)}
        if group is None:
            return ConsumerSettings(self._tracer, attributes, self._read, self._hook, highest_offsets={})
        attributes[vocabulary.MESSAGING_CONSUMER_GROUP_NAME] = group
        # Shared by the group: after a rebalance, one member may receive what another has received before.
        highest_offsets = self._highest_offsets.setdefault((str(servers), group), {})
        return ConsumerSettings(self._tracer, attributes, self._read, self._hook, highest_offsets)
