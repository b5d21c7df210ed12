"""A FastAPI service under uvicorn: an answer, a validation error, a status, and a handler that raises."""

import socket
from threading import Thread

import uvicorn
from asking import ask
from fastapi import FastAPI, HTTPException

application = FastAPI()


@application.get("/orders/{order}")
async def show(order: int) -> dict[str, int]:
    if order == 9:
        raise HTTPException(409, "sold")
    return {"order": order}


@application.get("/broken")
def broken() -> None:
    raise LookupError("no such order")


listener = socket.create_server(("127.0.0.1", 0))
server = uvicorn.Server(uvicorn.Config(application, log_level="critical"))
thread = Thread(target=server.run, args=([listener],))
thread.start()
ask(listener.getsockname()[1], "/orders/7", "/orders/x", "/orders/9", "/missing", "/broken")
server.should_exit = True
thread.join()
