"""Span attribute keys that laban writes or reads, their accepted spellings, and its scope names.

Keys follow OpenTelemetry's semantic conventions for HTTP, RPC, messaging and Kafka. If a key has several
spellings in use, the first one listed is the one that laban writes.
"""

from collections.abc import Mapping
from itertools import chain
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

# Instrumentation scopes of the spans that laban starts itself, one per library. Backends group and filter by
# them, so they stay the same when modules move. Spans of patched upstream tracers keep the upstream scope.
SCOPE_KAFKA_PYTHON: Final = "laban.kafka_python"
SCOPE_AIOKAFKA: Final = "laban.aiokafka"
SCOPE_CONFLUENT_KAFKA: Final = "laban.confluent_kafka"
SCOPE_PROCESSING: Final = "laban.processing"
SCOPE_APSCHEDULER: Final = "laban.apscheduler"
SCOPE_FAUST: Final = "laban.faust"
SCOPE_NATS: Final = "laban.nats"
SCOPE_PIKA: Final = "laban.pika"
SCOPE_GRPC: Final = "laban.grpc"
SCOPE_ASGI: Final = "laban.asgi"

SERVICE_NAME: Final = "service.name"
SERVICE_NAMESPACE: Final = "service.namespace"
K8S_NAMESPACE_NAME: Final = "k8s.namespace.name"
SERVICE_VERSION: Final = "service.version"
SERVICE_INSTANCE_ID: Final = "service.instance.id"

TAG_COMPONENT: Final = "component"
"""OpenTracing's tag for the instrumented library."""

ERROR_TYPE: Final = "error.type"
ERROR_TYPE_OTHER: Final = "_OTHER"
"""The conventions' value for an error of unknown type."""
EXCEPTION_EVENT: Final = "exception"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"

HTTP_REQUEST_METHOD: Final = "http.request.method"
HTTP_ROUTE: Final = "http.route"
HTTP_RESPONSE_STATUS_CODE: Final = "http.response.status_code"
HTTP_REQUEST_RESEND_COUNT: Final = "http.request.resend_count"
URL_PATH: Final = "url.path"
URL_FULL: Final = "url.full"
URL_TEMPLATE: Final = "url.template"
URL_PATH_DIALECTS: Final = (URL_PATH, "http.target", "http.path")
URL_FULL_DIALECTS: Final = (URL_FULL, "http.url")
DB_STATEMENT_DIALECTS: Final = ("db.query.text", "db.statement", "sql.query")
DB_CONNECTION_STRING: Final = "db.connection_string"
CLIENT_HOSTS: Final = ("url.domain", "http.host", DB_CONNECTION_STRING)
"""On CLIENT spans, they name the server."""
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
CLIENT_ADDRESS: Final = "client.address"
CLIENT_PORT: Final = "client.port"
LOCAL_ADDRESS: Final = "network.local.address"
LOCAL_PORT: Final = "network.local.port"
PEER_SERVICE: Final = "service.peer.name"
DB_SYSTEM: Final = "db.system.name"
DB_NAMESPACE: Final = "db.namespace"

RPC_SYSTEM: Final = "rpc.system"
RPC_SYSTEM_NAME: Final = "rpc.system.name"
RPC_SERVICE: Final = "rpc.service"
RPC_METHOD: Final = "rpc.method"
RPC_GRPC_STATUS_CODE: Final = "rpc.grpc.status_code"
RPC_STATUS_DIALECTS: Final = ("rpc.response.status_code", RPC_GRPC_STATUS_CODE, "grpc.status_code")

