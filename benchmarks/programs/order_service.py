"""A FastAPI service with a Kafka producer and consumer; prints `ready` when it listens."""

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from kafka import KafkaConsumer, KafkaProducer

bootstrap, topic = sys.argv[1:]
app = FastAPI()
producer = KafkaProducer(bootstrap_servers=bootstrap)
consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap)


class Server(uvicorn.Server):
    """A server that prints `ready` when it listens."""

    async def startup(self, sockets: Any = None) -> None:
        """Listen, then print `ready`."""
        await super().startup(sockets)
        print("ready", flush=True)


Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False)).run()
