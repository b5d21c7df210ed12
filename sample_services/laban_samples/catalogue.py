"""The products and the customers of the shop."""

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
"""Initial price by SKU."""

STOCK: Final = 1_000_000
"""Initial quantity of each SKU."""

DISCOUNT: Final[dict[Tier, float]] = {"basic": 0.0, "silver": 0.05, "gold": 0.10}

CUSTOMERS: Final[dict[str, Tier]] = {
    f"c-{number}": "gold" if number % 10 == 0 else "silver" if number % 3 == 0 else "basic"
    for number in range(1, 51)
}
"""Loyalty tier by customer ID."""

PAYMENT_LIMIT_CENTS: Final = 100_000
"""Larger charges are declined."""
