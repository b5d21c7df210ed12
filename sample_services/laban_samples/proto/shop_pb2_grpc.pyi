"""The types of shop_pb2_grpc.py, written by hand because the gRPC plugin generates no type stubs."""

# ruff: noqa: N802 - the names in the proto

from collections.abc import Iterator

import grpc

from laban_samples.proto import shop_pb2

class InventoryStub:
    Reserve: grpc.UnaryUnaryMultiCallable[shop_pb2.ReserveRequest, shop_pb2.ReserveReply]
    def __init__(self, channel: grpc.Channel) -> None: ...

class InventoryServicer:
    def Reserve(
        self, request: shop_pb2.ReserveRequest, context: grpc.ServicerContext
    ) -> shop_pb2.ReserveReply: ...

def add_InventoryServicer_to_server(servicer: InventoryServicer, server: grpc.Server) -> None: ...

class PricingStub:
    Quote: grpc.UnaryUnaryMultiCallable[shop_pb2.QuoteRequest, shop_pb2.QuoteReply]
    PriceUpdates: grpc.UnaryStreamMultiCallable[shop_pb2.PriceUpdatesRequest, shop_pb2.PriceUpdate]
    def __init__(self, channel: grpc.Channel) -> None: ...

class PricingServicer:
    def Quote(self, request: shop_pb2.QuoteRequest, context: grpc.ServicerContext) -> shop_pb2.QuoteReply: ...
    def PriceUpdates(
        self, request: shop_pb2.PriceUpdatesRequest, context: grpc.ServicerContext
    ) -> Iterator[shop_pb2.PriceUpdate]: ...

def add_PricingServicer_to_server(servicer: PricingServicer, server: grpc.Server) -> None: ...

class PaymentStub:
    Charge: grpc.UnaryUnaryMultiCallable[shop_pb2.ChargeRequest, shop_pb2.ChargeReply]
    def __init__(self, channel: grpc.Channel) -> None: ...

class PaymentServicer:
    def Charge(
        self, request: shop_pb2.ChargeRequest, context: grpc.ServicerContext
    ) -> shop_pb2.ChargeReply: ...

def add_PaymentServicer_to_server(servicer: PaymentServicer, server: grpc.Server) -> None: ...
