"""The routes that all services have, and the HTTP status of each error."""

from collections.abc import Callable

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from laban_samples.errors import BadFault, BadOrder, PeerFailed, PublishFailed
from laban_samples.faults.active_faults import ActiveFaults, FaultInjected
from laban_samples.faults.parsing import parse_fault

# These routes are coroutines, so requests that a fault blocks cannot use up their threads.


class FaultList(BaseModel):
    """The faults of a service, in command-line format."""

    faults: list[str]


def health_routes(service: str, waiting_for: Callable[[], list[str]]) -> APIRouter:
    """Create `/healthz`: 200 if the service is ready, otherwise 503 with the missing conditions."""
    routes = APIRouter()

    @routes.get("/healthz")
    async def health() -> JSONResponse:
        missing = waiting_for()
        status = "starting" if missing else "ok"
        body = {"service": service, "status": status, "waiting_for": missing}
        return JSONResponse(body, 503 if missing else 200)

    return routes


def admin_routes(state: ActiveFaults) -> APIRouter:
    """Create `/admin/faults`: get, set and clear the faults of a running service."""
    routes = APIRouter(prefix="/admin")

    @routes.get("/faults")
    async def show() -> FaultList:
        return FaultList(faults=[str(fault) for fault in state.active])

    @routes.put("/faults")
    async def replace(body: FaultList) -> FaultList:
        state.replace([parse_fault(text) for text in body.faults])
        return await show()

    @routes.delete("/faults")
    async def clear() -> FaultList:
        state.replace([])
        return await show()

    return routes


def translate_errors(app: FastAPI) -> None:
    """Register the HTTP status of each error of the shop."""
    statuses = {BadFault: 422, BadOrder: 422, PeerFailed: 503, PublishFailed: 503, FaultInjected: 500}

    def answer(status: int) -> Callable[[Request, Exception], JSONResponse]:
        return lambda _request, error: JSONResponse({"detail": str(error)}, status)

    for error, status in statuses.items():
        app.add_exception_handler(error, answer(status))
