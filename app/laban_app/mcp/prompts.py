"""The prompts: tasks that a user starts by name, written for the tools."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from pydantic import Field

from laban_app.mcp.reply import safe


def add_prompts(server: MCPServer[Any]) -> None:
    """Add the prompts."""

    @server.prompt(
        name="post-mortem",
        title="Post-mortem of an order",
        description="Write the post-mortem of one order: what happened, why, who else was affected, what "
        "to do.",
    )
    def post_mortem(
        value: Annotated[str, Field(description="The order ID, or the value of another business key.")],
        key: Annotated[str, Field(description="The business key; `trace` for a trace ID.")] = "order",
    ) -> str:
        return f"""\
Write a post-mortem of {safe(key, 20)} {safe(value, 60)}, for engineers who were not there.

1. Call explain_order with value={safe(value, 60)} and key={safe(key, 20)}. If it is unknown, stop
   and say so.
2. Call order_timeline; read on until the step where it went wrong. If a message waited, failed or
   was not seen, call order_messages. For the exception or the attributes of the step that failed,
   call span_details.
3. If the answer has a scope, or the cause names a service, call find_orders with that service or
   kind of cause and a time range around it, to see who else was affected and since when. Call edge
   for the connection that failed or was slow.
4. If a consumer group is behind, call who_waits. Call findings, and keep only what bears on this
   cause.

Then write: Summary (two sentences) · Impact (numbers, and since when) · Timeline (UTC) · Root
cause, with the spans or traces that prove it · What is not known · Actions, each with the evidence
for it. Separate what laban measured from what you conclude. Where laban says unknown, write
unknown."""

    @server.prompt(
        name="why-is-a-group-behind",
        title="Why is a consumer group behind?",
        description="Find out why a consumer group lags, whom that delays, and when it will have caught up.",
    )
    def why_behind(
        group: Annotated[str, Field(description="The name of the consumer group.")],
    ) -> str:
        return f"""\
Find out why the consumer group {safe(group, 60)} is behind.

1. Call consumer_lag for its status, and to see whether other groups of the same topic are behind,
   too.
2. Call who_waits with group={safe(group, 60)}: what takes the time or fails, messages in and out
   per second, and which orders wait.
3. For one or two of the orders that wait, call order_messages. For a message that was consumed
   slowly or failed, call order_timeline, and span_details of the failing step.
4. Call service_map with focus on the group's service: is something that it calls slow or failing?
   Compare with an hour before by compare, such as before=2h..1h and after=1h..now.

Then answer: the cause, with its proof · since when · which orders it delays, and how many · when
the queue will be empty at this rate, or that it will not · what to do now, and what to do so that
it does not come back. Say what is unknown."""
