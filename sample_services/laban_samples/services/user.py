"""user: knows the customers and their loyalty tier. REST only, calls nobody."""

from typing import Annotated

from fastapi import HTTPException, Path
from pydantic import BaseModel

from laban_samples.catalogue import CUSTOMERS, Tier
from laban_samples.chassis import Chassis, run_service


class User(BaseModel):
    """A customer."""

    customer_id: str
    tier: Tier


def build(chassis: Chassis) -> None:
    """Add what user does to its chassis."""

    @chassis.routes.get("/users/{customer_id}")
    def show(customer_id: Annotated[str, Path(max_length=64)]) -> User:
        if customer_id not in CUSTOMERS:
            raise HTTPException(404, f"There is no customer {customer_id}.")
        return User(customer_id=customer_id, tier=CUSTOMERS[customer_id])


if __name__ == "__main__":
    run_service("user", build)
