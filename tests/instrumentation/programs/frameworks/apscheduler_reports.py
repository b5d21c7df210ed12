"""Runs jobs with APScheduler in each kind of executor. The span inside a job stands for a call."""

import asyncio
import threading

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.executors.pool import ProcessPoolExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from opentelemetry import trace

NEVER_TOO_LATE = {"misfire_grace_time": None}
tracer = trace.get_tracer("program")


def report(name: str) -> None:
    tracer.start_span(f"query {name}").end()
    if name == "broken":
        raise ValueError("no report")


async def report_async(name: str) -> None:
    await asyncio.sleep(0)
    report(name)


def run_in_threads_and_processes() -> None:
    done = threading.Semaphore(0)
    scheduler = BackgroundScheduler(
        executors={"processes": ProcessPoolExecutor(1)}, job_defaults=NEVER_TOO_LATE
    )
    scheduler.add_listener(lambda _: done.release(), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    scheduler.start()
    scheduler.add_job(report, args=["daily"], id="daily-report")
    scheduler.add_job(report, args=["broken"])
    scheduler.add_job(report, args=["weekly"], executor="processes")
    for _ in range(3):
        assert done.acquire(timeout=60)
    scheduler.shutdown()


async def run_in_event_loop() -> None:
    done = asyncio.Event()
    scheduler = AsyncIOScheduler(job_defaults=NEVER_TOO_LATE)
    scheduler.add_listener(lambda _: done.set(), EVENT_JOB_EXECUTED)
    with tracer.start_as_current_span("starting"):
        scheduler.start()
    scheduler.add_job(report_async, args=["hourly"])
    await asyncio.wait_for(done.wait(), 60)
    scheduler.shutdown()


if __name__ == "__main__":
    run_in_threads_and_processes()
    asyncio.run(run_in_event_loop())
