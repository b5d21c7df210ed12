"""The gRPC services of the shop: `shop.proto`, and what grpcio-tools makes of it.

After a change, in `sample_services/`: `python -m grpc_tools.protoc -I . --python_out=. --pyi_out=.
--grpc_python_out=. laban_samples/proto/shop.proto`; then mend `shop_pb2_grpc.pyi` by hand.
"""
