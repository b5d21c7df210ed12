"""A Tornado service and its client: an answer, a status, an unknown path, a handler that raises."""

import asyncio
import logging

import tornado.httpclient
import tornado.httpserver
import tornado.netutil
import tornado.web

logging.basicConfig(format="%(name)s %(levelname)s", level=logging.CRITICAL)


class Orders(tornado.web.RequestHandler):
    def get(self, order: str) -> None:
        if order == "9":
            raise tornado.web.HTTPError(409, reason="sold")
        if order == "0":
            raise LookupError("no such order")
        self.write({"order": order})


async def main() -> None:
    application = tornado.web.Application([(r"/orders/(\d+)", Orders)])
    [listener] = tornado.netutil.bind_sockets(0, "127.0.0.1")
    server = tornado.httpserver.HTTPServer(application)
    server.add_socket(listener)
    client = tornado.httpclient.AsyncHTTPClient()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for path in ("/orders/7", "/orders/9", "/orders/0", "/missing"):
        answer = await client.fetch(f"{url}{path}", raise_error=False)
        print(path, answer.code, answer.reason, answer.body)
    try:
        await client.fetch("http://127.0.0.1:1/")
    except OSError as error:
        print(type(error).__mro__)
    server.stop()
    await server.close_all_connections()


asyncio.run(main())
