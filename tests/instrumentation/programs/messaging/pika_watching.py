"""Consumes orders with pika's asynchronous connection. Knows nothing of tracing."""

import sys
from functools import partial
from typing import Any

import pika

url, exchange = sys.argv[1:]


def open_span(connection: Any) -> None:
    """Open a channel."""
    connection.channel(on_open_callback=declare)


def declare(channel: Any) -> None:
    """Declare what is there, perhaps."""
    channel.exchange_declare(exchange, "topic", callback=partial(declare_queue, channel))


def declare_queue(channel: Any, _frame: Any) -> None:
    """Declare a queue of its own."""
    channel.queue_declare("", exclusive=True, callback=partial(bind, channel))


def bind(channel: Any, frame: Any) -> None:
    """All orders."""
    queue = frame.method.queue
    channel.queue_bind(queue, exchange, "order.*", callback=partial(consume, channel, queue))


def consume(channel: Any, queue: str, _frame: Any) -> None:
    """Look at them."""
    channel.basic_consume(queue, watch, auto_ack=True, callback=ready)


def ready(_frame: Any) -> None:
    """They come."""
    print("ready", flush=True)


def watch(_channel: Any, _method: Any, _properties: Any, body: bytes) -> None:
    """Nothing to be done."""


pika.SelectConnection(pika.URLParameters(url), on_open_callback=open_span).ioloop.start()
