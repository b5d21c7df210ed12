"""How instrumentations write the spans of calls and messages: laban's, the Java agent's, stock Python's.

Copied from what these instrumentations send: names, kinds, attributes of old and new conventions, and what
they leave out.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from benchmarks.simulation.blueprint import Action, Database, External, Group, Operation, Service, Style

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
OK: Final = 1
ERROR: Final = 2

Value = str | int


@dataclass(eq=False, slots=True)
class Recorded:
    """A span as a service records it. Times are in ns, by a clock that is right."""

    service: Service
    trace: bytes
    span_id: bytes
    parent: bytes
    name: str
    kind: int
    start: int
    end: int
    attributes: dict[str, Value] = field(default_factory=dict)
    links: list[tuple[bytes, bytes]] = field(default_factory=list)
    exceptions: list[tuple[str, str]] = field(default_factory=list)
    status: int = 0
    message: str = ""
    kept: bool = True


class Trouble(NamedTuple):
    """A failure as its caller sees it.

    Attributes:
        code: HTTP status of the answer; 0 without an answer.
        type: of the exception.
        text: of the exception.
        transient: whether callers try again.
    """

    code: int
    type: str
    text: str
    transient: bool = False


_GRPC_CODES: Final = {404: 5, 500: 13, 502: 14, 503: 14, 504: 4, 0: 14}
_UPSTREAM: Final = {
    "laban": "httpx.HTTPStatusError",
    "java": "org.springframework.web.client.HttpServerErrorException",
    "python": "requests.exceptions.HTTPError",
}


def server_name(operation: Operation) -> str:
    """The name of a server span."""
    return operation.name if operation.protocol == "grpc" else f"{operation.verb} {operation.name}"


def server_attributes(operation: Operation, path: str) -> dict[str, Value]:
    """The attributes of a server span when it begins."""
    service = operation.service
    if operation.protocol == "grpc":
        return _rpc(operation)
    if service.style == "python":
        return {
            "http.scheme": "http",
            "http.host": f"{service.address}:{service.port}",
            "net.host.port": service.port,
            "http.flavor": "1.1",
            "http.target": path,
            "http.url": f"http://{service.address}:{service.port}{path}",
            "http.method": operation.verb,
            "http.route": operation.name,
        }
    return {
        "http.request.method": operation.verb,
        "http.route": operation.name,
        "url.path": path,
        "url.scheme": "http",
        "server.address": service.address,
        "server.port": service.port,
    }


def client_name(action: Action) -> str:
    """The name of a client span."""
    target = action.target
    return target.name if isinstance(target, Operation) and target.protocol == "grpc" else action.verb


def client_attributes(style: Style, action: Action, path: str) -> dict[str, Value]:
    """The attributes of the client span of a call."""
    target = action.target
    if isinstance(target, External):
        address, port, scheme = target.address, 443, "https"
    else:
        assert isinstance(target, Operation)
        address, port, scheme = target.service.address, target.service.port, "http"
        if target.protocol == "grpc":
            called = _rpc(target)
            if style != "python":
                called |= {"server.address": address, "server.port": port}
            return called
    url = f"{scheme}://{address}{'' if port in {80, 443} else f':{port}'}{path}"
    if style == "python":
        return {"http.method": action.verb, "http.url": url}
    return {
        "http.request.method": action.verb,
        "url.full": url,
        "server.address": address,
        "server.port": port,
    }


def database_name(style: Style, action: Action, database: Database) -> str:
    """The name of the client span of a query."""
    verb, _, table = action.verb.partition(" ")
    return f"{verb} {database.name}.{table}" if style == "java" else verb


def database_attributes(style: Style, action: Action, database: Database) -> dict[str, Value]:
    """The attributes of the client span of a query."""
    if style == "laban":
        return {
            "db.system.name": database.system,
            "db.namespace": database.name,
            "db.query.text": action.verb,
            "server.address": database.address,
            "server.port": database.port,
        }
    peer = ("net.peer.name", "net.peer.port") if style == "python" else ("server.address", "server.port")
    return {
        "db.system": database.system,
        "db.name": database.name,
        "db.statement": action.verb,
        peer[0]: database.address,
        peer[1]: database.port,
    }


def send_name(style: Style, topic: str) -> str:
    """The name of a producer span."""
    return {"laban": f"send {topic}", "java": f"{topic} publish", "python": f"{topic} send"}[style]


def send_attributes(style: Style, topic: str, key: str, event: dict[str, Value]) -> dict[str, Value]:
    """The attributes of a producer span before the broker has acknowledged."""
    if style == "python":
        return {"messaging.system": "kafka", "messaging.destination": topic, "messaging.url": "kafka:9092"}
    operation = {"laban": "messaging.operation.type", "java": "messaging.operation"}[style]
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        operation: "send" if style == "laban" else "publish",
        "messaging.kafka.message.key": key,
        "messaging.client.id": f"producer-{topic}",
        **event,
    }


def acknowledge(span: Recorded, partition: int, offset: int) -> None:
    """Add what the broker's acknowledgement tells to a producer span; stock Python does not wait for it."""
    match span.service.style:
        case "laban":
            span.attributes["messaging.destination.partition.id"] = str(partition)
            span.attributes["messaging.kafka.offset"] = offset
        case "java":
            span.attributes["messaging.destination.partition.id"] = str(partition)
            span.attributes["messaging.kafka.message.offset"] = offset
        case "python":
            pass


