"""Packs orders in a task of Celery and has them mailed by another one. Knows nothing of tracing."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready

app: Any = Celery("packing", broker=os.environ["BROKER"])
app.conf.worker_redirect_stdouts = False


@app.task(name="shop.pack")  # type: ignore[untyped-decorator]  # celery has no types
def pack(order: dict[str, Any]) -> None:
    """Pack it."""
    mail.apply_async([order], queue=os.environ["MAILS"])


@app.task(name="shop.mail")  # type: ignore[untyped-decorator]  # celery has no types
def mail(order: dict[str, Any]) -> None:
    """Say so."""
    print("mailed", flush=True)


@worker_ready.connect  # type: ignore[untyped-decorator]  # celery has no types
def ready(**_: Any) -> None:
    """The worker takes tasks."""
    print("ready", flush=True)
