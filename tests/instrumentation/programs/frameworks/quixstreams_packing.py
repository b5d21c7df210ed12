"""Packs orders with Quix Streams. Contains no tracing code."""

import logging
import os
from typing import Any

from quixstreams import Application


def log_error(error: Exception, _row: Any, logger: logging.Logger) -> bool:
    logger.error("cannot pack", exc_info=error)
    return True


app = Application(
    broker_address=os.environ["BROKER"],
    consumer_group=os.environ["GROUP"],
    auto_offset_reset="earliest",
    auto_create_topics=False,
    on_processing_error=log_error,
)
orders = app.topic(os.environ["ORDERS"], value_deserializer="str", key_deserializer="str")
parcels = app.topic(os.environ["PARCELS"], value_serializer="str", key_serializer="str")


def pack(order: str) -> str:
    if order == "bad":
        raise ValueError("bad order")
    return "packed"


frame = app.dataframe(orders)
frame.apply(pack).to_topic(parcels, key=lambda _: "good")
app.run()
