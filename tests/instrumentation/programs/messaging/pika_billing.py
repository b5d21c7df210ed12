"""Consumes a queue in a loop with pika and publishes to another one. Contains no tracing code."""

import sys
from typing import Any

import pika

url, source, target = sys.argv[1:]
channel: Any = pika.BlockingConnection(pika.URLParameters(url)).channel()
channel.queue_declare(source)
channel.queue_declare(target)
print("ready", flush=True)
for method, _properties, body in channel.consume(source):
    channel.basic_publish("", target, body)
    channel.basic_ack(method.delivery_tag)
