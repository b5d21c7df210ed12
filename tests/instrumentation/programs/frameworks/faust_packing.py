"""Packs orders with Faust: one by one, and in batches. Contains no tracing code."""

import os

import faust

app = faust.App(
    os.environ["GROUP"],
    broker=f"kafka://{os.environ['BROKER']}",
    value_serializer="raw",
    consumer_auto_offset_reset="earliest",
    topic_disable_leader=True,
    worker_redirect_stdouts=False,
)
orders, returns = app.topic(os.environ["ORDERS"]), app.topic(os.environ["RETURNS"])
bulk, parcels = app.topic(os.environ["BULK"]), app.topic(os.environ["PARCELS"])


@app.agent(orders)
async def pack(stream: faust.StreamT[bytes]) -> None:
    async for order in stream:
        if order == b"bad":
            raise ValueError("bad order")
        await parcels.send(key=order, value=b"packed")


@app.agent(returns)
async def unpack(stream: faust.StreamT[bytes]) -> None:
    async for event in stream.filter(lambda order: order != b"skipped").events():
        if event.value == b"bad":
            raise KeyError("bad return")
        await parcels.send(key=event.value, value=b"unpacked")


@app.agent(bulk)
async def pack_together(stream: faust.StreamT[bytes]) -> None:
    async for batch in stream.take(3, within=60):
        await parcels.send(key=b"bulk", value=b"%d" % len(batch))


if __name__ == "__main__":
    app.main()