KAFKA: Final = "kafka"
RABBITMQ: Final = "rabbitmq"
AWS_SQS: Final = "aws_sqs"
NATS: Final = "nats"
CELERY: Final = "celery"
"""Not a system of the conventions. Used for Celery's queues, whatever broker is below Celery."""
MESSAGING_SYSTEM: Final = "messaging.system"
MESSAGING_OPERATION_NAME: Final = "messaging.operation.name"
MESSAGING_OPERATION_TYPE: Final = "messaging.operation.type"
MESSAGING_DESTINATION_NAME: Final = "messaging.destination.name"
MESSAGING_DESTINATION_PARTITION_ID: Final = "messaging.destination.partition.id"
MESSAGING_CONSUMER_GROUP_NAME: Final = "messaging.consumer.group.name"
MESSAGING_CLIENT_ID: Final = "messaging.client.id"
MESSAGING_MESSAGE_ID: Final = "messaging.message.id"
MESSAGING_MESSAGE_BODY_SIZE: Final = "messaging.message.body.size"
CLOUDEVENTS_EVENT_ID: Final = "cloudevents.event_id"
CLOUDEVENTS_EVENT_SOURCE: Final = "cloudevents.event_source"
CLOUDEVENTS_EVENT_SPEC_VERSION: Final = "cloudevents.event_spec_version"
CLOUDEVENTS_EVENT_TYPE: Final = "cloudevents.event_type"
MESSAGE_IDS: Final = (CLOUDEVENTS_EVENT_ID, MESSAGING_MESSAGE_ID, "messaging.message_id")
"""They identify the content of a message, the most telling first."""
MESSAGE_SIZES: Final = (
    *(MESSAGING_MESSAGE_BODY_SIZE, "messaging.message.payload_size_bytes"),
    *("messaging.message_payload_size_bytes", "messaging.message.envelope.size"),
)
"""The size of one message."""
MESSAGING_BATCH_MESSAGE_COUNT: Final = "messaging.batch.message_count"
MESSAGING_RABBITMQ_ROUTING_KEY: Final = "messaging.rabbitmq.destination.routing_key"
MESSAGING_KAFKA_OFFSET: Final = "messaging.kafka.offset"
MESSAGING_KAFKA_MESSAGE_KEY: Final = "messaging.kafka.message.key"
MESSAGING_KAFKA_MESSAGE_TOMBSTONE: Final = "messaging.kafka.message.tombstone"

CELERY_TASK_NAME: Final = "celery.task_name"
"""Written by the upstream instrumentation."""

# No convention covers these.
LABAN_MESSAGE_TIMESTAMP_MS: Final = "laban.kafka.message.timestamp_ms"
LABAN_JOB_ID: Final = "laban.job.id"
CODE_FUNCTION_NAME: Final = "code.function.name"
LABAN_QUEUE_TIME_MS: Final = "laban.kafka.queue_time_ms"
LABAN_END_TIME: Final = "laban.end_time_unix_nano"
"""The end time as received, if it was before the start time."""

LABAN_TIMEOUT_MS: Final = "laban.timeout_ms"
"""The caller's timeout, on client spans: how long it waits for what `laban.timeout.scope` says."""
LABAN_TIMEOUT_SCOPE: Final = "laban.timeout.scope"
"""What the caller's timeout limits, on client spans of httpx, requests, urllib3, aiohttp and gRPC.

`call`: the whole call. `read`: each wait for bytes, so the call may take longer. `none`: the caller waits
without a limit, and there is no `laban.timeout_ms`. Absent: not seen, which is not the same as none.
"""
TIMEOUT_OF_CALL: Final = "call"
TIMEOUT_OF_READ: Final = "read"
NO_TIMEOUT: Final = "none"
LABAN_MESSAGE_TYPE: Final = "laban.message.type"
"""The event type, of a message that is not a CloudEvent."""
LABAN_MESSAGE_SCHEMA_VERSION: Final = "laban.message.schema_version"
"""`dataschema` of a CloudEvent, or the version in a header."""
LABAN_MESSAGE_SCHEMA_ID: Final = "laban.message.schema_id"
"""The ID or GUID of the schema in a schema registry."""
LABAN_MESSAGE_CONTENT_TYPE: Final = "laban.message.content_type"
LABAN_RPC_STREAMING: Final = "laban.rpc.streaming"
"""Which side streams (server, client or bidi), on client and server spans of streaming RPCs."""
REQUEST_ID: Final = "request.id"
"""The value of X-Request-ID: the ID of one request. The correlation ID spans all requests of a trace."""
LABAN_REDELIVERED: Final = "laban.kafka.redelivered"
LABAN_LOCAL_PREFIX: Final = "laban.local."
"""Prefix of a business key whose value, found in one service, differs from the value of its caller."""
LABAN_DELIVERY_ATTEMPT: Final = "laban.delivery.attempt"
LABAN_DEAD_LETTER_TOPIC: Final = "laban.dead_letter.original.topic"
LABAN_DEAD_LETTER_PARTITION: Final = "laban.dead_letter.original.partition"
LABAN_DEAD_LETTER_OFFSET: Final = "laban.dead_letter.original.offset"
LABAN_DEAD_LETTER_EXCEPTION: Final = "laban.dead_letter.exception"
LABAN_DEAD_LETTER_REASON: Final = "laban.dead_letter.reason"
"""Why a record was dead-lettered or is retried: the message of the exception."""

