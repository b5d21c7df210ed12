"""A gRPC service and its client: an answer, an abort, a deadline that is known."""

from concurrent.futures import ThreadPoolExecutor

import grpc


def handle(request: bytes, context: grpc.ServicerContext) -> bytes:
    if request == b"0":
        context.abort(grpc.StatusCode.NOT_FOUND, "no such order")
    return request + b" tea"


server = grpc.server(ThreadPoolExecutor(1))
method = grpc.unary_unary_rpc_method_handler(handle)
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Orders", {"Show": method}),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    show = channel.unary_unary("/shop.Orders/Show")
    print(show(b"7", timeout=9))
    try:
        show(b"0", timeout=9)
    except grpc.RpcError as error:
        print(error.code(), error.details())
server.stop(None).wait()
