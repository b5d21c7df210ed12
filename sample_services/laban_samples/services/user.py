"""user: the customers and their loyalty tiers. REST only; calls no other service."""

from typing import Annotated

from fastapi import HTTPException, Path
from pydantic import BaseModel

from laban_samples.catalogue import CUSTOMERS, Tier
from laban_samples.runtime.service import Service, run_service


class User(BaseModel):
    """A customer."""

    customer_id: str
    tier: Tier


def configure(service: Service) -> None:
    """Add the routes of user."""

    @service.routes.get("/users/{customer_id}")
    def show(customer_id: Annotated[str, Path(max_length=64)]) -> User:
        if customer_id not in CUSTOMERS:
            raise HTTPException(404, f"Unknown customer {customer_id}.")
        return User(customer_id=customer_id, tier=CUSTOMERS[customer_id])


if __name__ == "__main__":
    run_service("user", configure)
