"""Consumes orders with an asynchronous pika connection. Contains no tracing code."""

import sys
from functools import partial
from typing import Any

import pika

url, exchange = sys.argv[1:]


def open_channel(connection: Any) -> None:
    """Open a channel."""
    connection.channel(on_open_callback=declare)


def declare(channel: Any) -> None:
    """Declare the exchange."""
    channel.exchange_declare(exchange, "topic", callback=partial(declare_queue, channel))


def declare_queue(channel: Any, _frame: Any) -> None:
    """Declare a queue of its own."""
    channel.queue_declare("", exclusive=True, callback=partial(bind, channel))


def bind(channel: Any, frame: Any) -> None:
    """Bind the queue to all orders."""
    queue = frame.method.queue
    channel.queue_bind(queue, exchange, "order.*", callback=partial(consume, channel, queue))


def consume(channel: Any, queue: str, _frame: Any) -> None:
    """Start consuming."""
    channel.basic_consume(queue, watch, auto_ack=True, callback=ready)


def ready(_frame: Any) -> None:
    """Report that the consumer is ready."""
    print("ready", flush=True)


def watch(_channel: Any, _method: Any, _properties: Any, body: bytes) -> None:
    """Ignore the message."""


pika.SelectConnection(pika.URLParameters(url), on_open_callback=open_channel).ioloop.start()