# Retries, seen in the library that makes them. Every retry has one event `laban.retry`, so the number of
# these events is the number of retries. If one span covers all attempts (urllib3, requests), they are on it.
LABAN_RETRY_EVENT: Final = "laban.retry"
"""On the span that is current where attempts are made: an attempt failed, and another one follows.

Its attributes: `laban.retry.library`, `laban.retry.attempt` (of the failed attempt), `laban.retry.wait_ms`,
and `error.type` (the type of the exception, or the HTTP status) if there is one.
"""
LABAN_RETRY_EXHAUSTED_EVENT: Final = "laban.retry.exhausted"
"""An attempt after the first failed, and was the last one allowed. The same attributes, without a wait."""
LABAN_RETRY_ATTEMPT: Final = "laban.retry.attempt"
"""The number of an attempt; the first attempt is 1.

On CLIENT and PRODUCER spans that begin inside a repeated attempt: 2 or more, never 1. If one span covers all
attempts, the number of its last attempt. If retries are nested, that of the innermost repeated attempt.
"""
LABAN_RETRY_LIBRARY: Final = "laban.retry.library"
"""What makes the attempts: tenacity, stamina or urllib3. Next to every `laban.retry.attempt`."""
HTTP_RESEND_COUNT: Final = "http.request.resend_count"
"""By the conventions, on CLIENT spans: how often the HTTP client had sent the same request before."""
LABAN_RETRY_WAIT_MS: Final = "laban.retry.wait_ms"
"""The wait between the failed attempt and the next one, in milliseconds."""

# Circuit breakers. Events and attributes have the library; the name is absent if the breaker has none.
LABAN_CIRCUIT_CHANGED_EVENT: Final = "laban.circuit.changed"
"""On the span that is current where a breaker changes: `laban.circuit.state` after, and before it."""
LABAN_CIRCUIT_REFUSED_EVENT: Final = "laban.circuit.refused"
"""On the current span, one for each call that an open breaker did not let through: what it spared."""
LABAN_CIRCUIT_NAME: Final = "laban.circuit.name"
LABAN_CIRCUIT_STATE: Final = "laban.circuit.state"
"""`closed`, `open` or `half_open`.

On CLIENT and PRODUCER spans that begin inside a guarded call: the state in which the innermost breaker let it
through, so `closed` or `half_open`. On a span with one of the two events: the state after the last of them.
"""
LABAN_CIRCUIT_PREVIOUS_STATE: Final = "laban.circuit.previous_state"
LABAN_CIRCUIT_LIBRARY: Final = "laban.circuit.library"
"""aiobreaker, circuitbreaker, purgatory or pybreaker."""
CIRCUIT_CLOSED: Final = "closed"
CIRCUIT_OPEN: Final = "open"
CIRCUIT_HALF_OPEN: Final = "half_open"

ORDER_ID: Final = "order.id"
CORRELATION_ID: Final = "correlation.id"
KAFKA_KEY_CORRELATION: Final = "kafka.key"
"""The name of the correlation that holds a Kafka message key if no rule names it."""

CORRELATION_ID_HEADER: Final = "X-Correlation-ID"
REQUEST_ID_HEADER: Final = "X-Request-ID"


# OTLP SpanKind. Some keys mean another thing on another kind of span.
SERVER: Final = 2
CLIENT: Final = 3
PRODUCER: Final = 4
CONSUMER: Final = 5


class Promoted(NamedTuple):
    """A span attribute that has its own column in the table `spans`."""

    column: str
    type: Literal["text", "integer"]
    keys: tuple[str, ...]
    """Accepted spellings; the first one present on a span wins. The column alone gives back the first one."""
    keys_by_kind: Mapping[int, tuple[str, ...]] = MappingProxyType({})
    """Accepted spellings on spans of other kinds, where they differ."""

    def keys_on(self, kind: int) -> tuple[str, ...]:
        """Return the accepted spellings on spans of this OTLP SpanKind."""
        return self.keys_by_kind.get(kind, self.keys)

    @property
    def every_key(self) -> tuple[str, ...]:
        """The accepted spellings on spans of any kind, those of most kinds first."""
        return tuple(dict.fromkeys(chain(self.keys, *self.keys_by_kind.values())))


