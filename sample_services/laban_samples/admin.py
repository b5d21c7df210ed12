"""The routes that every service has besides its own, and how errors leave it."""

from collections.abc import Callable

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from laban_samples.errors import BadFault, BadOrder, PeerFailed, PublishFailed
from laban_samples.fault_state import FaultInjected, FaultState
from laban_samples.faults import parse_fault

# All of these are coroutines: hung work, which is what some faults make, cannot take their threads.


class FaultList(BaseModel):
    """The faults of a service, spelled as on the command line."""

    faults: list[str]


def health_routes(service: str, waiting_for: Callable[[], list[str]]) -> APIRouter:
    """`/healthz`: 200 once the service is ready, 503 with what it waits for until then."""
    routes = APIRouter()

    @routes.get("/healthz")
    async def health() -> JSONResponse:
        missing = waiting_for()
        status = "starting" if missing else "ok"
        body = {"service": service, "status": status, "waiting_for": missing}
        return JSONResponse(body, 503 if missing else 200)

    return routes


def admin_routes(state: FaultState) -> APIRouter:
    """`/admin/faults`: see, set and clear the faults of a running service."""
    routes = APIRouter(prefix="/admin")

    @routes.get("/faults")
    async def show() -> FaultList:
        return FaultList(faults=[str(fault) for fault in state.active])

    @routes.put("/faults")
    async def replace(wanted: FaultList) -> FaultList:
        state.replace([parse_fault(text) for text in wanted.faults])
        return await show()

    @routes.delete("/faults")
    async def clear() -> FaultList:
        state.replace([])
        return await show()

    return routes


def translate_errors(app: FastAPI) -> None:
    """Give the errors of the shop their HTTP status."""
    statuses = {BadFault: 422, BadOrder: 422, PeerFailed: 503, PublishFailed: 503, FaultInjected: 500}

    def answer(status: int) -> Callable[[Request, Exception], JSONResponse]:
        return lambda _request, error: JSONResponse({"detail": str(error)}, status)

    for error, status in statuses.items():
        app.add_exception_handler(error, answer(status))
