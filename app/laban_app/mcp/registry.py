"""Puts the server together: a new tool is a file and a line here."""

import importlib.metadata
from typing import Any, Final

from mcp.server.mcpserver import MCPServer

from laban_app.mcp.asking import Asking
from laban_app.mcp.diagrams import add_diagrams
from laban_app.mcp.prompts import add_prompts
from laban_app.mcp.server import Registry, new_server
from laban_app.mcp.tools.compare import add_compare
from laban_app.mcp.tools.consumer_lag import add_consumer_lag
from laban_app.mcp.tools.edge import add_edge
from laban_app.mcp.tools.explain_order import add_explain_order
from laban_app.mcp.tools.find_orders import add_find_orders
from laban_app.mcp.tools.findings import add_findings
from laban_app.mcp.tools.order_logs import add_order_logs
from laban_app.mcp.tools.order_messages import add_order_messages
from laban_app.mcp.tools.order_spans import add_order_spans
from laban_app.mcp.tools.order_timeline import add_order_timeline
from laban_app.mcp.tools.service_map import add_service_map
from laban_app.mcp.tools.span_details import add_span_details
from laban_app.mcp.tools.what_if import add_what_if
from laban_app.mcp.tools.what_is_stored import add_what_is_stored

TOOLS: Final = (
    add_explain_order,
    add_order_timeline,
    add_order_messages,
    add_order_spans,
    add_order_logs,
    add_span_details,
    add_find_orders,
    add_service_map,
    add_edge,
    add_consumer_lag,
    add_findings,
    add_compare,
    add_what_if,
    add_what_is_stored,
)
"""In the order in which an assistant reads them."""


def build_server(asking: Asking) -> MCPServer[Any]:
    """The server with all tools, resources and prompts."""
    server = new_server(importlib.metadata.version("laban"))
    registry = Registry(server)
    for add in TOOLS:
        add(registry, asking)
    add_diagrams(server, asking)
    add_prompts(server)
    return server
