"""The resources: diagrams of the services, of what is around one of them, and of an order."""

import importlib.metadata
from collections.abc import Callable
from typing import Any, Final

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError
from mcp.server.mcpserver.resources import ResourceSecurity

from laban_app.answers.protocol import TraceAnswers
from laban_app.errors import NothingToDraw
from laban_app.mcp.asking import Asking, explained
from laban_app.mcp.tools.stories import story_of
from laban_mapper.diagrams.choosing import Wanted, choose
from laban_mapper.diagrams.registry import FORMATS
from laban_mapper.diagrams.selection import TOP
from laban_mapper.story.forms.mermaid import to_mermaid

MERMAID: Final = "text/vnd.mermaid"
SVG: Final = "image/svg+xml"
_ANY_TEXT: Final = ResourceSecurity(exempt_params={"name", "key", "value"})
"""Names and values are looked up, and are no paths of files: they may begin with a slash."""
_TOP_MERMAID: Final = 25
"""Nodes of a diagram that an assistant reads as text."""


def add_diagrams(server: MCPServer[Any], asking: Asking) -> None:
    """Add the resources; the data in a diagram is data, as in all answers."""

    async def read(question: Callable[[TraceAnswers], str], *, settled: bool = True) -> str:
        try:
            return await asking.ask(question, settled=settled)
        except Exception as error:
            text = explained(error)
            if text is None:
                raise
            raise ResourceError(text) from error

    @server.resource(
        "laban://diagram/services",
        name="services-mermaid",
        title="Services of the last hour, as Mermaid",
        description=f"Who talks to whom, at most the {_TOP_MERMAID} busiest nodes; it says what it leaves "
        "out.",
        mime_type=MERMAID,
    )
    async def services() -> str:
        return await read(lambda answers: _services(answers, None, "mermaid"))

    @server.resource(
        "laban://diagram/services.svg",
        name="services-svg",
        title="Services of the last hour, as SVG",
        description=f"Who talks to whom, at most the {TOP} busiest nodes; it says what it leaves out.",
        mime_type=SVG,
    )
    async def services_svg() -> str:
        return await read(lambda answers: _services(answers, None, "svg"))

    @server.resource(
        "laban://diagram/around/{name}",
        name="around-mermaid",
        title="One service, topic or group and its neighbours, as Mermaid",
        mime_type=MERMAID,
        security=_ANY_TEXT,
    )
    async def near(name: str) -> str:
        return await read(lambda answers: _services(answers, name, "mermaid"))

    @server.resource(
        "laban://diagram/order/{key}/{value}",
        name="order-mermaid",
        title="An order as a sequence diagram, as Mermaid",
        description="The key is a business key such as order, or trace for a trace ID.",
        mime_type=MERMAID,
        security=_ANY_TEXT,
    )
    async def order(key: str, value: str) -> str:
        return await read(lambda answers: to_mermaid(story_of(answers, key, value)), settled=False)


def _services(answers: TraceAnswers, name: str | None, form: str) -> str:
    chosen = FORMATS[form]
    wanted = Wanted(service=name, top=TOP if chosen.picture else _TOP_MERMAID)
    graph = choose(answers.service_map(), wanted, importlib.metadata.version("laban"), picture=chosen.picture)
    if not graph.shown.edges:
        raise NothingToDraw("There is nothing to draw: no calls in the last hour, or no node with this name.")
    return chosen.write(graph).decode()
