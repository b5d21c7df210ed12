"""The newest trace that shows something, by what spans name themselves."""

from collections.abc import Iterable

from laban_collector.store.rows import SeenHop, SeenOperation
from laban_mapper.drift.folding import folded
from laban_mapper.drift.naming import ENTRY, SERVICE_KIND, name_of
from laban_mapper.spans import CLIENT, CONSUMER, PRODUCER, SERVER


class Proofs:
    """The newest trace of each service, call and message, as far as spans name both sides."""

    def __init__(self, operations: Iterable[SeenOperation], hops: Iterable[SeenHop]) -> None:
        self._found: dict[tuple[str, ...], str] = {}
        for row in operations:
            source = ENTRY if row.caller is None else name_of(SERVICE_KIND + row.caller)
            if row.caller is not None or row.is_entry:
                self._note(row.trace_id, "call", source, name_of(SERVICE_KIND + row.service))
        for hop in hops:
            self._note_hop(hop, name_of(SERVICE_KIND + hop.service))

    def of_service(self, name: str) -> list[str]:
        """The newest trace of a service, in a list; empty if none is known."""
        return self._traces("service", name)

    def of_call(self, source: str, target: str) -> list[str]:
        """The newest trace of a call, in a list; empty if none is known."""
        return self._traces("call", source, target)

    def of_publisher(self, topic: str, service: str) -> list[str]:
        """The newest trace of a service that publishes to a topic, in a list; empty if none is known."""
        return self._traces("publisher", topic, service)

    def of_group(self, topic: str, group: str | None) -> list[str]:
        """The newest trace of a group that consumes a topic, in a list; empty if none is known."""
        return self._traces("group", topic, group or "")

    def of_worker(self, topic: str, group: str | None, service: str) -> list[str]:
        """The newest trace of a service that consumes in a group, in a list; empty if none is known."""
        return self._traces("worker", topic, group or "", service)

    def of_event(self, topic: str, kind: str, version: str) -> list[str]:
        """The newest trace of a message of a type and version, in a list; empty if none is known."""
        return self._traces("event", topic, kind, version)

    def _traces(self, *key: str) -> list[str]:
        found = self._found.get(key)
        return [] if found is None else [found]

    def _note(self, trace: str, *key: str) -> None:
        self._found.setdefault(key, trace)

    def _note_hop(self, hop: SeenHop, service: str) -> None:
        trace = hop.trace_id
        self._note(trace, "service", service)
        if hop.topic is not None and hop.kind != SERVER:
            topic, group = folded(hop.topic), folded(hop.group or "")
            sends = hop.kind == PRODUCER or (hop.kind != CONSUMER and hop.operation in ("send", "create"))
            if sends:
                self._note(trace, "publisher", topic, service)
                self._note(trace, "event", topic, hop.message_type or "", hop.message_version or "")
            elif hop.operation != "settle":
                self._note(trace, "group", topic, group)
                self._note(trace, "worker", topic, group, service)
        elif hop.kind == CLIENT:
            for target in _targets(hop):
                self._note(trace, "call", service, target)


def _targets(hop: SeenHop) -> Iterable[str]:
    """The names that the callee of a client span may have on the map, if it sent no span itself."""
    if hop.db_system is not None:
        name = hop.db_system if hop.db_namespace is None else f"{hop.db_system}/{hop.db_namespace}"
        yield name_of(f"database:{name}")
        if hop.peer_address is not None:
            port = "" if hop.peer_port is None else f":{hop.peer_port}"
            yield name_of(f"database:{name}@{hop.peer_address}{port}")
        return
    for peer in (hop.peer_service, hop.peer_address, hop.rpc_service):
        if peer is not None:
            yield name_of(f"external:{peer}")
            yield name_of(SERVICE_KIND + peer)
    if hop.peer_address is not None and hop.peer_port is not None:
        yield name_of(f"external:{hop.peer_address}:{hop.peer_port}")
