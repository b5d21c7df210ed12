"""`/mcp` without the SDK and switched off, and what a collector loads for it; else: tests/app/mcp."""

import asyncio
import importlib.util
import subprocess
import sys
from typing import Any, cast

import httpx
import pytest

from laban_app.server.mcp_endpoint import McpEndpoint


def answer(*, enabled: bool) -> httpx.Response:
    async def asked() -> httpx.Response:
        nobody = cast("Any", None)  # nobody is asked
        app = cast("Any", McpEndpoint(nobody, nobody, enabled=enabled))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})

    return asyncio.run(asked())


def test_it_can_be_switched_off() -> None:
    off = answer(enabled=False)
    assert (off.status_code, off.json()["error"]) == (404, "/mcp is switched off (LABAN_MCP=false).")


def test_without_the_extra_it_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: str) -> None:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", nothing)
    missing = answer(enabled=True)
    assert missing.status_code == 501
    assert "pip install 'laban[mcp]'" in missing.json()["error"]


def test_a_collector_loads_the_sdk_only_when_it_is_asked() -> None:
    code = (
        "import sys, laban_app.server.start; sys.exit('mcp' in sys.modules or 'laban_app.mcp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
