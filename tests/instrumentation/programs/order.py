"""The public edge: receives orders over HTTP and asks for their price. Contains no tracing code."""

import sys
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

pricing = httpx.Client(base_url=sys.argv[1], timeout=10)
app = FastAPI()


@app.post("/orders")
def create(order: dict[str, Any]) -> dict[str, Any]:
    """Ask for the price of the order."""
    return {"price": pricing.get(f"/prices/{order['sku']}").raise_for_status().json()}


@app.post("/mails")
def mail() -> str:
    """Receive a notification."""
    return "noted"


@app.get("/healthz")
def health() -> str:
    """Excluded from tracing."""
    return "ok"


class Server(uvicorn.Server):
    """Prints its port when it is ready."""

    async def startup(self, sockets: Any = None) -> None:
        """Listen, and print the port."""
        await super().startup(sockets)
        print("ready", self.servers[0].sockets[0].getsockname()[1], flush=True)


Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning")).run()
