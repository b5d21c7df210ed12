"""Celery tasks that run at once: a result, an error, a chain."""

import celery

application = celery.Celery("shop", broker="memory://", backend="cache+memory://")
application.conf.task_always_eager = True


@application.task
def pack(order: int) -> int:
    if not order:
        raise LookupError("no such order")
    return order + 1


print(pack.delay(1).get(), celery.chain(pack.s(1), pack.s())().get(), pack.name)
print(repr(pack.delay(0).result))
