"""The fields of X-Ray's segments and subsegments as attributes of the semantic conventions."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from laban.vocabulary import (
    AWS_SQS,
    CLIENT_ADDRESS,
    DB_CONNECTION_STRING,
    DB_NAMESPACE,
    DB_SYSTEM,
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    MESSAGING_BATCH_MESSAGE_COUNT,
    MESSAGING_DESTINATION_NAME,
    MESSAGING_MESSAGE_ID,
    MESSAGING_OPERATION_NAME,
    MESSAGING_SYSTEM,
    PEER_SERVICE,
    RPC_METHOD,
    RPC_SERVICE,
    RPC_SYSTEM,
    SERVER_ADDRESS,
    SERVER_PORT,
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_NAMESPACE,
    SERVICE_VERSION,
    URL_FULL,
)
from laban_collector.batch.attributes import Value, representable
from laban_collector.decode.batch_builder import (
    ResourceRow,
    checked_time,
    resource_row,
)
from laban_collector.decode.json_documents import JsonObject, as_object, objects, text
from laban_collector.decode.results import MalformedError
from laban_collector.importing.formats.flattened import flattened

FIELDS: Final = frozenset(
    (
        *("name", "id", "trace_id", "parent_id", "type", "start_time", "end_time", "in_progress"),
        *("service", "origin", "user", "resource_arn", "links", "http", "fault", "error", "throttle"),
        *("cause", "aws", "annotations", "metadata", "subsegments", "namespace", "precursor_ids"),
        *("traced", "sql", "inferred"),
    )
)
"""The fields of segments and subsegments."""
IN_PROGRESS: Final = "aws.xray.in_progress"

_SERVER: Final = 2
_US: Final = 1_000_000
_NS_PER_US: Final = 1000
_AWS: Final = "aws"
_QUEUES: Final = {"sqs": AWS_SQS, "sns": "aws.sns"}
_SENDS: Final = frozenset({"sendmessage", "sendmessagebatch", "publish", "publishbatch"})
_OPERATIONS: Final = {"receivemessage": "receive", "deletemessage": "delete", "deletemessagebatch": "delete"}
_DESTINATIONS: Final = ("queue_url", "topic_arn", "queue_name", "topic_name", "target_arn")
_MESSAGES: Final = {"message_id": MESSAGING_MESSAGE_ID, "message_count": MESSAGING_BATCH_MESSAGE_COUNT}
_NAME_AT_END: Final = re.compile(r"[^/:]+(?=/?$)")
_NOT_A_NAME: Final = re.compile(r"[^a-z0-9]")
_HTTP_REQUEST: Final = {
    "method": HTTP_REQUEST_METHOD,
    "url": URL_FULL,
    "client_ip": CLIENT_ADDRESS,
    "user_agent": "user_agent.original",
}
_HTTP_RESPONSE: Final = {"status": HTTP_RESPONSE_STATUS_CODE, "content_length": "http.response.body.size"}
_RESOURCE: Final = {
    ("account_id",): "cloud.account.id",
    ("ec2", "availability_zone"): "cloud.availability_zone",
    ("ec2", "instance_id"): "host.id",
    ("ec2", "instance_size"): "host.type",
    ("ec2", "ami_id"): "host.image.id",
    ("ecs", "container"): "container.name",
    ("ecs", "container_id"): "container.id",
    ("ecs", "task_arn"): "aws.ecs.task.arn",
    ("ecs", "cluster_arn"): "aws.ecs.cluster.arn",
    ("eks", "cluster_name"): "k8s.cluster.name",
    ("eks", "pod"): "k8s.pod.name",
    ("eks", "container_id"): "container.id",
    ("elastic_beanstalk", "environment_name"): SERVICE_NAMESPACE,
    ("elastic_beanstalk", "version_label"): SERVICE_VERSION,
    ("elastic_beanstalk", "deployment_id"): SERVICE_INSTANCE_ID,
    ("xray", "sdk"): "telemetry.sdk.name",
    ("xray", "sdk_version"): "telemetry.sdk.version",
}
_OF_RESOURCE: Final = frozenset(path[0] for path in _RESOURCE) | {"cloudwatch_logs"}


def time(sent: JsonObject, name: str) -> int:
    """Return a time in ns, from seconds with a fraction; raises MalformedError."""
    seconds = sent.get(name)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise MalformedError(f"no {name}" if seconds is None else f"a {name} that is not a number")
    if not 0 <= seconds < 1e10:
        raise MalformedError(f"a {name} that is not in seconds since 1970")
    return checked_time(round(seconds * _US) * _NS_PER_US)


def known_times(sent: JsonObject) -> Iterator[int]:
    """Yield the times of the subsegments of a segment that has no end yet."""
    waiting = list(objects(sent, "subsegments"))
    while waiting:
        below = waiting.pop()
        for name in ("start_time", "end_time"):
            if below.get(name) is not None:
                yield time(below, name)
        waiting += objects(below, "subsegments")


def resource(segment: JsonObject) -> ResourceRow:
    """Return the resource of a segment document; that of a subsegment without its segment has no service."""
    aws = as_object(segment.get("aws"), "aws")
    found: dict[str, Value] = {"cloud.provider": _AWS} if aws.keys() - {"xray"} else {}
    for path, key in _RESOURCE.items():
        value: object = aws
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            found[key] = representable(value)
    service = as_object(segment.get("service"), "service")
    if version := text(service, "version"):
        found[SERVICE_VERSION] = version
    for name, key in (("origin", "aws.xray.origin"), ("resource_arn", "aws.xray.resource_arn")):
        if value := text(segment, name):
            found[key] = value
    name = text(segment, "name") if segment.get("type") != "subsegment" else ""
    return resource_row(found | ({SERVICE_NAME: name} if name else {}))


def publishes(sent: JsonObject) -> bool:
    """Whether a subsegment sends messages to a queue or a topic."""
    aws = as_object(sent.get("aws"), "aws")
    return _plain(text(sent, "name")) in _QUEUES and _plain(text(aws, "operation")) in _SENDS


def attributes(sent: JsonObject, kind: int) -> dict[str, Value]:
    """Return the attributes of a segment or subsegment, without those of its errors."""
    found = _http(as_object(sent.get("http"), "http"))
    found |= _sql(sent, as_object(sent.get("sql"), "sql"))
    found |= _aws(sent, as_object(sent.get("aws"), "aws"))
    if sent.get("namespace") == "remote" and URL_FULL not in found and SERVER_ADDRESS not in found:
        found[PEER_SERVICE] = text(sent, "name")
    if kind == _SERVER and (user := text(sent, "user")):
        found["enduser.id"] = user
    for name in ("traced", "precursor_ids"):
        if sent.get(name) is not None:
            found[f"aws.xray.{name}"] = representable(sent[name])
    found |= flattened(as_object(sent.get("metadata"), "metadata"), "aws.xray.metadata.")
    return found | flattened(as_object(sent.get("annotations"), "annotations"))


def _http(http: JsonObject) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for part, names in (("request", _HTTP_REQUEST), ("response", _HTTP_RESPONSE)):
        fields = as_object(http.get(part), part)
        for name, value in flattened(fields).items():
            found[names.get(name, f"http.{part}.{name}")] = value
    return found


def _sql(sent: JsonObject, sql: JsonObject) -> dict[str, Value]:
    if not sql:
        return {}
    names = {"sanitized_query": "db.query.text", "database_type": DB_SYSTEM, "user": "db.user"}
    names["connection_string"] = DB_CONNECTION_STRING
    found = {
        names.get(key, f"aws.xray.sql.{key}"): value for key, value in flattened(sql).items() if key != "url"
    }
    # The SDKs name a call `DATABASE@HOST`.
    database, _, host = text(sent, "name").rpartition("@")
    try:
        url = urlsplit(text(sql, "url").removeprefix("jdbc:"))
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    for key, value in (
        (SERVER_ADDRESS, url.hostname or host),
        (SERVER_PORT, port),
        (DB_NAMESPACE, url.path.strip("/") or database),
        (DB_SYSTEM, url.scheme),
    ):
        if value:
            found.setdefault(key, value)
    return found


def _aws(sent: JsonObject, aws: JsonObject) -> dict[str, Value]:
    """Return the attributes of a call of an AWS service."""
    operation, service = text(aws, "operation"), text(sent, "name")
    found = flattened({key: value for key, value in aws.items() if key not in _OF_RESOURCE}, "aws.")
    if sent.get("namespace") != _AWS:
        return found
    plain = _plain(service)
    if plain in _QUEUES:
        found[MESSAGING_SYSTEM] = _QUEUES[plain]
        known = _OPERATIONS.get(_plain(operation), "send" if _plain(operation) in _SENDS else operation)
        found[MESSAGING_OPERATION_NAME] = known
        where = next((value for name in _DESTINATIONS if (value := text(aws, name))), "")
        if name := _NAME_AT_END.search(where):
            found[MESSAGING_DESTINATION_NAME] = name[0]
        found |= {_MESSAGES[key]: representable(aws[key]) for key in _MESSAGES if aws.get(key) is not None}
    elif plain == "dynamodb":
        found[DB_SYSTEM] = "aws.dynamodb"
        found["db.operation.name"] = operation
        if table := text(aws, "table_name"):
            found["db.collection.name"] = table
    else:
        found |= {RPC_SYSTEM: "aws-api", RPC_SERVICE: service, PEER_SERVICE: service}
        if operation:
            found[RPC_METHOD] = operation
    return found


def _plain(name: str) -> str:
    """Return a name of a service or an operation as all SDKs write it: `SQS` and `AmazonSQS` are one."""
    return _NOT_A_NAME.sub("", name.lower()).removeprefix("amazon").removesuffix("v2")
