"""Names for the callee of a call: a service, or else what is known of it."""

from dataclasses import dataclass
from ipaddress import ip_address

from laban_collector.store.rows import Peer, Span
from laban_mapper.names import shortened
from laban_mapper.story.causes.facts import Facts, usual_step_of


@dataclass(frozen=True, slots=True)
class Callee:
    """The callee of a call that has no span of it.

    Attributes:
        name: the service, RPC service, database or host; the address if nothing else is known.
        address: the address; None if it is unknown, or if it is the name.
        is_service: whether the name is the name of a service that sends spans.
    """

    name: str
    address: str | None = None
    is_service: bool = False

    @property
    def text(self) -> str:
        """The name with what is known beside it: `inventory at 127.0.0.1:25797`."""
        name = shortened(self.name)
        return f"{name} at {self.address}" if self.address else name


def peer_of(span: Span) -> Peer:
    """The address and RPC service that a client span called."""
    return Peer(span.peer_address, span.peer_port, span.rpc_service)


def callee_of(span: Span, facts: Facts) -> Callee | None:
    """The callee of a call; None if nothing is known of it."""
    address = _address(span)
    service = _service(span, facts)
    if service is not None:
        return Callee(service, address, is_service=True)
    host = None if span.peer_address is None or _is_ip(span.peer_address) else span.peer_address
    name = span.peer_service or span.db_system or span.rpc_service or host or address
    if name is None:
        name = span.messaging_system
    return None if name is None else Callee(name, None if name in {host, address} else address)


def _service(span: Span, facts: Facts) -> str | None:
    known = facts.peers.get(peer_of(span)) or facts.peers.get(Peer(None, None, span.rpc_service))
    return known or usual_callee(span, facts)


def usual_callee(span: Span, facts: Facts) -> str | None:
    """The service that usually answers a call, by the profile; None if there is none, or several."""
    usual = usual_step_of(span, facts)
    below = [] if usual is None else usual.below
    services = {step.about.service for step in below if step.about.kind == "visit" and step.ok}
    return services.pop() if len(services) == 1 else None


def _address(span: Span) -> str | None:
    if span.peer_address is None:
        return None
    return f"{span.peer_address}:{span.peer_port}" if span.peer_port else span.peer_address


def _is_ip(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
