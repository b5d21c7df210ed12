from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Item(_message.Message):
    __slots__ = ("sku", "quantity")
    SKU_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    sku: str
    quantity: int
    def __init__(self, sku: _Optional[str] = ..., quantity: _Optional[int] = ...) -> None: ...

class ReserveRequest(_message.Message):
    __slots__ = ("order_id", "customer_id", "items")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    customer_id: str
    items: _containers.RepeatedCompositeFieldContainer[Item]
    def __init__(self, order_id: _Optional[str] = ..., customer_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[Item, _Mapping]]] = ...) -> None: ...

class ReserveReply(_message.Message):
    __slots__ = ("reserved", "reason", "total_cents")
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TOTAL_CENTS_FIELD_NUMBER: _ClassVar[int]
    reserved: bool
    reason: str
    total_cents: int
    def __init__(self, reserved: _Optional[bool] = ..., reason: _Optional[str] = ..., total_cents: _Optional[int] = ...) -> None: ...

class QuoteRequest(_message.Message):
    __slots__ = ("order_id", "customer_id", "items")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    customer_id: str
    items: _containers.RepeatedCompositeFieldContainer[Item]
    def __init__(self, order_id: _Optional[str] = ..., customer_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[Item, _Mapping]]] = ...) -> None: ...

class QuoteReply(_message.Message):
    __slots__ = ("total_cents", "discount_cents")
    TOTAL_CENTS_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_CENTS_FIELD_NUMBER: _ClassVar[int]
    total_cents: int
    discount_cents: int
    def __init__(self, total_cents: _Optional[int] = ..., discount_cents: _Optional[int] = ...) -> None: ...

class PriceUpdatesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PriceUpdate(_message.Message):
    __slots__ = ("sku", "price_cents")
    SKU_FIELD_NUMBER: _ClassVar[int]
    PRICE_CENTS_FIELD_NUMBER: _ClassVar[int]
    sku: str
    price_cents: int
    def __init__(self, sku: _Optional[str] = ..., price_cents: _Optional[int] = ...) -> None: ...

class ChargeRequest(_message.Message):
    __slots__ = ("order_id", "customer_id", "amount_cents")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_CENTS_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    customer_id: str
    amount_cents: int
    def __init__(self, order_id: _Optional[str] = ..., customer_id: _Optional[str] = ..., amount_cents: _Optional[int] = ...) -> None: ...

class ChargeReply(_message.Message):
    __slots__ = ("captured", "reason")
    CAPTURED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    captured: bool
    reason: str
    def __init__(self, captured: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...
