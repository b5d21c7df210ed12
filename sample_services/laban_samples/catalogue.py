"""What the shop sells, and to whom."""

from typing import Final, Literal

Tier = Literal["basic", "silver", "gold"]

PRICES_CENTS: Final = {
    "pencil": 120,
    "notebook": 450,
    "book": 1_890,
    "lamp": 4_900,
    "chair": 12_900,
    "desk": 34_900,
}
"""Price at the start by SKU."""

STOCK: Final = 1_000_000
"""Pieces of each SKU at the start."""

DISCOUNT: Final[dict[Tier, float]] = {"basic": 0.0, "silver": 0.05, "gold": 0.10}

CUSTOMERS: Final[dict[str, Tier]] = {
    f"c-{number}": "gold" if number % 10 == 0 else "silver" if number % 3 == 0 else "basic"
    for number in range(1, 51)
}
"""Loyalty tier by customer id."""

PAYMENT_LIMIT_CENTS: Final = 100_000
"""Larger charges are declined."""
