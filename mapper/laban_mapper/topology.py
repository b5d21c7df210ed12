"""The graph as networkx sees it, and what its shape says."""

import networkx as nx

from laban_mapper.model import ServiceMap


def as_digraph(service_map: ServiceMap) -> "nx.DiGraph[str]":
    """Node ids and who calls whom; several edges between two nodes are one."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(node.id for node in service_map.nodes)
    graph.add_edges_from((edge.source, edge.target) for edge in service_map.edges)
    return graph


def callers_first(service_map: ServiceMap) -> list[str]:
    """Node ids as one meets them when following the calls from where they enter, layer by layer.

    The same map gives the same order.
    """
    graph = as_digraph(service_map)
    circles = nx.condensation(graph)
    entries = [
        min(circles.nodes[circle]["members"]) for circle, callers in circles.in_degree() if not callers
    ]
    layers = nx.bfs_layers(graph, sorted(entries))
    return [node for layer in layers for node in sorted(layer)]
