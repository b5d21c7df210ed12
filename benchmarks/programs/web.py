"""A FastAPI service with one route; prints its port when it listens. It has no tracing code."""

from typing import Any

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/orders/{order_id}")
async def show(order_id: str) -> dict[str, str]:
    """Return the order."""
    return {"order": order_id}


class Server(uvicorn.Server):
    """A server that prints its port."""

    async def startup(self, sockets: Any = None) -> None:
        """Listen, then print the port."""
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)


if __name__ == "__main__":
    Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False)).run()
