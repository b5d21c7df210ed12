"""Receives orders over HTTP and publishes them to an exchange with pika. Contains no tracing code."""

import json
import socket
import sys
from typing import Any

import pika
import uvicorn
from fastapi import FastAPI

url, exchange = sys.argv[1:]
app = FastAPI()


@app.post("/orders")
def create(order: dict[str, Any]) -> str:
    """Publish the order."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.exchange_declare(exchange, "topic")
        channel.basic_publish(exchange, "order.created", json.dumps(order).encode())
    return "created"


@app.post("/audits")
def audit() -> str:
    """Receive a notification."""
    return "noted"


listener = socket.create_server(("127.0.0.1", 0))
print("ready", listener.getsockname()[1], flush=True)
uvicorn.run(app, fd=listener.fileno(), log_level="warning")
