"""A server that speaks as much of MongoDB's protocol as the program needs; no package has the real one."""

import struct
from collections.abc import Generator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import bson

_HEADER = struct.Struct("<iiii")
_OP_REPLY, _OP_QUERY, _OP_MSG = 1, 2004, 2013


class _Handler(StreamRequestHandler):
    def handle(self) -> None:
        while header := self.rfile.read(_HEADER.size):
            length, request, _, code = _HEADER.unpack(header)
            body = self.rfile.read(length - _HEADER.size)
            if code == _OP_QUERY:  # the first greeting of a client
                self._send(
                    request, _OP_REPLY, struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(_answer({"hello": 1}))
                )
            else:
                size = struct.unpack_from("<i", body, 5)[0]
                self._send(request, _OP_MSG, bytes(5) + bson.encode(_answer(bson.decode(body[5 : 5 + size]))))

    def _send(self, request: int, code: int, body: bytes) -> None:
        self.wfile.write(_HEADER.pack(_HEADER.size + len(body), 0, request, code) + body)


def _answer(command: dict[str, Any]) -> dict[str, Any]:
    if "find" in command:
        batch = [{"_id": 1, "sku": "tea"}] if command["find"] == "orders" else []
        return {"ok": 1.0, "cursor": {"id": 0, "ns": f"shop.{command['find']}", "firstBatch": batch}}
    if "insert" in command:
        return {"ok": 1.0, "n": 1}
    if "count" in command:
        return {"ok": 0.0, "code": 13, "codeName": "Unauthorized", "errmsg": "not allowed to count"}
    limits = {"maxBsonObjectSize": 2**24, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000}
    return {"ok": 1.0, "isWritablePrimary": True, "minWireVersion": 0, "maxWireVersion": 21, **limits}


class _Server(ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def serving() -> Generator[str]:
    """The URI of the server."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield f"mongodb://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
