"""Names the callees that sent no spans: one node for each, although callers know it by several names.

A caller knows its callee by a name (`peer.service`), an address, or an RPC service. Other calls may show
which service is behind an address, and spans with both a name and an address show that they are the same.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

_SERVICE: Final = "service:"
_EXTERNAL: Final = "external:"
_DATABASE: Final = "database:"


class Callee(NamedTuple):
    """One end of an edge.

    Attributes:
        node: its node ID, from the names that the caller knows.
        address: `host:port` or `host`, as called; None if unknown.
        rpc_service: the called RPC service; None if unknown.
    """

    node: str
    address: str | None = None
    rpc_service: str | None = None


class Seen(NamedTuple):
    """What was seen of a callee.

    Attributes:
        proven: whether a span of the callee itself was found.
        callers: the node IDs of the callers of a database.
    """

    proven: bool
    callers: Sequence[str] = ()


def names_of(callees: Mapping[Callee, Seen]) -> dict[Callee, str]:
    """Return the node IDs of the callees whose ID changes; `callees` are all ends of edges."""
    resolvers = (
        _services_behind(callees),
        _services_named(callees),
        _hosts_with_ports(callees),
        _externals_with_addresses(callees),
        _database_servers(callees),
    )
    names: dict[Callee, str] = {}
    for callee in callees:
        found = callee
        for resolve in resolvers:
            found = resolve(found)
        if found.node != callee.node:
            names[callee] = found.node
    return names


Resolver = Callable[[Callee], Callee]
"""Returns a callee with a better known node ID, or the callee itself."""


def _services_behind(callees: Mapping[Callee, Seen]) -> Resolver:
    """The service behind an address or an RPC service, if it is always the same one."""
    served = [callee for callee in callees if callee.node.startswith(_SERVICE)]
    by_address = _unambiguous((c.address, c.node) for c in served if callees[c].proven)
    by_rpc_service = _unambiguous((c.rpc_service, c.node) for c in served)

    def resolve(callee: Callee) -> Callee:
        if not callee.node.startswith(_EXTERNAL):
            return callee
        node = by_address.get(callee.address) or by_rpc_service.get(callee.rpc_service)
        return callee._replace(node=node) if node else callee

    return resolve


def _services_named(callees: Iterable[Callee]) -> Resolver:
    """The service that a caller names: peers are named as they name themselves."""
    services = {callee.node for callee in callees if callee.node.startswith(_SERVICE)}
    by_name = _unambiguous((short_name(node), node) for node in services)

    def resolve(callee: Callee) -> Callee:
        if not callee.node.startswith(_EXTERNAL) or _is_address(callee):
            return callee
        name = callee.node.removeprefix(_EXTERNAL)
        full = _SERVICE + name
        return callee._replace(node=full if full in services else by_name.get(name, callee.node))

    return resolve


def _hosts_with_ports(callees: Iterable[Callee]) -> Resolver:
    """The only known port of a host, for callers that do not know the port."""
    addresses = {c.address for c in callees if c.node.startswith(_EXTERNAL) and c.address is not None}
    ported = _unambiguous((_host(address), address) for address in addresses if _host(address) != address)

    def resolve(callee: Callee) -> Callee:
        address = ported.get(callee.address)
        if address is None or not _is_address(callee):
            return callee
        return callee._replace(node=_EXTERNAL + address, address=address)

    return resolve


def _externals_with_addresses(callees: Iterable[Callee]) -> Resolver:
    """The name of an address, if some callers know both and agree."""
    externals = [c for c in callees if c.node.startswith(_EXTERNAL) and c.address is not None]
    names = _unambiguous((c.address, c.node) for c in externals if not _is_address(c))

    def resolve(callee: Callee) -> Callee:
        return callee._replace(node=names.get(callee.address, callee.node)) if _is_address(callee) else callee

    return resolve


def _database_servers(callees: Mapping[Callee, Seen]) -> Resolver:
    """The address of a database, if databases on several servers have the same name.

    A host name and an IP address may belong to the same server, so only addresses of the same form differ.
    The IP addresses that one service calls are the nodes of one cluster.
    """
    callers: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for callee, seen in callees.items():
        if callee.node.startswith(_DATABASE) and callee.address is not None:
            callers[callee.node][callee.address].update(seen.callers)
    servers = {node: _distinct_servers(by_address) for node, by_address in callers.items()}

    def resolve(callee: Callee) -> Callee:
        addresses = servers.get(callee.node, {})
        if callee.address not in addresses or len(set(addresses.values())) < 2:
            return callee
        return callee._replace(node=f"{callee.node}@{addresses[callee.address]}")

    return resolve


def _distinct_servers(callers: Mapping[str, set[str]]) -> dict[str, str]:
    """Return the server of each address: addresses of one form, names before IP addresses; a host without a
    port only if no port is known."""
    ported = {_host(address) for address in callers if _host(address) != address}
    addresses = sorted(callers.keys() - ported)
    named = [address for address in addresses if not _is_ip(_host(address))]
    if named:
        return {address: address for address in named}
    import networkx as nx  # slow to load, and rarely needed

    together: nx.Graph[str] = nx.Graph()
    for address in addresses:
        together.add_node(address)
        together.add_edges_from((address, caller) for caller in callers[address])
    parts = [sorted(part & set(addresses)) for part in nx.connected_components(together)]
    return {address: part[0] for part in parts for address in part}


def short_name(node: str) -> str:
    """Return the name of a node without its kind and its namespace."""
    return node.partition(":")[2].rpartition("/")[2]


def _is_address(callee: Callee) -> bool:
    """Whether the callee is external and has no name but its address."""
    return callee.node == f"{_EXTERNAL}{callee.address}"


def _host(address: str) -> str:
    """Return an address without its port."""
    host, colon, port = address.rpartition(":")
    return host if colon and port.isdecimal() and (host.endswith("]") or ":" not in host) else address


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _unambiguous(pairs: Iterable[tuple[str | None, str]]) -> dict[str | None, str]:
    """Return the values by key, without keys that have several values."""
    found: defaultdict[str | None, set[str]] = defaultdict(set)
    for key, value in pairs:
        if key is not None:
            found[key].add(value)
    return {key: next(iter(values)) for key, values in found.items() if len(values) == 1}
