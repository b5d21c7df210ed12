"""Consumes parcels. Contains no tracing code."""

import sys

from kafka import KafkaConsumer

bootstrap, group, topic = sys.argv[1:]
consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest")
print("ready", flush=True)
for parcel in consumer:
    print("mailed", parcel.key.decode(), flush=True)
