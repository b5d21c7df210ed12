"""The consumers of one client library: who they are, and what hands out their records."""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from opentelemetry.trace import Tracer

from laban import vocabulary
from laban.fail_open import fail_open, failed
from laban.messaging.delivery import Handing
from laban.messaging.records import PROCESS_ATTRIBUTES, Consumer, Message
from laban.messaging.send_span import client_attributes
from laban.sdk.suppression import is_tracing


class Identity(NamedTuple):
    """What a consumer was configured_rules with; servers as text or a list, None for what is not set."""

    servers: Any
    client_id: str | None
    group: str | None


class Following:
    """Follows the consumers of one client library."""

    def __init__(
        self,
        tracer: Tracer,
        hook: Callable[..., object] | None,
        read: Callable[[Any], Message | None],
        identify: Callable[[Any], Identity],
        owner: Callable[[], object] = threading.get_ident,
    ) -> None:
        """Takes what differs from client to client.

        Args:
            tracer: of the instrumentation.
            hook: the user's `consume_hook(span, record, args, kwargs)`, or None.
            read: makes a `Message` of a record.
            identify: answers how a consumer was configured_rules.
            owner: answers who takes records now.
        """
        self._tracer = tracer
        self._hook = hook
        self._read = read
        self._identify = identify
        self._owner = owner
        self._handings: WeakKeyDictionary[object, Handing] = WeakKeyDictionary()
        self._seen: dict[tuple[str, str], dict[tuple[str, int], int]] = {}

    def handing(self, consumer: Any) -> Handing | None:
        """What hands out this consumer's records in spans; None when spans are suppressed."""
        if not is_tracing():
            return None
        try:
            handing = self._handings.get(consumer)
            if handing is None:
                handing = self._handings[consumer] = Handing(self._describe(consumer), self._owner)
        except Exception as error:  # noqa: BLE001 - as fail_open, for less
            failed("cannot follow a Kafka consumer", error)
            return None
        return handing

    def end(self, consumer: object, error: BaseException | None) -> None:
        """The consumer closes, perhaps because of this error of a handler."""
        with fail_open("cannot end spans of Kafka records"):
            handing = self._handings.get(consumer)
            if handing is not None:
                handing.end_all(error)

    def _describe(self, consumer: Any) -> Consumer:
        servers, client_id, group = self._identify(consumer)
        attributes = {**PROCESS_ATTRIBUTES, **client_attributes(servers, client_id)}
        if group is None:
            return Consumer(self._tracer, attributes, self._read, self._hook, seen={})
        attributes[vocabulary.MESSAGING_CONSUMER_GROUP_NAME] = group
        # What one member of a group has read, another one reads again after a rebalance.
        seen = self._seen.setdefault((str(servers), group), {})
        return Consumer(self._tracer, attributes, self._read, self._hook, seen)
