"""Receives orders over HTTP and sends them to an SQS queue. Contains no tracing code."""

import json
import socket
import sys
from typing import Any

import boto3
import uvicorn
from fastapi import FastAPI

endpoint, queue = sys.argv[1:]
sqs: Any = boto3.client("sqs", endpoint_url=endpoint)
url = sqs.create_queue(QueueName=queue)["QueueUrl"]
app = FastAPI()


@app.post("/orders")
def create(order: dict[str, Any]) -> str:
    """Send the order."""
    kind = {"kind": {"StringValue": "created", "DataType": "String"}}
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(order), MessageAttributes=kind)
    assert list(kind) == ["kind"]  # the program's headers are unchanged
    return "created"


@app.post("/mails")
def mail() -> str:
    """Receive a notification."""
    return "noted"


listener = socket.create_server(("127.0.0.1", 0))
print("ready", listener.getsockname()[1], flush=True)
uvicorn.run(app, fd=listener.fileno(), log_level="warning")
