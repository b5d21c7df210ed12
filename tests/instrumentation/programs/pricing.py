"""Prices items over HTTP: reserves them in the stock service over gRPC. Contains no tracing code."""

import sys
from typing import Any

import grpc
import uvicorn
from fastapi import FastAPI

channel = grpc.insecure_channel(sys.argv[1])
reserve: Any = channel.unary_unary("/shop.Stock/Reserve")
app = FastAPI()


@app.get("/prices/{sku}")
def price(sku: str) -> int:
    """Reserve an item and return its price."""
    return int(reserve(sku.encode(), timeout=10))


class Server(uvicorn.Server):
    """Prints its port when it is ready."""

    async def startup(self, sockets: Any = None) -> None:
        """Listen, and print the port."""
        await super().startup(sockets)
        print("ready", self.servers[0].sockets[0].getsockname()[1], flush=True)


Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning")).run()
