"""Receives orders over HTTP and publishes them to NATS. Contains no tracing code."""

import json
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from nats.aio.client import Client

url, subject = sys.argv[1:]
client = Client()


@asynccontextmanager
async def connected(_app: FastAPI) -> AsyncGenerator[None]:
    """Keep a NATS connection while the application runs."""
    await client.connect(url)
    yield
    await client.close()


app = FastAPI(lifespan=connected)


@app.post("/orders")
async def create(order: dict[str, Any]) -> str:
    """Publish the order."""
    headers = {"kind": "created"}
    await client.publish(subject, json.dumps(order).encode(), headers=headers)
    assert list(headers) == ["kind"]  # the program's headers are unchanged
    return "created"


@app.post("/mails")
async def mail() -> str:
    """Receive a notification."""
    return "noted"


listener = socket.create_server(("127.0.0.1", 0))
print("ready", listener.getsockname()[1], flush=True)
uvicorn.run(app, fd=listener.fileno(), log_level="warning")
