"""A Flask service: an answer, a status, an unknown path, and a view that raises, with its log line."""

import logging

import flask
from asking import ask, serving
from flask.logging import default_handler

default_handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))  # without the time
application = flask.Flask(__name__)


@application.get("/orders/<int:order>")
def show(order: int) -> dict[str, int]:
    return {"order": order}


@application.get("/teapot")
def teapot() -> tuple[str, int]:
    return "short and stout", 418


@application.get("/broken")
def broken() -> str:
    raise LookupError("no such order")


print(type(application).__mro__[-1], isinstance(application, flask.Flask), application.name)
with serving(application) as port:
    ask(port, "/orders/7", "/teapot", "/missing", "/broken")