def consume_name(group: Group, topic: str) -> str:
    """The name of a consumer span."""
    style = group.operation.service.style
    return {"laban": f"process {topic}", "java": f"{topic} process", "python": f"{topic} receive"}[style]


def consume_attributes(
    group: Group, topic: str, partition: int, offset: int, key: str, event: dict[str, Value]
) -> dict[str, Value]:
    """The attributes of a consumer span."""
    match group.operation.service.style:
        case "python":
            return {
                "messaging.system": "kafka",
                "messaging.destination": topic,
                "messaging.kafka.partition": partition,
                "messaging.operation": "receive",
                "messaging.url": "kafka:9092",
            }
        case "java":
            return {
                "messaging.system": "kafka",
                "messaging.destination.name": topic,
                "messaging.operation": "process",
                "messaging.kafka.consumer.group": group.name,
                "messaging.destination.partition.id": str(partition),
                "messaging.kafka.message.offset": offset,
                "messaging.kafka.message.key": key,
                "messaging.client_id": f"consumer-{group.name}-1",
                **event,
            }
        case "laban":
            return {
                "messaging.system": "kafka",
                "messaging.destination.name": topic,
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.consumer.group.name": group.name,
                "messaging.destination.partition.id": str(partition),
                "messaging.kafka.offset": offset,
                "messaging.kafka.message.key": key,
                **event,
            }


def receive_attributes(group: Group, topic: str) -> dict[str, Value]:
    """The attributes of the receive span that the Java agent puts above linked process spans."""
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.operation": "receive",
        "messaging.kafka.consumer.group": group.name,
        "messaging.batch.message_count": 1,
    }


def answer(span: Recorded, operation: Operation, trouble: Trouble | None, code: int) -> None:
    """End a server span: with an exception, or with a status."""
    if operation.protocol == "grpc":
        span.attributes["rpc.grpc.status_code"] = _GRPC_CODES.get(code, 2) if code >= 300 else 0
    elif operation.protocol == "http":
        key = "http.status_code" if span.service.style == "python" else "http.response.status_code"
        span.attributes[key] = code
    if trouble is not None:
        fail(span, trouble, description=operation.protocol != "http" or span.service.style == "python")
        if operation.protocol == "http" and span.service.style == "java":
            span.attributes["error.type"] = str(code)


def answered(span: Recorded, action: Action, trouble: Trouble | None, code: int) -> None:
    """End a client span: with the status of the answer, or with an exception without one."""
    target = action.target
    grpc = isinstance(target, Operation) and target.protocol == "grpc"
    if grpc:
        span.attributes["rpc.grpc.status_code"] = _GRPC_CODES.get(code, 2) if code >= 300 or not code else 0
    elif code:
        key = "http.status_code" if span.service.style == "python" else "http.response.status_code"
        span.attributes[key] = code
    if trouble is not None and (not code or grpc):
        fail(span, trouble)
    elif code >= 400:  # by the conventions, for clients this begins with 400
        span.status = ERROR
        if span.service.style != "python":
            span.attributes["error.type"] = str(code)


def fail(span: Recorded, trouble: Trouble, *, description: bool = True) -> None:
    """Record an exception on a span."""
    span.status = ERROR
    if description:
        span.message = f"{trouble.type.rsplit('.', 1)[-1]}: {trouble.text}"
    span.attributes["error.type"] = trouble.type
    span.exceptions.append((trouble.type, trouble.text))


def of_callee(style: Style, trouble: Trouble, callee: str) -> Trouble:
    """The failure of an operation because of one of its calls."""
    if not trouble.code:
        return Trouble(502 if not trouble.transient else 503, trouble.type, trouble.text)
    return Trouble(500, _UPSTREAM[style], f"Server error '{trouble.code}' for url of {callee}")


def _rpc(operation: Operation) -> dict[str, Value]:
    service, _, method = operation.name.partition("/")
    return {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