_NAMES_OF_SERVERS: Final = (
    *(SERVER_ADDRESS, "net.peer.name", "peer.hostname", "out.host", "network.destination.name"),
    *("server.socket.domain", "net.sock.peer.name"),
)
SOCKET_ADDRESSES: Final = (
    *("network.peer.address", "net.peer.ip", "net.sock.peer.addr", "server.socket.address"),
    *("network.destination.ip", "peer.address", "peer.ipv4", "peer.ipv6"),
)
"""Where the connection goes to: less than a name that the caller used."""
SOCKET_PORTS: Final = (
    *("network.peer.port", "net.sock.peer.port", "server.socket.port"),
    "network.destination.port",
)
# On these spans, `server.address` is the own host, or the broker.
_ADDRESSES_OF_CALLERS: Final = (
    *(CLIENT_ADDRESS, "http.client_ip", "net.peer.name", "net.sock.peer.name", "peer.hostname"),
    *("client.socket.address", "network.peer.address", "net.peer.ip", "net.sock.peer.addr"),
    *("peer.address", "peer.ipv4", "peer.ipv6"),
)
_PORTS_OF_CALLERS: Final = (
    *(CLIENT_PORT, "net.peer.port", "client.socket.port", "network.peer.port", "net.sock.peer.port"),
    "peer.port",
)
OPERATION_NAMES: Final = (MESSAGING_OPERATION_NAME, "amqp.command")
"""A system's own names of operations; unknown ones say nothing about the type."""
NAMES_OF_CALLERS: Final = (CLIENT_ADDRESS, "net.peer.name", "net.sock.peer.name", "peer.hostname")
"""On SERVER spans; they identify a caller if they are names, not addresses."""
_SOURCE_NAME: Final = "messaging.source.name"
"""In conventions 1.17 to 1.20, where a consumer receives from; the destination is where it was sent to."""
_SUBSCRIPTIONS: Final = (
    "messaging.destination.subscription.name",
    "messaging.servicebus.destination.subscription_name",
)

LISTS_OF_TYPES: Final = ("messaging.masstransit.message_types", "nservicebus.enclosed_message_types")
"""The types of one message, the most specific first."""

PROMOTED: Final[tuple[Promoted, ...]] = (
    Promoted("http_method", "text", (HTTP_REQUEST_METHOD, "http.method")),
    Promoted("http_route", "text", (HTTP_ROUTE,)),
    Promoted("http_status", "integer", (HTTP_RESPONSE_STATUS_CODE, "http.status_code")),
    Promoted("rpc_system", "text", (RPC_SYSTEM_NAME, RPC_SYSTEM, TAG_COMPONENT)),
    Promoted("rpc_service", "text", (RPC_SERVICE,)),
    Promoted("rpc_method", "text", (RPC_METHOD,)),
    Promoted("messaging_system", "text", (MESSAGING_SYSTEM, TAG_COMPONENT)),
    Promoted(
        "messaging_operation",
        "text",
        (MESSAGING_OPERATION_TYPE, "messaging.operation", *OPERATION_NAMES),
    ),
    Promoted(
        "messaging_destination",
        "text",
        (
            *(MESSAGING_DESTINATION_NAME, "messaging.destination", _SOURCE_NAME),
            *("message_bus.destination", "kafka.topic", "amqp.exchange"),
        ),
    ),
    Promoted(
        "messaging_group",
        "text",
        (
            *(MESSAGING_CONSUMER_GROUP_NAME, "messaging.kafka.consumer.group"),
            *("messaging.kafka.consumer_group", "messaging.eventhubs.consumer.group"),
            *("messaging.rocketmq.client_group", *_SUBSCRIPTIONS, "kafka.group_id"),
        ),
    ),
    Promoted(
        "messaging_partition",
        "integer",
        (
            *(MESSAGING_DESTINATION_PARTITION_ID, "messaging.kafka.destination.partition"),
            *("messaging.kafka.source.partition", "messaging.kafka.partition", "kafka.partition"),
        ),
    ),
    Promoted(
        "messaging_offset",
        "integer",
        (
            *(MESSAGING_KAFKA_OFFSET, "messaging.kafka.message.offset"),
            *("kafka.message_offset", "kafka.offset"),
        ),
    ),
    Promoted(
        "messaging_key",
        "text",
        (MESSAGING_KAFKA_MESSAGE_KEY, "messaging.kafka.message_key", "kafka.message_key"),
    ),
    Promoted("messaging_batch_count", "integer", (MESSAGING_BATCH_MESSAGE_COUNT,)),
    Promoted(
        "peer_address",
        "text",
        (*_NAMES_OF_SERVERS, *SOCKET_ADDRESSES),
        {
            CLIENT: (*_NAMES_OF_SERVERS, *CLIENT_HOSTS, *SOCKET_ADDRESSES),
            SERVER: _ADDRESSES_OF_CALLERS,
            CONSUMER: _ADDRESSES_OF_CALLERS,
        },
    ),
    Promoted(
        "peer_port",
        "integer",
        (SERVER_PORT, "net.peer.port", "peer.port", "out.port", *SOCKET_PORTS),
        {SERVER: _PORTS_OF_CALLERS, CONSUMER: _PORTS_OF_CALLERS},
    ),
    Promoted(
        "peer_service",
        "text",
        (PEER_SERVICE, "peer.service"),
        {SERVER: (PEER_SERVICE, "peer.service", *NAMES_OF_CALLERS)},
    ),
    Promoted("db_system", "text", (DB_SYSTEM, "db.system", "db.type")),
    Promoted(
        "db_namespace",
        "text",
        (
            *(DB_NAMESPACE, "db.name", "db.instance", "db.cassandra.keyspace", "db.hbase.namespace"),
            *("db.elasticsearch.cluster.name", "db.redis.database_index"),
        ),
    ),
    Promoted("error_type", "text", (ERROR_TYPE,)),
    Promoted(
        "message_type",
        "text",
        (
            *(CLOUDEVENTS_EVENT_TYPE, LABAN_MESSAGE_TYPE, "messaging.message_type"),
            *(*LISTS_OF_TYPES, CELERY_TASK_NAME),
        ),
    ),
    Promoted("message_version", "text", (LABAN_MESSAGE_SCHEMA_VERSION, LABAN_MESSAGE_SCHEMA_ID)),
)


