"""Answers of the API that are repeated while nothing has changed."""

import asyncio
from collections.abc import Sequence
from typing import Any

from laban_app.server.remembered import Remembered
from laban_collector.receive.asgi import Headers, Message, Receive, Send, respond

WINDOW = b"since=2026-09-21T14:00:00%2B00:00"


class Api:
    """An API that counts its answers; what it rests on changes when a test says so."""

    def __init__(self) -> None:
        self.changes: int | None = 1
        self.now = 0.0
        self.asked = 0
        self.status = 200
        self.body: Sequence[bytes] = [b"{}"]
        self.remembered = Remembered(self, lambda: self.changes, clock=lambda: self.now)

    async def __call__(self, _scope: Any, _receive: Receive, send: Send) -> None:
        self.asked += 1
        if len(self.body) == 1:
            await respond(send, self.status, self.body[0], "application/json")
            return
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        for number, part in enumerate(self.body, 1):
            await send({"type": "http.response.body", "body": part, "more_body": number < len(self.body)})

    def get(
        self, path: str = "map", query: bytes = WINDOW, tag: bytes | None = None
    ) -> tuple[int, Headers, bytes]:
        """Ask, and return status, headers and body."""
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request"}

        headers = [] if tag is None else [(b"if-none-match", tag)]
        scope = {"type": "http", "method": "GET", "path": f"/api/v1/{path}", "query_string": query}
        asyncio.run(self.remembered({**scope, "headers": headers}, receive, send))
        return sent[0]["status"], sent[0]["headers"], b"".join(message["body"] for message in sent[1:])

    def asks_again(self, path: str = "map", query: bytes = WINDOW) -> bool:
        """Whether the API is asked for what it was asked before."""
        before = self.asked
        self.get(path, query)
        return self.asked > before


def test_an_answer_is_repeated_until_something_changes() -> None:
    api = Api()
    first = api.get()
    assert first[0] == 200
    assert api.get() == first
    assert api.asked == 1
    assert api.asks_again(query=WINDOW + b"&unseen=true")
    api.changes = 2
    assert api.asks_again()
    assert not api.asks_again()


def test_an_answer_is_not_repeated_while_spans_are_on_their_way() -> None:
    api = Api()
    api.changes = None
    api.get()
    assert api.asks_again()
    api.changes = 1  # what was answered before may lack spans
    assert api.asks_again()


def test_an_answer_is_repeated_the_longer_the_longer_nothing_changes() -> None:
    api = Api()
    for seconds, asked in ((0.0, True), (2.0, False), (3.0, True), (100.0, True), (119.0, False)):
        api.now = seconds
        assert api.asks_again() == asked, seconds
    api.now = 10_000.0
    api.get()
    api.now += 599
    assert not api.asks_again()
    api.now += 2
    assert api.asks_again()


def test_the_last_minutes_are_others_after_some_seconds() -> None:
    api = Api()
    api.now = 10_000.0
    for path, query in (("map", b""), ("map", b"since=15m"), ("orders", WINDOW + b"&until=now")):
        api.get(path, query)
        api.now += 3
        assert api.asks_again(path, query)
    api.get("orders", b"limit=50")
    api.now += 3
    assert not api.asks_again("orders", b"limit=50")


def test_a_client_that_has_the_answer_gets_none_again() -> None:
    api = Api()
    _, headers, _ = api.get()
    tag = dict(headers)[b"etag"]
    assert api.get(tag=tag) == (304, [(b"etag", tag)], b"")
    api.changes = 2  # something changed, but not this answer
    assert api.get(tag=tag)[0] == 304
    api.changes, api.body = 3, [b'{"nodes": []}']
    assert api.get(tag=tag)[::2] == (200, b'{"nodes": []}')


def test_errors_pieces_and_the_state_of_the_collector_are_not_repeated() -> None:
    api = Api()
    api.get("status")
    assert api.asks_again("status")
    api.status = 503
    assert api.get()[0] == 503
    assert api.asks_again()
    api.status, api.body = 200, [b"[", b"]"]
    assert api.get("traces/1")[2] == b"[]"
    assert api.asks_again("traces/1")


def test_the_answers_together_have_a_bound() -> None:
    api = Api()
    api.body = [b" " * (1 << 20)]
    for number in range(17):
        api.get(f"order/{number}", b"")
    assert not api.asks_again("order/16", b"")
    assert api.asks_again("order/0", b"")
    api.body = [b" " * (1 + (1 << 20))]
    assert api.get("order/large", b"")[0] == 200
    assert api.asks_again("order/large", b"")
