"""The tags of Datadog's tracers as attributes of the semantic conventions.

A tag keeps its name. The attribute that it means is added, where no dialect of the conventions has the
tag.
"""

import re
from collections.abc import Mapping
from typing import Final

from laban.vocabulary import (
    DATADOG_TAGS,
    DB_STATEMENT_DIALECTS,
    DB_SYSTEM,
    ERROR_TYPE,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
    HTTP_ROUTE,
    MESSAGING_SYSTEM,
    PEER_SERVICE,
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_VERSION,
    TAG_SPAN_KIND,
    URL_FULL_DIALECTS,
    URL_PATH_DIALECTS,
)
from laban_collector.batch.attributes import Value, representable
from laban_collector.decode.batch_builder import ResourceRow, resource_row
from laban_collector.decode.business_keys import url_path
from laban_collector.decode.dialects import systems
from laban_collector.decode.dialects.operations import PROCESS, RECEIVE, SEND, operation_type
from laban_collector.decode.dialects.placements import SYSTEM
from laban_collector.decode.json_documents import JsonObject, as_object, text
from laban_collector.decode.promotion import promote
from laban_collector.decode.span_kind import kind_of_tag

_SERVER, _CLIENT, _PRODUCER, _CONSUMER = 2, 3, 4, 5
CALLS: Final = (_CLIENT, _PRODUCER)
"""Kinds of spans that call something else."""
_DATABASES: Final = frozenset(
    ("sql", "db", "cassandra", "mongodb", "redis", "memcached", "elasticsearch", "opensearch", "aerospike")
)
"""Types of spans that call a database; the last ones name it."""
_NOT_NAMES: Final = frozenset(("sql", "db"))
_KINDS: Final = {"web": _SERVER, "http": _CLIENT, **dict.fromkeys(_DATABASES, _CLIENT)}
_MESSAGING: Final = ("queue", "worker", "")
_BASE_SERVICE: Final = "_dd.base_service"
_RESOURCE: Final = {
    "env": "deployment.environment.name",
    "version": SERVICE_VERSION,
    "runtime-id": SERVICE_INSTANCE_ID,
    "language": "telemetry.sdk.language",
    "_dd.hostname": "host.name",
    "hostname": "host.name",
    "host": "host.name",
    "process_id": "process.pid",
    "pod_name": "k8s.pod.name",
    "kube_namespace": "k8s.namespace.name",
    "kube_cluster_name": "k8s.cluster.name",
    "container_id": "container.id",
}
"""Tags that describe the process; the first one wins."""
_EXCEPTION: Final = (
    ("error.type", EXCEPTION_TYPE),
    ("error.message", EXCEPTION_MESSAGE),
    ("error.msg", EXCEPTION_MESSAGE),
    ("error.stack", EXCEPTION_STACKTRACE),
)
_ROUTE: Final = re.compile(r"[A-Z]+ (/\S*)")


def tags(span: JsonObject) -> dict[str, Value]:
    """Return the tags of a span, texts and numbers."""
    found = {key: representable(value) for key, value in as_object(span.get("meta"), "meta").items()}
    for key, value in as_object(span.get("metrics"), "metrics").items():
        whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
        found.setdefault(key, int(value) if whole else representable(value))
    return found


def name(span: JsonObject) -> str:
    """Return the name of the span: its resource, which says more, unless that is a query."""
    resource, operation = text(span, "resource"), text(span, "name")
    return operation if text(span, "type") in _DATABASES and operation else resource or operation


def kind(span: JsonObject, meta: Mapping[str, Value]) -> int:
    """Return the kind by its tag, else by the type of the span; 0 for unknown."""
    sent_type = text(span, "type")
    found = kind_of_tag(meta.get(TAG_SPAN_KIND)) or _KINDS.get(sent_type, 0)
    if found or sent_type not in _MESSAGING:
        return found
    # kafka.produce, amqp.command, aws.sqs.receive
    operation = operation_type(text(span, "name").rpartition(".")[2])
    return {SEND: _PRODUCER, PROCESS: _CONSUMER, RECEIVE: _CONSUMER}.get(operation, 0)


def take_exception(meta: dict[str, Value]) -> dict[str, Value]:
    """Return the attributes of the exception; of its tags, only the type stays with the span."""
    found: dict[str, Value] = {}
    for tag, key in _EXCEPTION:
        value = meta.get(tag) if tag == ERROR_TYPE else meta.pop(tag, None)
        if value not in (None, ""):
            found.setdefault(key, value)
    return found


def message(exception: Mapping[str, Value], otherwise: Value) -> str | None:
    """Return the message of a failed span; `otherwise` if its exception has none."""
    found = exception.get(EXCEPTION_MESSAGE) or otherwise
    return None if found in (None, "") else str(found)


def take_resource(span: JsonObject, meta: dict[str, Value], caller: str | None) -> ResourceRow:
    """Return the resource, and take its tags from those of the span.

    Args:
        span: as sent.
        meta: its tags; changed in place.
        caller: of a call, the service that makes it, if it is known. Without it, a tag names the service of
            the program.
    """
    service, base = text(span, "service"), meta.pop(_BASE_SERVICE, None)
    is_call = kind(span, meta) in CALLS
    owner = caller or (base if isinstance(base, str) else None)
    if is_call and owner and owner != service:
        if service:
            meta.setdefault(PEER_SERVICE, service)
        service = owner
    found: dict[str, Value] = {SERVICE_NAME: service} if service else {}
    for tag, key in _RESOURCE.items():
        value = meta.pop(tag, None) if tag in meta else span.get(tag)
        if value not in (None, ""):
            found.setdefault(key, representable(value))
    return resource_row(found)


def attributes(span: JsonObject, meta: dict[str, Value], kind: int) -> dict[str, Value]:
    """Return the attributes of a span, of which `meta` has those that are tags."""
    found = dict(meta)
    for tag, implied in DATADOG_TAGS.items():
        if found.get(tag) not in (None, ""):
            found.setdefault(implied.key, found[tag])
            found.setdefault(implied.system_key, implied.system)
    resource, operation, sent_type = text(span, "resource"), text(span, "name"), text(span, "type")
    if operation:
        found["operation.name"] = operation
    if sent_type in _DATABASES:
        if resource and not any(key in found for key in DB_STATEMENT_DIALECTS):
            found[DB_STATEMENT_DIALECTS[0]] = resource
        if sent_type not in _NOT_NAMES:
            found.setdefault(DB_SYSTEM, sent_type)
    elif kind == _SERVER and HTTP_ROUTE not in found and (route := _route(resource, found)):
        found[HTTP_ROUTE] = route
    if kind in (_PRODUCER, _CONSUMER) and SYSTEM not in promote(found, kind)[0]:
        # kafka.produce
        system = systems.known_broker(operation.partition(".")[0])
        if system:
            found[MESSAGING_SYSTEM] = system
    return found


def _route(resource: str, tags: Mapping[str, Value]) -> str | None:
    """Return the route in a resource such as `GET /orders/{id}`; None if it is the path of this request."""
    route = _ROUTE.fullmatch(resource)
    if route is None:
        return None
    urls = [url_path(str(tags[key])) for key in URL_FULL_DIALECTS if key in tags]
    paths = [*urls, *(str(tags[key]) for key in URL_PATH_DIALECTS if key in tags)]
    return None if not paths or route[1] in paths else route[1]
