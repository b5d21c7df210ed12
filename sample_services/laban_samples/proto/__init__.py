"""The gRPC services of the shop: `shop.proto` and the code that grpcio-tools generates from it.

After a change, run in `sample_services/`: `python -m grpc_tools.protoc -I . --python_out=. --pyi_out=.
--grpc_python_out=. laban_samples/proto/shop.proto`. Then update `shop_pb2_grpc.pyi` by hand.
"""
