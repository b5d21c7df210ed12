"""Receives orders over HTTP and sends them to a Celery task by name. Contains no tracing code."""

import socket
import sys
from typing import Any

import uvicorn
from celery import Celery
from fastapi import FastAPI

url, queue = sys.argv[1:]
tasks: Any = Celery("order", broker=url)
app = FastAPI()


@app.post("/orders")
def create(order: dict[str, Any]) -> str:
    """Send the task."""
    tasks.send_task("shop.pack", args=[order], queue=queue)
    return "created"


listener = socket.create_server(("127.0.0.1", 0))
print("ready", listener.getsockname()[1], flush=True)
uvicorn.run(app, fd=listener.fileno(), log_level="warning")