class Consulted(NamedTuple):
    """A span attribute without a column of its own; it fills columns that other attributes leave empty."""

    name: str
    type: Literal["text", "flag"]
    keys: tuple[str, ...]
    columns: tuple[str, ...]


_TOPIC_AND_GROUP: Final = ("messaging_destination", "messaging_group")

CONSULTED_URL: Final = "url"
CONSULTED_CLIENT_ID: Final = "client_id"
CONSULTED: Final[tuple[Consulted, ...]] = (
    Consulted(CONSULTED_URL, "text", URL_FULL_DIALECTS, ("peer_address", "peer_port")),
    Consulted(
        "routing_key",
        "text",
        (MESSAGING_RABBITMQ_ROUTING_KEY, "messaging.rabbitmq.routing_key", "amqp.routing_key"),
        _TOPIC_AND_GROUP,
    ),
    Consulted("queue", "text", (_SOURCE_NAME, "amqp.queue"), _TOPIC_AND_GROUP),
    Consulted("subscription", "text", _SUBSCRIPTIONS, ("messaging_destination",)),
    Consulted("published_to", "text", ("messaging.destination_publish.name",), _TOPIC_AND_GROUP),
    Consulted(
        "resource",
        "text",
        (
            *("aws.sqs.queue.url", "aws.sns.topic.arn", "messaging.url"),
            *("aws.queue.name", "aws.queue.url", "aws.kinesis.stream_name"),
        ),
        ("messaging_destination",),
    ),
    Consulted(
        "template",
        "text",
        ("messaging.destination.template", "messaging.source.template"),
        ("messaging_destination",),
    ),
    Consulted(
        "anonymous",
        "flag",
        (
            *("messaging.destination.anonymous", "messaging.source.anonymous"),
            *("messaging.destination.temporary", "messaging.source.temporary"),
        ),
        ("messaging_destination",),
    ),
    Consulted(
        "consumer_id", "text", ("messaging.consumer.id", "messaging.consumer_id"), ("messaging_group",)
    ),
    Consulted(
        CONSULTED_CLIENT_ID,
        "text",
        (MESSAGING_CLIENT_ID, "messaging.client_id", "messaging.kafka.client_id"),
        ("messaging_group",),
    ),
)
"""`messaging.temp_destination` is left out: Python's instrumentations of RabbitMQ set it on every publish."""


def keys_filling(promoted: Promoted) -> tuple[str, ...]:
    """Return all keys whose values may end up in a column."""
    consulted = [it.keys for it in CONSULTED if promoted.column in it.columns]
    return tuple(dict.fromkeys(chain(promoted.every_key, *consulted)))


