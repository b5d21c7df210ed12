"""An assistant's questions over both transports, with the client of the SDK, to a real collector."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import httpx2
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent, TextResourceContents

from laban_app.mcp.asking import Asking
from laban_app.mcp.gate import Gate
from laban_app.mcp.registry import build_server
from laban_app.mcp.reply import FIRST, PAGE, PAGE_JSON
from laban_app.mcp.server import INSTRUCTIONS
from laban_app.mcp.stdio import Place
from laban_app.mcp.tokens import tokens
from laban_app.wiring import STORE

from ...hostile import UNSAFE
from ...otlp import to_otlp
from ...serving import Serving, serving
from .injections import INJECTIONS, assert_harmless, text_of
from .orders import FAILED, GOOD, HOSTILE_ORDER, all_orders, logs_of_failed

TOKEN = "a-token-for-tests"
A = TypeVar("A")
TOOLS: dict[str, dict[str, Any]] = {
    "explain_order": {"value": FAILED},
    "order_timeline": {"value": FAILED},
    "order_messages": {"value": "1001"},
    "order_spans": {"value": FAILED},
    "order_logs": {"value": FAILED},
    "span_details": {"value": FAILED, "span": f"{101 * 1_000_000 + 1:016x}"},
    "find_orders": {"problem": ["failed"]},
    "service_map": {},
    "edge": {"source": "order", "target": "pricing"},
    "consumer_lag": {},
    "findings": {"severity": "info"},
    "explain_finding": {"code": "L001"},
    "compare": {
        "before": "2026-09-21T13:00..2026-09-21T14:13:30",
        "after": "2026-09-21T14:13:30..2026-09-21T15:00",
    },
    "what_if": {"slow": ["pricing=500ms"]},
    "what_is_stored": {},
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    db = tmp_path_factory.mktemp("mcp") / "spans.duckdb"
    settings = {"LABAN_TOKEN": TOKEN, "LABAN_LOGS": "true", "LABAN_MAX_ATTRIBUTE_LENGTH": "2000000"}
    with serving(db, environment=settings) as running:
        headers = {"content-type": "application/x-protobuf", "authorization": f"Bearer {TOKEN}"}
        for path, body in (("traces", to_otlp(all_orders())), ("logs", logs_of_failed())):
            sent = httpx.post(f"http://{running.http}/v1/{path}", content=body, headers=headers)
            sent.raise_for_status()
        yield running


@asynccontextmanager
async def over_http(url: str) -> AsyncGenerator[Client]:
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
    ):
        yield client


@asynccontextmanager
async def over_stdio(*arguments: str) -> AsyncGenerator[Client]:
    command = [sys.executable, "-m", "laban", "mcp", *arguments]
    parameters = StdioServerParameters(command=command[0], args=command[1:], env={"LABAN_TOKEN": TOKEN})
    async with Client(parameters) as client:
        yield client


def ask(served: Serving, question: Callable[[Client], Coroutine[Any, Any, A]]) -> A:
    async def asked() -> A:
        async with over_http(served.url) as client:
            return await question(client)

    return asyncio.run(asked())


def call(served: Serving, name: str, arguments: Mapping[str, Any]) -> CallToolResult:
    return ask(served, lambda client: client.call_tool(name, dict(arguments)))


async def pages(client: Client, name: str, arguments: Mapping[str, Any]) -> list[CallToolResult]:
    """All pages of a list."""
    found: list[CallToolResult] = []
    cursor: dict[str, str] = {}
    while not found or cursor:
        found.append(await client.call_tool(name, {**arguments, **cursor}))
        following = (found[-1].structured_content or {}).get("next_cursor")
        cursor = {"cursor": following} if following else {}
        assert len(found) < 50
    return found


def test_all_tools_say_that_they_only_read_and_when_to_use_them(served: Serving) -> None:
    async def listed(client: Client) -> None:
        assert client.instructions == INSTRUCTIONS
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == {*TOOLS, "who_waits"}
        for tool in tools:
            assert tool.annotations is not None
            assert (tool.annotations.read_only_hint, tool.annotations.destructive_hint) == (True, False)
            assert tool.title
            assert "Use it" in (tool.description or "") or "Give" in (tool.description or "")
            assert tool.output_schema is not None
            assert all("description" in one for one in tool.input_schema["properties"].values()), tool.name

    ask(served, listed)


def test_every_tool_answers_within_its_tokens_and_in_its_shape(served: Serving) -> None:
    async def answered(client: Client) -> None:
        for name, arguments in TOOLS.items():
            result = await client.call_tool(name, arguments)  # the client checks the shape
            assert not result.is_error, text_of(result)
            assert_harmless(result)
            assert result.structured_content is not None
            first = name == "explain_order"
            assert tokens(text_of(result)) <= (FIRST if first else PAGE), name
            as_json = json.dumps(result.structured_content, ensure_ascii=False, separators=(",", ":"))
            assert tokens(as_json) <= (FIRST if first else PAGE_JSON), name

    ask(served, answered)


def test_the_first_answer_has_the_verdict_the_cause_and_where_to_look_further(served: Serving) -> None:
    result = call(served, "explain_order", {"value": FAILED})
    content = result.structured_content or {}
    assert content["outcome"] == "failed"
    assert (content["cause"]["kind"], content["cause"]["service"]) == ("timed_out", "user")
    assert content["traces"] == [f"{101:032x}"]
    lines = text_of(result).split("\n")
    labels = [line.partition(":")[0] for line in lines[1:4]]
    assert lines[1] == f"order: order {FAILED}: FAILED"
    assert labels == ["order", "verdict", "cause"]
    assert "order_timeline" in lines[-1]


def test_an_order_that_is_unknown_says_what_to_do(served: Serving) -> None:
    result = call(served, "explain_order", {"value": "20011"})
    assert result.is_error
    assert "find_orders" in text_of(result)
    assert f"similar known values: {FAILED}" in text_of(result)
    other_key = call(served, "explain_order", {"value": FAILED, "key": "customer"})
    assert "keys: order.id" in text_of(other_key)
    trace = call(served, "explain_order", {"value": "f" * 32, "key": "trace"})
    assert "what_is_stored" in text_of(trace)


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("order_spans", {"value": FAILED, "cursor": "first"}, "Leave it out for the first page"),
        ("find_orders", {"since": "yesterday"}, "ISO 8601"),
        ("service_map", {"focus": "nowhere"}, "Services: "),
        ("service_map", {"entry": "GET /nowhere"}, "order POST /orders"),
        ("edge", {"source": "order", "target": "nowhere"}, "From there, they go to "),
        ("explain_finding", {"code": "L999"}, "L001 deep-sync-chain"),
        ("what_if", {"down": ["nowhere"]}, "service_map lists"),
        ("who_waits", {"group": "nobody"}, "polls no Kafka"),
        ("span_details", {"value": FAILED, "span": "1" * 16}, "order_spans lists"),
        ("compare", {"before": "1h", "after": "2h.."}, "not a time range"),
    ],
)
def test_wrong_arguments_say_what_is_expected(
    served: Serving, name: str, arguments: Mapping[str, Any], told: str
) -> None:
    result = call(served, name, arguments)
    assert result.is_error
    assert told in text_of(result)


def test_orders_are_paged_and_filtered(served: Serving) -> None:
    async def found(client: Client) -> list[str]:
        every = await pages(client, "find_orders", {})
        assert len(every) > 1
        assert "more: ask again with cursor=" in text_of(every[0])
        return [item["value"] for page in every for item in (page.structured_content or {})["items"]]

    values = ask(served, found)
    assert values == [HOSTILE_ORDER, FAILED, *(str(1000 + number) for number in range(GOOD, 0, -1))]
    failed = call(served, "find_orders", {"cause": "timed_out", "service": "user"}).structured_content or {}
    assert [item["value"] for item in failed["items"]] == [FAILED]


def test_nothing_that_a_span_says_leaves_its_place(served: Serving) -> None:
    async def hostile(client: Client) -> None:
        order = {"value": HOSTILE_ORDER}
        seen: list[CallToolResult] = []
        for name in ("explain_order", "order_timeline", "order_messages", "order_spans"):
            seen += await pages(client, name, order)
        seen += await pages(client, "order_logs", {"value": FAILED})
        spans = [item["span"] for page in seen for item in _items(page) if "kind" in item]
        assert len(spans) > 50
        for span in spans[1:40:3]:
            seen += await pages(client, "span_details", {**order, "span": span})
        for name in ("find_orders", "service_map", "findings", "what_is_stored"):
            seen += await pages(client, name, {})
        for result in seen:
            assert not result.is_error, text_of(result)
            assert_harmless(result)
            assert tokens(text_of(result)) <= PAGE
        drawn = await client.read_resource(f"laban://diagram/order/order/{HOSTILE_ORDER}")
        (content,) = drawn.contents
        assert isinstance(content, TextResourceContents)
        assert UNSAFE.search(content.text) is None

    ask(served, hostile)


def _items(page: CallToolResult) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (page.structured_content or {}).get("items", [])
    return found


def test_log_lines_are_told_at_their_span(served: Serving) -> None:
    result = call(served, "order_logs", {"value": FAILED, "severity": "error"})
    assert_harmless(result)
    assert "+2.0 s pricing ERROR: user did not answer, span 0000000006052346" in text_of(result)
    milder = f"{len(INJECTIONS):,} lines that are milder"
    assert (result.structured_content or {})["left_out"] == [milder]
    none = call(served, "order_logs", {"value": "1001"})
    assert "LABAN_LOGS=true" in text_of(none)


def test_diagrams_are_resources_and_tasks_are_prompts(served: Serving) -> None:
    async def read(client: Client) -> None:
        texts = {}
        for uri in (
            "laban://diagram/services",
            "laban://diagram/services.svg",
            "laban://diagram/around/pricing",
            f"laban://diagram/order/order.id/{FAILED}",
            f"laban://diagram/order/trace/{101:032x}",
        ):
            (content,) = (await client.read_resource(uri)).contents
            assert isinstance(content, TextResourceContents)
            texts[uri] = content.text
        first, svg, near, *orders = texts.values()
        assert "flowchart" in first
        assert "<svg" in svg
        assert "pricing" in near
        assert "payments" not in near
        assert all(text.startswith("sequenceDiagram") for text in orders)
        for unknown in ("none", "%2Fetc%2Fpasswd", "100%2525"):  # values, as they may be, and no paths
            with pytest.raises(MCPError, match="find_orders"):
                await client.read_resource(f"laban://diagram/order/order/{unknown}")
        prompts = {prompt.name for prompt in (await client.list_prompts()).prompts}
        assert prompts == {"post-mortem", "why-is-a-group-behind"}
        for name, arguments in (
            ("post-mortem", {"value": "2001"}),
            ("why-is-a-group-behind", {"group": "g"}),
        ):
            (message,) = (await client.get_prompt(name, arguments)).messages
            assert isinstance(message.content, TextContent)
            assert next(iter(arguments.values())) in message.content.text
            assert "unknown" in message.content.text

    ask(served, read)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong-token"}, 401),
        ({"authorization": f"Bearer {TOKEN}", "host": "stranger.example"}, 403),
        ({"authorization": f"Bearer {TOKEN}", "origin": "https://stranger.example"}, 403),
        ({"authorization": f"Bearer {TOKEN}"}, 200),
    ],
)
def test_the_rules_of_the_api_hold(served: Serving, headers: Mapping[str, str], status: int) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert httpx.post(f"{served.url}/mcp", json=body, headers=dict(headers)).status_code == status


def test_only_post_is_answered(served: Serving) -> None:
    answer = httpx.get(f"{served.url}/mcp", headers={"authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert "MCP client" in answer.json()["error"]


def test_stdio_asks_the_collector_that_has_the_file_open(served: Serving) -> None:
    async def asked() -> str:
        async with over_stdio("--db", str(served.db)) as client:
            return text_of(await client.call_tool("explain_order", {"value": FAILED}))

    over_http = text_of(call(served, "explain_order", {"value": FAILED}))
    assert asyncio.run(asked()) == over_http


def test_a_file_is_open_no_longer_than_an_answer_takes(tmp_path: Path) -> None:
    db = tmp_path / "spans.duckdb"

    async def asked() -> list[str]:
        answers = []
        async with Client(build_server(Asking(Place(db=db), Gate(at_once=1)))) as client:
            for _ in range(2):
                STORE.recover(db).close()  # as a collector opens it, to write
                answers.append(text_of(await client.call_tool("what_is_stored", {})))
        return answers

    first, second = asyncio.run(asked())
    assert "stored: 0 spans" in first
    assert first == second
