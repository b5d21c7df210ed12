"""The service map as a networkx graph, and the order of its nodes."""

import networkx as nx

from laban_mapper.model import ServiceMap


def as_digraph(service_map: ServiceMap) -> "nx.DiGraph[str]":
    """The node IDs and their edges; several edges between two nodes become one."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(node.id for node in service_map.nodes)
    graph.add_edges_from((edge.source, edge.target) for edge in service_map.edges)
    return graph


def callers_first(service_map: ServiceMap) -> list[str]:
    """Node IDs in breadth-first order from the entry points; the same map gives the same order."""
    graph = as_digraph(service_map)
    cycles = nx.condensation(graph)
    entries = [min(cycles.nodes[cycle]["members"]) for cycle, callers in cycles.in_degree() if not callers]
    layers = nx.bfs_layers(graph, sorted(entries))
    return [node for layer in layers for node in sorted(layer)]