# Tags in which OpenTelemetry's exporters for Jaeger and Zipkin send what those formats have no field for.
# Source: the OpenTelemetry specification, "Mapping to non-OTLP Formats". `span.kind` and `error` come from
# OpenTracing.
TAG_SPAN_KIND: Final = "span.kind"
TAG_ERROR: Final = "error"
TAG_STATUS_CODE: Final = "otel.status_code"
TAG_STATUS_DESCRIPTION: Final = "otel.status_description"
TAG_SCOPE_NAMES: Final = ("otel.scope.name", "otel.library.name")
TAG_SCOPE_VERSIONS: Final = ("otel.scope.version", "otel.library.version")
TAG_TRACE_STATE: Final = "w3c.tracestate"

LOG_EVENT: Final = "event"
LOG_MESSAGE: Final = "message"
LOG_EXCEPTION: Final = {
    "error.kind": EXCEPTION_TYPE,
    LOG_MESSAGE: EXCEPTION_MESSAGE,
    "error.object": EXCEPTION_MESSAGE,
    "stack": EXCEPTION_STACKTRACE,
}
"""Fields of OpenTracing's error log → attributes of the exception event."""


class Implied(NamedTuple):
    """The OpenTelemetry attributes that a tag of another tool's instrumentations implies."""

    key: str
    """The attribute that gets the tag's value."""
    system_key: str
    system: str


ZIPKIN_TAGS: Final = {
    "kafka.topic": Implied(MESSAGING_DESTINATION_NAME, MESSAGING_SYSTEM, KAFKA),
    "rabbit.exchange": Implied(MESSAGING_DESTINATION_NAME, MESSAGING_SYSTEM, RABBITMQ),
    "rabbit.routing_key": Implied(MESSAGING_RABBITMQ_ROUTING_KEY, MESSAGING_SYSTEM, RABBITMQ),
    "rabbit.queue": Implied(_SOURCE_NAME, MESSAGING_SYSTEM, RABBITMQ),
    "jms.queue": Implied(MESSAGING_DESTINATION_NAME, MESSAGING_SYSTEM, "jms"),
    "jms.topic": Implied(MESSAGING_DESTINATION_NAME, MESSAGING_SYSTEM, "jms"),
    "cassandra.keyspace": Implied(DB_NAMESPACE, DB_SYSTEM, "cassandra"),
}
"""If several tags imply the same attribute, the first one wins."""

DATADOG_TAGS: Final = {
    "kafka.topic": Implied(MESSAGING_DESTINATION_NAME, MESSAGING_SYSTEM, KAFKA),
    "kafka.group": Implied(MESSAGING_CONSUMER_GROUP_NAME, MESSAGING_SYSTEM, KAFKA),
    "kafka.group_id": Implied(MESSAGING_CONSUMER_GROUP_NAME, MESSAGING_SYSTEM, KAFKA),
    "amqp.exchange": Implied(MESSAGING_DESTINATION_NAME, MESSAGING_SYSTEM, RABBITMQ),
    "amqp.routing_key": Implied(MESSAGING_RABBITMQ_ROUTING_KEY, MESSAGING_SYSTEM, RABBITMQ),
    "amqp.queue": Implied(_SOURCE_NAME, MESSAGING_SYSTEM, RABBITMQ),
    "aws.sqs.queue_name": Implied(MESSAGING_DESTINATION_NAME, MESSAGING_SYSTEM, AWS_SQS),
    "queuename": Implied(MESSAGING_DESTINATION_NAME, MESSAGING_SYSTEM, AWS_SQS),
    "aws.sns.topic_name": Implied(MESSAGING_DESTINATION_NAME, MESSAGING_SYSTEM, "aws.sns"),
    "topicname": Implied(MESSAGING_DESTINATION_NAME, MESSAGING_SYSTEM, "aws.sns"),
    "grpc.method.path": Implied(RPC_METHOD, RPC_SYSTEM, "grpc"),
    "rpc.grpc.full_method": Implied(RPC_METHOD, RPC_SYSTEM, "grpc"),
}
"""Tags of Datadog's tracers. If several imply the same attribute, the first one wins."""

RPC_MESSAGE_ID: Final = "message.id"
"""On events of RPC streams: the number of the message in its stream, which is no business key."""
PLATFORM_NAMESPACES: Final = frozenset(
    {"android", "artifact", "cicd", "dotnet", "heroku", "hw", "ios", "oci", "openshift", "vcs", "webengine"}
)
"""Namespaces of resource attributes that identify a platform or a build, and no business entity."""

UNKNOWN_SERVICE: Final = "unknown_service"
"""The service of a resource without `service.name`. SDKs add `:` and the name of the program."""
