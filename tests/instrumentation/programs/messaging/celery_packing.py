"""Packs orders in a Celery task, which calls another task to mail them. Contains no tracing code."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready

app: Any = Celery("packing", broker=os.environ["BROKER"])
app.conf.worker_redirect_stdouts = False


@app.task(name="shop.pack")  # type: ignore[untyped-decorator]  # celery has no types
def pack(order: dict[str, Any]) -> None:
    """Pack the order."""
    mail.apply_async([order], queue=os.environ["MAILS"])


@app.task(name="shop.mail")  # type: ignore[untyped-decorator]  # celery has no types
def mail(order: dict[str, Any]) -> None:
    """Print a line."""
    print("mailed", flush=True)


@worker_ready.connect  # type: ignore[untyped-decorator]  # celery has no types
def ready(**_: Any) -> None:
    """Report that the worker is ready."""
    print("ready", flush=True)
