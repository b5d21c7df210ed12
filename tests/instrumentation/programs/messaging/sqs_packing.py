"""Receives orders from SQS in a loop and sends parcels to another queue. Contains no tracing code."""

import sys
from typing import Any

import boto3

endpoint, source, target = sys.argv[1:]
sqs: Any = boto3.client("sqs", endpoint_url=endpoint)
orders = sqs.create_queue(QueueName=source)["QueueUrl"]
parcels = sqs.create_queue(QueueName=target)["QueueUrl"]
print("ready", flush=True)
while True:
    polled = sqs.receive_message(QueueUrl=orders, MaxNumberOfMessages=10, WaitTimeSeconds=1)
    for message in polled.get("Messages", []):
        sqs.send_message_batch(QueueUrl=parcels, Entries=[{"Id": "1", "MessageBody": message["Body"]}])
        sqs.delete_message(QueueUrl=orders, ReceiptHandle=message["ReceiptHandle"])
