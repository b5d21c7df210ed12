"""The stock service: reserves items over gRPC, publishes to Kafka. Contains no tracing code."""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from kafka import KafkaProducer

producer = KafkaProducer(bootstrap_servers=sys.argv[1])
topic = sys.argv[2]


def reserve(sku: bytes, _context: grpc.ServicerContext) -> bytes:
    """Publish the reservation and return the price."""
    producer.send(topic, value=sku, key=sku).get(10)
    return b"42"


handlers: dict[str, Any] = {"Reserve": grpc.unary_unary_rpc_method_handler(reserve)}
server = grpc.server(ThreadPoolExecutor(2))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("shop.Stock", handlers)])
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print("ready", port, flush=True)
server.wait_for_termination()
