"""Consumes orders in a pika callback and publishes to a queue. Contains no tracing code."""

import sys
from typing import Any

import pika

url, exchange, target = sys.argv[1:]
channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
channel.exchange_declare(exchange, "topic")
queue = channel.queue_declare("", exclusive=True).method.queue
channel.queue_bind(queue, exchange, "order.*")
channel.queue_declare(target)
properties = pika.BasicProperties(content_type="application/json")


def pack(_channel: Any, method: Any, _properties: Any, body: bytes) -> None:
    """Pack the order."""
    channel.basic_publish("", target, body, properties)
    channel.basic_ack(method.delivery_tag)
    assert properties.headers is None  # the program's headers are unchanged


channel.basic_consume(queue, pack)
print("ready", flush=True)
channel.start_consuming()
