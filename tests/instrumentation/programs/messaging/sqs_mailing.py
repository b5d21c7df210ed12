"""Receives parcels from SQS one by one and sends notifications over HTTP. Contains no tracing code."""

import sys
from typing import Any

import boto3
import httpx

endpoint, source, listener = sys.argv[1:]
sqs: Any = boto3.client("sqs", endpoint_url=endpoint)
parcels = sqs.create_queue(QueueName=source)["QueueUrl"]
print("ready", flush=True)
while True:
    polled = sqs.receive_message(QueueUrl=parcels, WaitTimeSeconds=1)
    if "Messages" in polled:
        body = polled["Messages"][0]["Body"]
        httpx.post(listener, content=body, timeout=10).raise_for_status()
        receipt = polled["Messages"][0]["ReceiptHandle"]
        sqs.delete_message_batch(QueueUrl=parcels, Entries=[{"Id": "1", "ReceiptHandle": receipt}])
