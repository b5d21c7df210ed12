"""Connections to the brokers of one Kafka cluster, each of which may fail alone.

The admin client of kafka-python gives up at the first error of any broker, group or partition, and tries a
wrong password again and again. So this module sends protocol requests through the layer below it.
"""

import re
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Final, TypeVar

from kafka.errors import (
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.metadata import MetadataRequest

from laban_collector.errors import ClusterError, KafkaLoginFailed, KafkaUnreachable
from laban_collector.secret_values import without_secrets

TIMEOUT: Final = 5.0
"""Seconds for a request, and for a connection."""

PATIENCE: Final = 1.0
"""Seconds for a request to a broker that did not answer last time, so that it does not delay the others."""

LONGEST_BACK_OFF: Final = 10.0
"""Maximum seconds between two connections to one broker that refuses them."""

_LARGEST_RESPONSE: Final = 100_000_000
_LOGIN_ERRORS: Final = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError)

Result = TypeVar("Result")


class Brokers:
    """Sends requests to the brokers, in a thread of its own.

    Coroutines run in that thread by `run`; all other methods that are coroutines must be called there.

    Args:
        options: the options of kafka-python (`security.client_options`).
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        milliseconds = round(TIMEOUT * 1000)
        config = {
            **options,
            "client_id": "laban-lag",
            "request_timeout_ms": milliseconds,
            "socket_connection_setup_timeout_ms": milliseconds,
            "reconnect_backoff_max_ms": round(LONGEST_BACK_OFF * 1000),
            "receive_message_max_bytes": _LARGEST_RESPONSE,
            "slow_task_threshold_secs": 0,
        }
        self._loop = NetworkSelector(**config)
        self._manager: Any = KafkaConnectionManager(self._loop, **config)
        self._lock = threading.Lock()
        self._closed = False
        self._running: set[threading.Event] = set()
        self._silent: set[int | str] = set()

    def connect(self) -> None:
        """Connect to the first broker that answers, and ask it for the others.

        Raises:
            KafkaLoginFailed: a broker refuses the login; no other broker is tried.
            KafkaUnreachable: no broker answers.
            KafkaCredentialsUnusable: there is no token.
        """
        with self._lock:
            self._check_open()
            self._loop.start()
        self.run(self._bootstrap)

    def close(self) -> None:
        """Close all connections; a call of `run` in another thread ends with KafkaUnreachable."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for ended in self._running:
                ended.set()
        self._loop.stop()
        self._manager.close()
        self._loop.close()

    def run(self, function: Callable[..., Awaitable[Result]], *arguments: object) -> Result:
        """Run a coroutine function in the thread of the connections, and return its result.

        Raises:
            KafkaUnreachable: the connections were closed meanwhile.
        """
        # Not by the `run` of kafka-python: while another thread closes it, that may drive the loop itself.
        ended = threading.Event()
        with self._lock:
            self._check_open()
            self._running.add(ended)
            future: Any = self._loop.call_soon_with_future(function, *arguments)

        def end(_: object) -> None:
            ended.set()

        future.add_both(end)
        ended.wait()
        with self._lock:
            self._running.discard(ended)
            self._check_open()
        if future.exception is not None:
            raise future.exception
        result: Result = future.value
        return result

    def _check_open(self) -> None:
        if self._closed:
            raise KafkaUnreachable("the connections were closed")

    async def send(self, broker: int | str, request: Any) -> Any:
        """Send a request to a broker, and return its response.

        Raises:
            KafkaError: the broker does not answer, or does not know the request.
        """
        milliseconds = round((PATIENCE if broker in self._silent else TIMEOUT) * 1000)
        try:
            connection = self._connection(broker, milliseconds)
            sent = connection.send_request(request, request_timeout_ms=milliseconds)
            response = await self._manager.wait_for(sent, milliseconds)
        except (KafkaError, ClusterError):
            self._silent.add(broker)
            raise
        # Such as a response that cannot be decoded: it must cost this broker only.
        except Exception as error:
            self._silent.add(broker)
            raise KafkaConnectionError(_reason(error)) from error
        self._silent.discard(broker)
        return response

    async def send_to_any(self, request: Any) -> Any:
        """Send a request to a broker that answers, if there is one.

        Raises:
            KafkaUnreachable: none does.
        """
        first = self._manager.least_loaded_node()
        others = [broker.node_id for broker in self._manager.cluster.brokers() if broker.node_id != first]
        failures: dict[str, KafkaError] = {}
        for broker in [first, *others]:
            try:
                return await self.send(broker, request)
            except KafkaError as error:
                failures[self._address(broker)] = error
        # A client often reaches a cluster but not the addresses that its brokers tell.
        raise KafkaUnreachable(
            "; ".join(f"its broker {address}: {_reason(error)}" for address, error in failures.items())
        )

    async def gather(self, calls: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
        """Run coroutines at the same time, and return their results in order."""
        started = [self._manager.call_soon(call) for call in calls]
        return [await result for result in started]

    async def version(self, broker: int, request: type[Any]) -> int:
        """Return the newest version of a kind of request that the broker and kafka-python both know.

        Raises:
            KafkaError: the broker does not answer, or does not know this kind of request.
        """
        connection = await self._connection(broker, round(TIMEOUT * 1000))
        version: int = connection.broker_version_data.api_version(request)
        return version

    def learn(self, metadata: Any) -> None:
        """Take the addresses of the brokers from a response to a MetadataRequest."""
        self._manager.cluster.update_metadata(metadata)

    def _address(self, broker: int | str | None) -> str:
        found = self._manager.cluster.broker_metadata(broker)
        return f"{found.host}:{found.port}" if found else "(none is known)"

    def _connection(self, broker: int | str, milliseconds: int) -> Any:
        # Without this option, a failed connection would make kafka-python connect again and again.
        return self._manager.get_connection(broker, timeout_ms=milliseconds, refresh_metadata_on_err=False)

    async def _bootstrap(self) -> None:
        failure: Exception | None = None
        for broker in self._manager.cluster.bootstrap_brokers():
            try:
                self.learn(await self._greet(broker.node_id))
            except ClusterError:
                raise
            except _LOGIN_ERRORS as error:
                raise KafkaLoginFailed(_reason(error)) from error
            # Whatever a mechanism of SASL raises at the answers of a broker comes through here.
            except Exception as error:  # noqa: BLE001
                failure = failure or error
            else:
                self._manager.close(broker.node_id)  # the broker has another ID from now on
                return
        raise KafkaUnreachable(_reason(failure)) from failure

    async def _greet(self, broker: str) -> Any:
        connection = self._connection(broker, round(TIMEOUT * 1000))
        try:
            await connection
        except KafkaConnectionError as error:
            # Older brokers close the connection without an answer. Newer ones answer first, but kafka-python
            # loses what arrives together with the end.
            if connection.sasl_enabled and connection.broker_version_data is not None:
                raise KafkaLoginFailed("the broker closed the connection during the login") from error
            raise
        request = MetadataRequest(topics=MetadataRequest.NO_TOPICS, allow_auto_topic_creation=False)
        return await self.send(broker, request)


def _reason(error: Exception | None) -> str:
    """Return what went wrong, without the class names that kafka-python puts first."""
    if error is None:
        return "no broker is known"
    described = getattr(error, "description", None) or type(error).__name__
    text = without_secrets(str(error.args[0]) if error.args else str(described))
    return re.sub(r"^(\[Error \d+\] )?\w+Error: ", "", text)
